"""Boundaries: when periods end, rows are captured and bills are stopped. All of them lie on normal time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .clock import DAY_S, Zone, seconds_of
from .quantities import IntArray

_NORMAL = Zone(0, dst=False)


def boundaries(start: int, stop: int, period_s: int, shift_s: int) -> IntArray:
    """True times in `(start, stop]` at which normal time (true time + `shift_s`) is a multiple of `period_s`."""
    return np.arange(next_boundary(start, period_s, shift_s), stop + 1, period_s, dtype=np.int64)


def next_boundary(after: int, period_s: int, shift_s: int) -> int:
    """The first of them after the true time `after`."""
    return after + period_s - (after + shift_s) % period_s


class TargetDays(NamedTuple):
    """When bills are stopped: on this day, every so many months (0: by command only), one of them this month."""

    day: int
    interval_months: int
    start_month: int


def next_target_day(after: int, days: TargetDays) -> int | None:
    """Normal time of the first target day, at 00:00, after the normal time `after`; None without an interval."""
    interval = days.interval_months
    if not interval:
        return None
    at = _NORMAL.local(after)
    year, month = at.year, at.month
    while True:
        if (month - days.start_month) % interval == 0:
            target = seconds_of(year, month, days.day)
            if target > after:
                return target
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def same_day(one: int, other: int) -> bool:
    """Whether two normal times share a calendar day."""
    return one // DAY_S == other // DAY_S
