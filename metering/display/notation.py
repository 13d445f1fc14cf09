"""How values are written in the value field: digits, decimals, leading zeros.

Energies follow the order's decimals and begin again at zero when the digits are full, like any register. Powers have
two digits and three decimals, voltages none, currents two. A number that is longer than the field shows its last
digits. Stamps show time and date in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from ..clock import LocalTime
from ..quantities import MWS_PER_WH
from .layout import DisplayLayout

_NO_TIME: Final = "00.00.00"


class Field(NamedTuple):
    """The value field of one meter."""

    layout: DisplayLayout
    decimals: str
    """Digits of an energy before and after the point, such as 6.1."""

    @property
    def energy_digits(self) -> tuple[int, int]:
        """The same as numbers."""
        return int(self.decimals[0]), int(self.decimals[2])


def number(value: int, digits: int, decimals: int, *, zeros: bool) -> str:
    """`value` in units of its last decimal, with so many digits before the point; beyond them it begins again."""
    whole, fraction = divmod(abs(value) % 10 ** (digits + decimals), 10**decimals)
    text = f"{whole:0{digits}}" if zeros else f"{whole}"
    if decimals:
        text += f".{fraction:0{decimals}}"
    return f"-{text[1:] if zeros else text}" if value < 0 else text


def _energy(value: int, field: Field) -> str:
    digits, decimals = field.energy_digits
    unit = MWS_PER_WH * 1000 // 10**decimals
    scaled = value // unit if value >= 0 else -(-value // unit)
    return number(scaled, digits, decimals, zeros=field.layout.leading_zeros)


def _trip(value: int, field: Field) -> str:
    if field.layout.trip_decimals is None:
        return _energy(value, field)
    digits = sum(field.energy_digits) - field.layout.trip_decimals
    unit = MWS_PER_WH * 1000 // 10**field.layout.trip_decimals
    return number(value // unit, digits, field.layout.trip_decimals, zeros=field.layout.leading_zeros)


def _power(value: int, field: Field) -> str:
    watts = value // 1000
    return number(watts, max(2, len(str(watts // 1000))), 3, zeros=True)


def _plain(value: int, field: Field) -> str:
    return str(value)[-field.layout.digits :]


NOTATIONS: Final[Mapping[str, Callable[[int, Field], str]]] = MappingProxyType(
    {
        "energy": _energy,
        "trip": _trip,
        "power": _power,
        "watts": lambda value, field: _plain(value // 1000, field),
        "voltage": lambda value, field: _plain((value + 500) // 1000, field),
        "current": lambda value, field: number(value // 10, 3, 2, zeros=False),
        "factor": lambda value, field: number(value, 1, 2, zeros=True),
        "frequency": lambda value, field: number(value // 10, 2, 2, zeros=True),
        "count": _plain,
        "plain": _plain,
        "number": _plain,
        "info": lambda value, field: f"{value:08}"[-field.layout.digits :],
    }
)
"""By the format of an item."""


def time_of(local: LocalTime | None) -> str:
    """hh.mm.ss; zeros where there is none."""
    return _NO_TIME if local is None else f"{local.hour:02}.{local.minute:02}.{local.second:02}"


def date_of(local: LocalTime | None) -> str:
    """yy.mm.dd; zeros where there is none."""
    return _NO_TIME if local is None else f"{local.year % 100:02}.{local.month:02}.{local.day:02}"
