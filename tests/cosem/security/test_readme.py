"""The README of `cosem/security` is true: its example runs, it names every file, and the tests it names exist."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
SECURITY = HERE.parents[2] / "cosem" / "security"
README = (SECURITY / "README.md").read_text()


def test_the_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "cosem/security/README.md", "exec"), {})


def test_the_reading_order_names_every_file() -> None:
    order = README.split("## Reading order")[1].split("##")[0]
    named = re.findall(r"`(\w+\.py)`", order)
    assert len(named) == len(set(named))
    assert set(named) == {path.name for path in SECURITY.glob("*.py")} - {"__init__.py"}


def test_every_test_it_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", README))
    files = [*HERE.glob("test_*.py"), *HERE.parent.glob("test_*.py"), *(HERE.parents[1] / "interop").glob("test_*.py")]
    existing = set(re.findall(r"def (test_\w+)", "".join(path.read_text() for path in files)))
    existing |= {path.stem for path in files}
    assert named
    assert named <= existing
