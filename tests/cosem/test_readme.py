"""The README of `cosem` is true: its example runs, its reading order names every file."""

from __future__ import annotations

import re
from pathlib import Path

COSEM = Path(__file__).parents[2] / "cosem"
README = (COSEM / "README.md").read_text()


def test_the_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "cosem/README.md", "exec"), {})


def test_the_reading_order_names_every_file() -> None:
    order = README.split("## Reading order")[1].split("##")[0]
    named = re.findall(r"`(\w+\.py)`", order)
    assert len(named) == len(set(named))
    assert set(named) == {path.name for path in COSEM.glob("*.py")} - {"__init__.py"}
