"""How values are written in IEC 62056-21 messages: in the digits and decimals of the display, and time as digits.

"The format follows the display" (IEC 1107 description 4): an energy has the digits and decimals that the meter shows
(configuration number 1), a power three decimals in kW. Where no readout list says how a value is written, its OBIS code
does (`notation_of`). Readings come as they are on DLMS: Wh, W, V, 0.01 A.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from cosem.date_time import STATUS_INVALID, YEAR_UNSPECIFIED, DateTime
from metering import LocalTime
from metering.clock import DST_S
from obis import Obis

NO_TIME: Final = "00000101000000"
"""The stamp of a peak that never was, as in the manufacturer's example."""


class Notation(NamedTuple):
    """How a value is written: `format` as `formatted` takes it, and its unit."""

    format: str
    unit: str


_ENERGIES: Final = {1: "kWh", 2: "kWh", 15: "kWh", 16: "kWh"} | dict.fromkeys(range(3, 9), "kvarh") | {
    9: "kVAh", 10: "kVAh"
}  # fmt: skip
_POWERS: Final = {1: "kW", 2: "kW", 3: "kvar", 4: "kvar", 9: "kVA", 10: "kVA"}
_OTHERS: Final = {11: Notation("decimal2", "A"), 12: Notation("plain", "V"), 13: Notation("decimal2", "")}
_COUNTED: Final = (8, 128)  # value group D: time integral; trip counter
_MEASURED: Final = (2, 6, 7, 13, 16, 25)  # accumulated maximum, maximum, now, lowest and highest of a day, average
_SINGLE: Final = {
    "96.8.0": Notation("plain", "h"),
    "96.51.1": Notation("power", "kW"),
    "130.0.0": Notation("energy", "kWh"),
    "132.0.3": Notation("plain", "V"),
    "132.0.4": Notation("plain", "V"),
    "132.0.5": Notation("plain", "V"),
}
_PLAIN: Final = Notation("plain", "")


def notation_of(code: Obis) -> Notation:
    """How the value of this register is written: groups C and D say it; those of a phase are 20, 40 or 60 above."""
    quantity = (code.c - 1) % 20 + 1 if 20 < code.c <= 80 else code.c
    if code.d in _COUNTED and quantity in _ENERGIES:
        return Notation("energy" if code.f == 255 else "decimal4", _ENERGIES[quantity])
    if code.d in _MEASURED and quantity in _POWERS:
        return Notation("power", _POWERS[quantity])
    if code.d in _MEASURED and quantity in _OTHERS:
        return _OTHERS[quantity]
    return _SINGLE.get(code.short, _PLAIN)


def formatted(kind: str, reading: Any, display_decimals: str) -> str:
    """A reading as text.

    `energy`: Wh in the format of the display, such as 6.1. `power6,1`: W as kW with six digits before and one behind
    the comma; `power` is short for `power1.3`. `decimal2`: hundredths. `7`: seven digits. `plain`: as it is.
    """
    if kind == "energy":
        digits, decimals = map(int, display_decimals.split("."))
        whole, fraction = divmod(reading % 10 ** (digits + 3), 1000)
        return f"{whole:0{digits}}" + (f".{fraction:03}"[: decimals + 1] if decimals else "")
    if kind.startswith("power"):
        width, sign, places = int(kind[5:6] or 1), kind[6:7] or ".", int(kind[7:] or 3)
        fraction = f"{reading % 1000:03}"[:places]
        return f"{reading // 1000:0{width}}{sign}{fraction}"
    if kind.startswith("decimal"):
        whole, fraction = divmod(reading, 10 ** int(kind[7:]))
        return f"{whole}.{fraction:0{kind[7:]}}"
    if kind == "plain":
        return plain(reading)
    return f"{reading % 10 ** int(kind):0{kind}}"


_SPECIAL: Final = re.compile(r"[^ -~]|[()*/!]")
"""What a value may not contain (IEC 62056-21 6.6)."""


def plain(reading: Any) -> str:
    """Anything that needs no notation: numbers, text, and octets as text where they are, else as hexadecimal digits."""
    if isinstance(reading, DateTime):
        return date_time_stamp(reading)
    if isinstance(reading, bytes):
        text = reading.decode("ascii", "replace")
        return reading.hex().upper() if _SPECIAL.search(text) else text
    return _SPECIAL.sub(" ", str(reading))


def stamp(local: LocalTime, *, valid: bool = True) -> str:
    """NVYYMMDDhhmmss: N daylight saving time, V valid (IEC 1107 description 5)."""
    return (
        f"{int(local.dst)}{int(valid)}{local.year % 100:02}{local.month:02}{local.day:02}"
        f"{local.hour:02}{local.minute:02}{local.second:02}"
    )


def date_time_stamp(moment: DateTime) -> str:
    """The same of a COSEM date and time."""
    if moment.year == YEAR_UNSPECIFIED:
        return NO_TIME
    return stamp(LocalTime(*moment[:7], moment.is_dst), valid=not moment.status & STATUS_INVALID)


_WRITTEN_STAMP: Final = re.compile(r"([01])(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})")


def normal_time(text: str) -> int:
    """Read NYYMMDDhhmmss as seconds of normal time; N takes an hour off, whatever the season.

    1050321003800 is 23:38 of the day before (IEC 1107 description 8.1.2). Raises `ValueError`.
    """
    match = _WRITTEN_STAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no NYYMMDDhhmmss")
    summer, year, *rest = map(int, match.groups())
    at = datetime(2000 + year, *rest, tzinfo=UTC)  # type: ignore[misc, arg-type]  # five fields are left
    return int(at.timestamp()) - summer * DST_S
