"""Names of KMP's registers, as public software calls them; those without a name there are not in the table."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

_TABLE = Path(__file__).parent / "kmp_registers.csv"


@cache
def register_names() -> Mapping[int, str]:
    """Every register known, in the order of their numbers."""
    with _TABLE.open(newline="", encoding="utf-8") as file:
        return MappingProxyType({int(row["id"], 16): row["name"] for row in csv.DictReader(file)})


def register_number(text: str) -> int:
    """A register as people write it: `0x0001`, `041E` (always hexadecimal) or its name; raises `ValueError`."""
    wanted = text.strip()
    try:
        number = int(wanted, 16)
    except ValueError:
        number = -1
        for candidate, name in register_names().items():
            if name.casefold() == wanted.casefold():
                number = candidate
    if not 0 <= number <= 0xFFFF:
        raise ValueError(f"{text!r} is no register of KMP (0001, 0x041E, or a name like 'Voltage L1')")
    return number
