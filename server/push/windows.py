"""Communication windows: whether one is open at a local time, and when the next one opens.

Start and end are local date-times with open fields (Blue Book 4.4.8). Open fields repeat the window: from 22:00 to
06:00 with no date is every night. A window whose end, on the same day, lies before its start ends on the next.

Clients write windows, so the search costs little whatever they say: months that a date stands for are gone through,
and in each the days it can be are computed. A date that does not come within `HORIZON_YEARS` never comes.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from cosem.date_time import UNSPECIFIED, YEAR_UNSPECIFIED, DateTime
from cosem.push_setup import Window

HORIZON_YEARS: Final = 5
"""Five years hold every date there is, also 29 February."""

_LAST_DAY: Final = 0xFE
_SECOND_LAST_DAY: Final = 0xFD
_MONTHS: Final = 12
_LAST_YEAR: Final = 9999


def opening(windows: Sequence[Window], local: datetime) -> datetime | None:
    """The first local time from `local` on at which a window is open: `local` itself where one is now.

    None where none ever opens again. Without windows it is always open.
    """
    if not windows:
        return local
    found = None
    for window in windows:
        moment = _opening(window, local)
        if moment == local:
            return local
        if moment is not None and (found is None or moment < found):
            found = moment
    return found


def _opening(window: Window, local: datetime) -> datetime | None:
    last = _whole(window.end) if window.end.is_complete else None
    if last is not None and last < local:
        return None
    # A window of the day before may still be open; one with a whole beginning has only that.
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    first = _whole(window.start) if window.start.is_complete else midnight - timedelta(days=1)
    for day in _days(window.start, first.replace(hour=0, minute=0, second=0), local.year + HORIZON_YEARS):
        start = day + _time_of_day(window.start, 0)
        if last is not None and start > last:
            return None
        if local <= _end(window.end, start):  # true of the third day at the latest: an open end follows its start
            return max(start, local)
    return None


def _days(date: DateTime, first: datetime, last_year: int) -> Iterator[datetime]:
    """The days from `first` on that a date with open fields stands for, oldest first."""
    if date.year != YEAR_UNSPECIFIED:
        last_year = min(last_year, date.year)
    start = first if date.year == YEAR_UNSPECIFIED else max(first, datetime(max(date.year, 1), 1, 1))
    for year in range(start.year, min(last_year, _LAST_YEAR) + 1):
        for month in range(1, _MONTHS + 1) if date.month == UNSPECIFIED else (date.month,):
            for number in _days_of_month(date, year, month):
                day = datetime(year, month, number)
                if day >= start:
                    yield day


def _days_of_month(date: DateTime, year: int, month: int) -> Iterable[int]:
    """Those of one month. A mark of daylight saving in a month's place stands for no day (ours)."""
    if month > _MONTHS:
        return ()
    weekday, length = monthrange(year, month)
    if date.day == UNSPECIFIED:
        days: Iterable[int] = range(1, length + 1)
    else:
        day = {_LAST_DAY: length, _SECOND_LAST_DAY: length - 1}.get(date.day, date.day)
        days = (day,) if day <= length else ()
    if date.weekday == UNSPECIFIED:
        return days
    return [day for day in days if (weekday + day - 1) % 7 + 1 == date.weekday]


def _end(end: DateTime, start: datetime) -> datetime:
    """When a window that began at `start` ends: open fields of the date are those of its beginning."""
    if end.is_complete:
        return _whole(end)
    ends = start.replace(hour=0, minute=0, second=0) + _time_of_day(end, 59)
    return ends if ends >= start else ends + timedelta(days=1)


def _whole(moment: DateTime) -> datetime:
    return moment.to_datetime()


def _time_of_day(moment: DateTime, filling: int) -> timedelta:
    """Its time of day; open fields are the first or the last there are."""
    hour = (0 if filling == 0 else 23) if moment.hour == UNSPECIFIED else moment.hour
    minute = filling if moment.minute == UNSPECIFIED else moment.minute
    second = filling if moment.second == UNSPECIFIED else moment.second
    return timedelta(hours=hour, minutes=minute, seconds=second)
