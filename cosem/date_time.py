"""COSEM date-time (Blue Book 4.1.6.1): twelve octets with wildcards, deviation and clock status."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from struct import Struct
from struct import error as StructError
from typing import Final, NamedTuple

from .errors import DecodeError

_LAYOUT: Final = Struct(">HBBBBBBBhB")
_DAYS_IN_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

UNSPECIFIED: Final = 0xFF
YEAR_UNSPECIFIED: Final = 0xFFFF
DEVIATION_UNSPECIFIED: Final = -0x8000

STATUS_INVALID: Final = 0x01
STATUS_DST: Final = 0x80


class DateTime(NamedTuple):
    """A date and time as COSEM writes it; 0xFF (0xFFFF for the year) leaves a field open.

    `weekday` is 1 (Monday) to 7. `deviation` is minutes from local time to UTC, so Denmark in
    winter is -60; the 382M leaves it unspecified (382M DLMS description 4). `status` bit 7 tells that
    daylight saving is in force, bit 0 that the value is invalid.
    """

    year: int = YEAR_UNSPECIFIED
    month: int = UNSPECIFIED
    day: int = UNSPECIFIED
    weekday: int = UNSPECIFIED
    hour: int = UNSPECIFIED
    minute: int = UNSPECIFIED
    second: int = UNSPECIFIED
    hundredths: int = UNSPECIFIED
    deviation: int = DEVIATION_UNSPECIFIED
    status: int = 0

    def to_bytes(self) -> bytes:
        """The twelve octets; raises `ValueError` where a field does not fit its octets."""
        try:
            return _LAYOUT.pack(*self)
        except StructError as cause:
            raise ValueError(f"not a date-time: {tuple(self)} ({cause})") from None

    @classmethod
    def from_bytes(cls, octets: bytes) -> DateTime:
        """Read twelve octets; raises `DecodeError` where a field is outside its range."""
        if len(octets) != 12:
            raise DecodeError(f"a date-time has 12 octets, not {len(octets)}")
        value = cls(*_LAYOUT.unpack(octets))
        value._check()
        return value

    def _check(self) -> None:
        # 0xFD and 0xFE are "last day" marks in a day, DST marks in a month (Blue Book 4.1.6.1).
        month, day = self.month, self.day
        if not (1 <= month <= 12 or month >= 0xFD):
            raise DecodeError(f"month {month} in a date-time (1..12, 0xFD..0xFF)")
        longest = _DAYS_IN_MONTH[month - 1] if month <= 12 else 31
        if not (1 <= day <= longest or day >= 0xFD):
            raise DecodeError(f"day {day} of month {month} in a date-time (1..{longest}, 0xFD..0xFF)")
        limits = (("weekday", self.weekday, 7), ("hour", self.hour, 23), ("minute", self.minute, 59),
                  ("second", self.second, 59), ("hundredths", self.hundredths, 99))  # fmt: skip
        for name, value, most in limits:
            if value > most and value != UNSPECIFIED:
                raise DecodeError(f"{name} {value} in a date-time (0..{most} or 0xFF)")
        if not (-720 <= self.deviation <= 840 or self.deviation == DEVIATION_UNSPECIFIED):
            raise DecodeError(f"deviation {self.deviation} in a date-time (-720..840 or 0x8000)")

    @property
    def is_complete(self) -> bool:
        """Whether year, month, day, hour, minute and second are all given."""
        return (
            self.year != YEAR_UNSPECIFIED
            and self.month <= 12
            and self.day <= 31
            and UNSPECIFIED not in (self.hour, self.minute, self.second)
        )

    @property
    def is_dst(self) -> bool:
        """Whether the status says that daylight saving is in force."""
        return self.status != UNSPECIFIED and bool(self.status & STATUS_DST)

    @classmethod
    def from_datetime(cls, moment: datetime, *, deviation: int = DEVIATION_UNSPECIFIED, status: int = 0) -> DateTime:
        """The COSEM form of a Python date and time (its time zone is not looked at)."""
        return cls(moment.year, moment.month, moment.day, moment.isoweekday(), moment.hour, moment.minute,
                   moment.second, UNSPECIFIED, deviation, status)  # fmt: skip

    def to_datetime(self) -> datetime:
        """The local date and time without zone; an open time of day reads as zero.

        Raises `DecodeError` where the date is open or does not exist.
        """
        try:
            moment = datetime(self.year, self.month, self.day)
        except ValueError as cause:
            raise DecodeError(f"not a date: {self}") from cause
        hour, minute, second = (0 if field == UNSPECIFIED else field for field in (self.hour, self.minute, self.second))
        return moment + timedelta(hours=hour, minutes=minute, seconds=second)

    def to_utc(self) -> datetime | None:
        """The instant in UTC where the deviation is given, else None; raises `DecodeError` as `to_datetime` does."""
        if self.deviation == DEVIATION_UNSPECIFIED:
            return None
        try:
            return (self.to_datetime() + timedelta(minutes=self.deviation)).replace(tzinfo=UTC)
        except OverflowError as cause:
            raise DecodeError(f"outside the years 1 to 9999 in UTC: {self}") from cause

    def __str__(self) -> str:
        def field(value: int, width: int, wildcard: int = UNSPECIFIED) -> str:
            return "*" * width if value == wildcard else f"{value:0{width}}"

        text = (
            f"{field(self.year, 4, YEAR_UNSPECIFIED)}-{field(self.month, 2)}-{field(self.day, 2)} "
            f"{field(self.hour, 2)}:{field(self.minute, 2)}:{field(self.second, 2)}"
        )
        if self.deviation != DEVIATION_UNSPECIFIED:
            hours, minutes = divmod(abs(self.deviation), 60)
            text += f" {'-' if self.deviation > 0 else '+'}{hours:02}:{minutes:02}"
        invalid = self.status != UNSPECIFIED and self.status & STATUS_INVALID
        return text + (" DST" if self.is_dst else "") + (" invalid" if invalid else "")
