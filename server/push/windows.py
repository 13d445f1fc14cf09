"""Communication windows: whether one is open at a local time, and when the next one opens.

Start and end are local date-times with open fields (Blue Book 4.4.8). Open fields repeat the window: from 22:00 to
06:00 with no date is every night. A window whose end, on the same day, lies before its start ends on the next. Days
are looked at one by one, so a date that never comes (30 February) ends the search after `HORIZON_DAYS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from cosem.date_time import UNSPECIFIED, YEAR_UNSPECIFIED, DateTime
from cosem.push_setup import Window

HORIZON_DAYS: Final = 5 * 366
"""Five years hold every date there is, also 29 February."""

_LAST_DAY: Final = 0xFE
_SECOND_LAST_DAY: Final = 0xFD


def opening(windows: Sequence[Window], local: datetime) -> datetime | None:
    """The first local time from `local` on at which a window is open: `local` itself where one is now.

    None where none ever opens again. Without windows it is always open.
    """
    if not windows:
        return local
    found = [moment for window in windows if (moment := _opening(window, local)) is not None]
    return min(found, default=None)


def _opening(window: Window, local: datetime) -> datetime | None:
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    first = -1 if window.end.year == YEAR_UNSPECIFIED else -_longest_days(window)
    for offset in range(first, HORIZON_DAYS):  # a window of the day before may still be open
        day = midnight + timedelta(days=offset)
        if not _matches(window.start, day):
            continue
        start = day + _time_of_day(window.start, 0)
        end = _end(window.end, start)
        if local <= end:
            return max(start, local)
    return None


def _longest_days(window: Window) -> int:
    """How long ago a window with a whole end may have begun."""
    if not window.start.is_complete:
        return 1
    return min(HORIZON_DAYS, max(1, (_whole(window.end) - _whole(window.start)).days + 1))


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


def _matches(moment: DateTime, day: datetime) -> bool:
    """Whether a day is one that the date stands for."""
    days_left = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - day
    left = {_LAST_DAY: 1, _SECOND_LAST_DAY: 2}.get(moment.day)
    return (
        moment.year in (YEAR_UNSPECIFIED, day.year)
        and moment.month in (UNSPECIFIED, day.month)
        and (moment.day in (UNSPECIFIED, day.day) if left is None else days_left.days == left)
        and moment.weekday in (UNSPECIFIED, day.isoweekday())
    )
