"""The table of settings in the README is the catalogue."""

from __future__ import annotations

import re
from pathlib import Path

from server.settings import CATALOGUE, catalogue

README = Path(catalogue.__file__).parent / "README.md"


def test_the_table_in_the_readme_has_every_setting_in_order() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.*?) \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(str(number), one.name, one.description) for number, one in CATALOGUE.items()]
