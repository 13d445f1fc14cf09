"""Registers as KMP carries them: unit, number of octets, sign and exponent, mantissa (KMP description 4).

    register u16 | unit u8 | octets u8 | siEx u8 | mantissa

siEx: bit 7 the sign of the mantissa, bit 6 the sign of the exponent, bits 5 to 0 the exponent. Some units are no
numbers: clock and date are their decimal digits, an RTC has a layout of its own, characters come last first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from cosem.errors import DecodeError
from cosem.reader import Reader

_SIGN: Final = 0x80
_EXPONENT_SIGN: Final = 0x40
_EXPONENT: Final = 0x3F

HOUR_MINUTE_SECOND: Final = 47
YEAR_MONTH_DAY: Final = 48
RTC: Final = 53
CHARACTERS: Final = 54
SECONDS_SINCE_2000: Final = 72

_SYMBOLS: Final = """
    - Wh kWh MWh GWh J kJ MJ GJ cal kcal Mcal Gcal varh kvarh Mvarh Gvarh VAh kVAh MVAh GVAh W kW MW GW
    var kvar Mvar Gvar VA kVA MVA GVA V A kV kA °C K l m³ l/h m³/h m³·°C t t/h h hh:mm:ss yy:mm:dd yyyy:mm:dd mm:dd
    - bar RTC ASCII m³·10 t·10 GJ·10 min bits s ms d RTC datetime imp/l l/imp Hz ° %
"""
UNITS: Final[dict[int, str]] = {code: symbol.strip("-") for code, symbol in enumerate(_SYMBOLS.split())} | {
    72: "datetime",
    73: "IPv4",
    74: "IPv6",
}
"""Symbols by unit code; units 0 and 51 ("number") have none."""

_KINDS: Final = frozenset({HOUR_MINUTE_SECOND, YEAR_MONTH_DAY, 49, 50, RTC, CHARACTERS, 63, 64, 72})
"""Units that say how a value is written and measure nothing."""


@dataclass(frozen=True)
class Stamp:
    """A moment of the meter's real time clock, in normal time; `moment` is `None` where nothing was stamped."""

    moment: datetime | None
    status: int

    @property
    def daylight_saving(self) -> bool:
        """Daylight saving time was in force."""
        return bool(self.status & 1)

    @property
    def valid(self) -> bool:
        """The clock was right."""
        return bool(self.status & 2)

    @classmethod
    def from_octets(cls, octets: bytes) -> Stamp:
        """Status, weekday, second, minute, hour, day, month, year of the century; raises `DecodeError`."""
        if len(octets) != 8:
            raise DecodeError(f"an RTC has 8 octets, found {octets.hex()}")
        status, _, second, minute, hour, day, month, year = octets
        if not any(octets[1:]):
            return cls(None, status)
        try:
            return cls(datetime(2000 + year, month, day, hour, minute, second), status)
        except ValueError as error:
            raise DecodeError(f"no moment in the RTC {octets.hex()}: {error}") from None

    def to_octets(self) -> bytes:
        """The 8 octets; seven zeros behind the status where nothing was stamped."""
        at = self.moment
        if at is None:
            return bytes((self.status, 0, 0, 0, 0, 0, 0, 0))
        parts = (self.status, at.isoweekday(), at.second, at.minute, at.hour, at.day, at.month, at.year - 2000)
        return bytes(parts)

    def __str__(self) -> str:
        return "" if self.moment is None else str(self.moment)


class RegisterRecord(NamedTuple):
    """One register with its value as it came."""

    register: int
    unit: int
    sign_exponent: int
    mantissa: bytes

    @property
    def symbol(self) -> str:
        """The unit as people write it; empty where the unit is the value's form only."""
        return "" if self.unit in _KINDS else UNITS.get(self.unit, f"unit {self.unit}")

    @property
    def value(self) -> Any:
        """A number (`int` or `Decimal`), time, date, `Stamp` or text; raises `DecodeError`."""
        if self.unit in (RTC, 63):
            return Stamp.from_octets(self.mantissa)
        if self.unit == CHARACTERS:
            return self.mantissa[::-1].decode("latin-1").strip("\0 ")
        number = self.number
        if self.unit == SECONDS_SINCE_2000:
            return datetime(2000, 1, 1) + timedelta(seconds=int.from_bytes(self.mantissa[1:], "big"))
        try:
            if self.unit == HOUR_MINUTE_SECOND:
                return time(*_pairs(int(number)))
            if self.unit == YEAR_MONTH_DAY and number:
                year, month, day = _pairs(int(number))
                return date(2000 + year, month, day)
        except ValueError as error:
            raise DecodeError(f"register {self.register:04X} is no {UNITS[self.unit]}: {number} ({error})") from None
        return number

    @property
    def number(self) -> int | Decimal:
        """Mantissa, sign and exponent as they are."""
        exponent = self.sign_exponent & _EXPONENT
        number = int.from_bytes(self.mantissa, "big")
        if self.sign_exponent & _SIGN:
            number = -number
        if not self.sign_exponent & _EXPONENT_SIGN:
            return int(number * 10**exponent)
        return Decimal(number).scaleb(-exponent) if exponent else number

    @classmethod
    def of_number(
        cls, register: int, unit: int, number: int | Decimal, octets: int, decimals: int = 0
    ) -> RegisterRecord:
        """A record of `number` with so many decimals; raises `ValueError` where it does not fit."""
        mantissa = abs(Decimal(number).scaleb(decimals))
        if mantissa != int(mantissa):
            raise ValueError(f"{number} has more than {decimals} decimals")
        if int(mantissa) >= 1 << 8 * octets:
            raise ValueError(f"{number} does not fit {octets} octets")
        sign_exponent = (_SIGN if number < 0 else 0) | (_EXPONENT_SIGN | decimals if decimals else 0)
        return cls(register, unit, sign_exponent, int(mantissa).to_bytes(octets, "big"))

    @classmethod
    def read(cls, reader: Reader) -> RegisterRecord:
        """The next record; raises `DecodeError`."""
        register, unit, count, sign_exponent = reader.unsigned(2), reader.u8(), reader.u8(), reader.u8()
        return cls(register, unit, sign_exponent, reader.octets(count))

    def to_octets(self) -> bytes:
        """The record as PutRegister sends it and GetRegister answers it."""
        head = bytes((self.unit, len(self.mantissa), self.sign_exponent))
        return self.register.to_bytes(2, "big") + head + self.mantissa


def _pairs(number: int) -> tuple[int, int, int]:
    """The six decimal digits of a clock or date, two by two."""
    return number // 10000, number // 100 % 100, number % 100


def read_records(reader: Reader) -> list[RegisterRecord]:
    """All records of an answer to GetRegister; raises `DecodeError`."""
    records = []
    while reader.remaining:
        records.append(RegisterRecord.read(reader))
    return records
