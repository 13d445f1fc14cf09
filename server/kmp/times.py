"""Times in KMP: the RTC of eight octets, clock and date as decimal numbers, and the times of requests.

The RTC register is status, weekday (7 is Sunday), second, minute, hour, day, month, year: normal time, and bit 0 of
the status says that daylight saving is in force, bit 1 that the clock is right; bit 7 is set in the meter that was
read. The time of a logger request is year, month, day, hour, minute, second and two zeros, as head-ends send it. Clock
and date are the local time of the display: 203513 and 140727.
"""

from __future__ import annotations

from typing import Final

from metering import Meter
from metering.clock import LocalTime, Zone, seconds_of

RTC_DST: Final = 0x01
RTC_VALID: Final = 0x02
_RTC_PRESENT: Final = 0x80
NO_RTC: Final = bytes(8)
"""The stamp of what never was."""

_PLAIN: Final = Zone(0, dst=False)
EPOCH_2000: Final = 946_684_800
"""2000-01-01, where the seconds of a KamDateTime begin."""


def rtc_status(engine: Meter, stamp: int, *, valid: bool) -> int:
    """The status octet of a normal time."""
    summer = RTC_DST if engine.local_stamp(stamp).dst else 0
    return _RTC_PRESENT | summer | (RTC_VALID if valid else 0)


def rtc(engine: Meter, stamp: int | None, *, valid: bool = True) -> bytes:
    """A normal time as the RTC register; zeros where there is none."""
    if stamp is None:
        return NO_RTC
    at = _PLAIN.local(stamp)
    status = rtc_status(engine, stamp, valid=valid)
    return bytes((status, at.weekday, at.second, at.minute, at.hour, at.day, at.month, at.year % 100))


def clock_number(at: LocalTime) -> int:
    """HHMMSS."""
    return at.hour * 10_000 + at.minute * 100 + at.second


def date_number(at: LocalTime) -> int:
    """YYMMDD."""
    return at.year % 100 * 10_000 + at.month * 100 + at.day


def utc_of(zone: Zone, date: int, clock: int) -> int:
    """The UTC second of YYMMDD and HHMMSS in local time; raises `ValueError` where there is no such time."""
    year, month, day = 2000 + date // 10_000, date // 100 % 100, date % 100
    return zone.utc(year, month, day, clock // 10_000, clock // 100 % 100, clock % 100)


def requested_stamp(octets: bytes) -> int:
    """The normal time of a logger request; raises `ValueError` where there is no such time."""
    year, month, day, hour, minute, second = octets[:6]
    return seconds_of(2000 + year, month, day, hour, minute, second)
