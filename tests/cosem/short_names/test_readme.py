"""The README of `cosem/short_names` is true: its example runs, its reading order names every file."""

from __future__ import annotations

import re
from pathlib import Path

SHORT_NAMES = Path(__file__).parents[3] / "cosem" / "short_names"
README = (SHORT_NAMES / "README.md").read_text()


def test_the_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "cosem/short_names/README.md", "exec"), {})


def test_the_reading_order_names_every_file() -> None:
    order = README.split("## Reading order")[1].split("##")[0]
    named = re.findall(r"`(\w+\.py)`", order)
    assert len(named) == len(set(named))
    assert set(named) == {path.name for path in SHORT_NAMES.glob("*.py")} - {"__init__.py"}
