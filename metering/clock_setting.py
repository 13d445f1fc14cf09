"""Moving the meter's clock: what becomes of rows, periods, days and bills that it passes over or again.

Less than 7 s is a correction: nothing is marked, and no
boundary is lost or done twice. Corrected forward over a boundary, the row is captured and the period ended
at once; corrected back over one, `logged_until` remembers that it is done. From 7 s on it is a jump:
slots jumped over are missing, slots run through again have their stamps again, a period that the clock
leaves is ended, and the next load profile row and the RTC logger say what happened. Either way target
days that the clock moves over forward are billed at once, with one row however many they are. A target day is billed
again only where a jump back makes it come again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .clock import DAY_S
from .event_log import RTC_CHANGED, EventLog
from .load_profile import UNMARKED_ADJUSTMENT_S, LoggerStatus, clock_adjustment_quality
from .schedule import next_target_day, same_day
from .status import LOG_EVENTS

if TYPE_CHECKING:
    from .state import MeterState


def set_clock(state: MeterState, clock: int) -> None:
    """Set the meter clock to this UTC second."""
    _move(state, clock - state.clock_offset_s - state.time)
    state.clock_valid = True
    state.crystal.error = 0


def slip_clock(state: MeterState, seconds: int) -> None:
    """The clock has gained or lost this by itself, less than 7 s."""
    if state.supply.powered:
        _move(state, seconds)
    else:
        state.clock_offset_s += seconds


def _move(state: MeterState, moved: int) -> None:
    before, done = state.normal_time, max(state.normal_time, state.logged_until)
    after = before + moved
    target = next_target_day(done, state.target_days)
    if abs(moved) >= UNMARKED_ADJUSTMENT_S:
        _mark_jump(state, before, after)
        move_demand(state, done, after, stamp=before)
        state.logged_until = after
    elif after > done:
        _capture_slot_between(state, done, after)
        move_demand(state, done, after, stamp=after - after % state.demand.period_s)
        state.logged_until = after
    else:
        state.logged_until = done
    state.clock_offset_s += moved
    if target is not None and target <= after:
        state.stop_billing()


def _mark_jump(state: MeterState, before: int, after: int) -> None:
    profile, debiting = state.load_profile, state.debiting2
    state.events[EventLog.RTC].log(after, RTC_CHANGED, before, after)
    state.status.note(LOG_EVENTS[EventLog.RTC])
    quality = clock_adjustment_quality(after - before)
    state.mark_rows(LoggerStatus(0), quality)
    for logger, slot_s in ((profile, profile.period_s), (state.analysis, state.analysis.period_s), (debiting, DAY_S)):
        if before // slot_s != after // slot_s:
            logger.mark(LoggerStatus.TIME_DISCONTINUITY, quality)


def _capture_slot_between(state: MeterState, done: int, after: int) -> None:
    """Capture the slots a small correction forward would step over, if there are any."""
    profile = state.load_profile
    slot = after - after % profile.period_s
    if slot > done:
        stamps = np.array([slot], dtype=np.int64)
        readings = state.flow_column()[list(profile.flows)]
        profile.capture(stamps, readings, state.row_status, state.row_quality)
    for logger, slot_s in ((state.analysis, state.analysis.period_s), (state.debiting2, DAY_S)):
        slot = after - after % slot_s
        if slot > done:
            logger.capture(state, slot)


def move_demand(state: MeterState, before: int, after: int, stamp: int) -> None:
    """A clock that leaves the running period ends it, at this stamp; one that leaves the day ends the day.

    One that leaves it by several days ends the empty day before the new one as well.
    """
    demand, now = state.demand, state.time
    ended = before // demand.period_s != after // demand.period_s and now > demand.period_start
    if ended:
        demand.finish_means(demand.period_start, now)
        at, tariff = np.array([now], dtype=np.int64), np.array([state.tariff], dtype=np.int64)
        demand.end_periods(at, stamp - now, state.flow_column(), tariff)
    if not same_day(before, after) and not (ended and stamp % DAY_S == 0):  # a period that ends at 00:00 ends the day
        demand.roll_day()
    if abs(after // DAY_S - before // DAY_S) > 1:
        demand.roll_day()
