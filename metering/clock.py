"""Calendar arithmetic: UTC seconds to local fields and back, one value or a whole column.

Three times are used throughout, all integer seconds since 1970-01-01:

* *true time*: UTC as it is;
* *meter clock*: true time plus the error of this meter's clock, also UTC;
* *normal time*: meter clock plus the GMT offset, never daylight saving time. Loggers and demand
  periods live on it, so every day has 24 hours and no hour comes twice.

Daylight saving follows the EU rule (directive 2000/84/EC): from 01:00 UTC on the last Sunday of March to
01:00 UTC on the last Sunday of October, in every zone at the same instant. It only matters where a time
is shown or sent.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .quantities import IntArray

DAY_S: Final = 86_400
DST_S: Final = 3_600
EARLIEST_CLOCK: Final = 631_152_000
"""1990-01-01, the first day of a meter or its clock."""
LATEST_CLOCK: Final = 4_102_444_799
"""2099-12-31T23:59:59, the last a clock can be set to: IEC 62056-21 sends two digits of the year."""
_EPOCH: Final = datetime(1970, 1, 1)


class LocalTime(NamedTuple):
    """One local time; `weekday` is 1 Monday to 7 Sunday, `dst` says that the hour is daylight saving time."""

    year: int
    month: int
    day: int
    weekday: int
    hour: int
    minute: int
    second: int
    dst: bool


class LocalColumns(NamedTuple):
    """Many local times, a column per field of `LocalTime`."""

    year: IntArray
    month: IntArray
    day: IntArray
    weekday: IntArray
    hour: IntArray
    minute: IntArray
    second: IntArray
    dst: NDArray[np.bool_]


def seconds_of(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    """Seconds since 1970 of these fields, no zone involved; raises `ValueError` where there is no such day or time."""
    return (datetime(year, month, day, hour, minute, second) - _EPOCH) // timedelta(seconds=1)


@lru_cache(maxsize=256)
def eu_summer(year: int) -> tuple[int, int]:
    """First and one-past-last UTC second of daylight saving time in `year`."""
    return _last_sunday_0100(year, 3), _last_sunday_0100(year, 10)


def _last_sunday_0100(year: int, month: int) -> int:
    last = monthrange(year, month)[1]
    weekday = datetime(year, month, last, tzinfo=UTC).isoweekday()
    return seconds_of(year, month, last - weekday % 7, 1)


@lru_cache(maxsize=8)
def _transitions(first_year: int, last_year: int) -> IntArray:
    """Instants at which daylight saving starts and ends in turn, for the years given, ascending."""
    return np.array([edge for year in range(first_year, last_year + 1) for edge in eu_summer(year)], dtype=np.int64)


def _year_of(seconds: int) -> int:
    return (_EPOCH + timedelta(seconds=seconds)).year


def in_summer(utc: IntArray) -> NDArray[np.bool_]:
    """Which of these UTC seconds lie in daylight saving time by the EU rule."""
    if not utc.size:
        return np.zeros(0, dtype=np.bool_)
    edges = _transitions(_year_of(int(utc.min())), _year_of(int(utc.max())))
    summer: NDArray[np.bool_] = np.searchsorted(edges, utc, side="right") % 2 == 1
    return summer


@dataclass(frozen=True, slots=True)
class Zone:
    """A local time: the GMT offset of normal time, and whether daylight saving is shown."""

    gmt_offset_s: int = 3_600
    dst: bool = True

    def deviation_s(self, utc: int) -> int:
        """Seconds to add to this UTC instant to have local time."""
        return self.gmt_offset_s + (DST_S if self._summer(utc) else 0)

    def _summer(self, utc: int) -> bool:
        if not self.dst:
            return False
        start, end = eu_summer(_year_of(utc))
        return start <= utc < end

    def local(self, utc: int) -> LocalTime:
        """The local fields of one UTC instant."""
        summer = self._summer(utc)
        at = _EPOCH + timedelta(seconds=utc + self.gmt_offset_s + (DST_S if summer else 0))
        return LocalTime(at.year, at.month, at.day, at.isoweekday(), at.hour, at.minute, at.second, summer)

    def local_columns(self, utc: IntArray) -> LocalColumns:
        """The local fields of many UTC instants at once; 60 000 take a few milliseconds."""
        summer = in_summer(utc) if self.dst else np.zeros(utc.shape, dtype=np.bool_)
        local = utc + self.gmt_offset_s + summer * np.int64(DST_S)
        days = local // DAY_S
        second_of_day = local - days * DAY_S
        dates = days.astype("datetime64[D]")
        month_starts = dates.astype("datetime64[M]")
        months = month_starts.astype(np.int64)
        hour = second_of_day // 3_600
        minute = second_of_day // 60 - hour * 60
        return LocalColumns(
            year=months // 12 + 1970,
            month=months % 12 + 1,
            day=days - month_starts.astype("datetime64[D]").astype(np.int64) + 1,
            weekday=(days + 3) % 7 + 1,
            hour=hour,
            minute=minute,
            second=second_of_day % 60,
            dst=summer,
        )

    def utc(
        self, year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, dst: bool | None = None
    ) -> int:
        """The UTC instant of local fields.

        With `dst` given it is taken at its word. Without it, the hour that autumn repeats is taken as its first
        passage (daylight saving time), and the hour that spring leaves out as normal time, so 02:30 is
        what the clocks call 03:30. Raises `ValueError` where there is no such day or time.
        """
        normal = seconds_of(year, month, day, hour, minute, second) - self.gmt_offset_s
        if dst is None:
            dst = self._summer(normal - DST_S)
        return normal - DST_S if dst else normal
