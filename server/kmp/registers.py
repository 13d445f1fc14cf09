"""The registers of KMP: `registers.csv`, and how a value becomes a record.

A record is the register's number, its unit, the number of octets of its mantissa, an octet `siEx` with the signs and
the exponent, and the mantissa, all big-endian (KMP protocol description, 4). `format` in the table says where unit,
width and exponent come from: "listed" of a meter that was read, "ours" after the register's DLMS twin, because no
public document gives them. `access` is R, RW, R(W) for what only the module port may write, or "log" for what only
stands in the rows of loggers. `since` is the first generation that has the register, as far as that is known.

Values come in the engine's units (mWs, mW, mV, mA, mHz, s, counts) and are scaled to the register's unit and exponent.
Energies wrap as the field they travel in does; anything else stops at the largest number the field holds.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

Value = int | bytes
"""Engine units, or octets that travel as they are."""

_TABLE: Final = Path(__file__).parent / "registers.csv"

UNITS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "nr": 51, "kWh": 2, "kvarh": 14, "kVAh": 18, "kW": 22, "kvar": 26, "kVA": 30, "V": 33, "A": 34, "K": 38,
        "h": 46, "hms": 47, "ymd": 48, "factor": 51, "RTC": 53, "ASCII": 54, "min": 58, "bits": 59, "s": 60,
        "ms": 61, "days": 62, "Hz": 67, "degree": 68, "%": 69, "-": 0,
    }
)  # fmt: skip
"""Codes of the units the table names (KMP protocol description, 5); a factor is a plain number."""

_MWS_PER_KWH: Final = 3_600_000_000
_SCALES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "kWh": _MWS_PER_KWH, "kvarh": _MWS_PER_KWH, "kVAh": _MWS_PER_KWH,
        "kW": 1_000_000, "kvar": 1_000_000, "kVA": 1_000_000,
        "V": 1_000, "A": 1_000, "Hz": 1_000, "K": 1_000, "factor": 1_000, "%": 1_000,
        "h": 3_600, "min": 60,
    }
)  # fmt: skip
"""Engine units in one of the register's unit, where that is not 1."""

_WRAPPING: Final = frozenset({"kWh", "kvarh", "kVAh"})
_EXPONENT_SIGN: Final = 0x40


class Register(NamedTuple):
    """One row of the table; `exponent` counts decimals, so 1 is the siEx 0x41."""

    id: int
    name: str
    unit: str
    width: int
    exponent: int
    source: str
    access: str
    since: str
    format: str

    @property
    def readable(self) -> bool:
        """Whether GetRegister gives it."""
        return self.access != "log"

    @property
    def format_octets(self) -> bytes:
        """Unit, width and siEx."""
        return bytes((UNITS[self.unit], self.width, self.exponent and _EXPONENT_SIGN | self.exponent))

    @property
    def header(self) -> bytes:
        """What stands before the mantissa: number, unit, width, siEx."""
        return self.id.to_bytes(2, "big") + self.format_octets

    def writable(self, interface: str) -> bool:
        """Whether PutRegister takes it at this port."""
        return self.access == "RW" or (self.access == "R(W)" and interface == "module")

    def mantissa(self, value: Value) -> bytes:
        """A value in engine units as the octets of this register; text that is too long keeps its end."""
        if isinstance(value, bytes):
            return value[: self.width].ljust(self.width, b" ")
        scale = _SCALES.get(self.unit, 1)
        rounding = scale // 2 if self.unit == "V" else 0
        number: int = (value * self._decimals + rounding) // scale
        limit = 1 << 8 * self.width
        number = number % limit if self.unit in _WRAPPING else min(max(number, 0), limit - 1)
        return number.to_bytes(self.width, "big")

    def value(self, mantissa: bytes) -> int:
        """The value in engine units of octets that a client sent."""
        return int.from_bytes(mantissa, "big") * _SCALES.get(self.unit, 1) // self._decimals

    @property
    def _decimals(self) -> int:
        return int(10**self.exponent)


def ascii_octets(text: str) -> bytes:
    """Text as KMP sends it: the last character first."""
    return text.encode("ascii", "replace")[::-1]


@cache
def all_registers() -> Mapping[int, Register]:
    """The whole table by number."""
    with _TABLE.open(newline="", encoding="utf-8") as file:
        rows = [
            Register(
                int(row["id"], 16), row["name"], row["unit"], int(row["width"]), int(row["exponent"]),
                row["source"], row["access"], row["since"], row["format"],
            )
            for row in csv.DictReader(file)
        ]  # fmt: skip
    return MappingProxyType({row.id: row for row in rows})


@cache
def registers_of(generation: str) -> Mapping[int, Register]:
    """What a meter of a generation (one letter) has; letters are in the order the generations came."""
    return MappingProxyType({number: row for number, row in all_registers().items() if row.since <= generation})
