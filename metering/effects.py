"""What each input does to the state of a meter that is settled up to the moment it happens.

Setting the clock is the one that needs thought. Less than 7 s is a correction: nothing is marked, and no
boundary is lost or done twice. Corrected forward over a boundary, the row is captured and the period ended
at once; corrected back over one, `logged_until` remembers that it is done. From 7 s on it is a jump:
slots jumped over are missing, slots run through again have their stamps again, a period that the clock
leaves is ended, and the next load profile row and the RTC logger say what happened. Either way a
target day that the clock moves over is billed at once, and only once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from . import inputs
from .clock import DAY_S
from .event_log import RTC_CHANGED, EventLog, LoadProfileEvent
from .load_profile import UNMARKED_ADJUSTMENT_S, DataQuality, LoggerStatus, clock_adjustment_quality
from .schedule import next_target_day, same_day
from .state import MeterState


def take_effect(state: MeterState, input_: inputs.Input) -> None:
    """Let the input happen at `state.time`; raises `ValueError`, nothing changed, where this meter cannot do it."""
    EFFECTS[type(input_)](state, input_)


def _set_load(state: MeterState, input_: inputs.SetLoad) -> None:
    state.set_load = input_


def _release_load(state: MeterState, _: inputs.ReleaseLoad) -> None:
    state.set_load = None


def _set_daylight_saving(state: MeterState, input_: inputs.SetDaylightSaving) -> None:
    state.dst = input_.enabled


def _set_tariff(state: MeterState, input_: inputs.SetTariff) -> None:
    if input_.tariff > state.configuration.tariffs:
        raise ValueError(f"tariff is {input_.tariff}; allowed: 1..{state.configuration.tariffs}")
    state.tariff = input_.tariff


def _stop_billing(state: MeterState, _: inputs.StopBilling) -> None:
    state.stop_billing()


def _reset_trip_counter(state: MeterState, _: inputs.ResetTripCounter) -> None:
    state.trip_base = state.flow_readings()[:2]


def _set_power_threshold(state: MeterState, input_: inputs.SetPowerThreshold) -> None:
    state.demand.threshold_w = input_.power_w


def _set_pulse_input(state: MeterState, input_: inputs.SetPulseInput) -> None:
    state.pulse_input = input_.count


def _set_load_profile_period(state: MeterState, input_: inputs.SetLoadProfilePeriod) -> None:
    period_s, depths = input_.period_s, state.configuration.load_profile_depth_days
    if period_s not in depths:
        raise ValueError(f"period_s is {period_s}; allowed: {', '.join(map(str, depths))}")
    if period_s == state.load_profile.period_s:
        return
    state.load_profile.delete(period_s, state.configuration.load_profile_entries(period_s))
    state.load_profile.mark(LoggerStatus.INTERVAL_CHANGED, DataQuality(0))
    state.events[EventLog.LOAD_PROFILE].log(state.normal_time, LoadProfileEvent.INTERVAL_CHANGED)


def _clear_load_profile(state: MeterState, _: inputs.ClearLoadProfile) -> None:
    state.load_profile.delete(state.load_profile.period_s, state.load_profile.entries)
    state.events[EventLog.LOAD_PROFILE].log(state.normal_time, LoadProfileEvent.DELETED_MANUALLY)


def _set_clock(state: MeterState, input_: inputs.SetClock) -> None:
    moved = input_.clock - state.clock_offset_s - state.time
    before, done = state.normal_time, max(state.normal_time, state.logged_until)
    after = before + moved
    target = next_target_day(done, state.configuration)
    if abs(moved) >= UNMARKED_ADJUSTMENT_S:
        _mark_jump(state, before, after)
        _move_demand(state, done, after, stamp=before)
        state.logged_until = after
    elif after > done:
        _capture_slot_between(state, done, after)
        _move_demand(state, done, after, stamp=after - after % state.demand.period_s)
        state.logged_until = after
    else:
        state.logged_until = done
    state.clock_offset_s += moved
    if target is not None and target <= after:
        state.stop_billing()


def _mark_jump(state: MeterState, before: int, after: int) -> None:
    profile = state.load_profile
    state.events[EventLog.RTC].log(after, RTC_CHANGED, before, after)
    same_slot = before // profile.period_s == after // profile.period_s
    status = LoggerStatus(0) if same_slot else LoggerStatus.TIME_DISCONTINUITY
    profile.mark(status, clock_adjustment_quality(after - before))


def _capture_slot_between(state: MeterState, done: int, after: int) -> None:
    """Capture the slot a small correction forward would step over, if there is one."""
    profile = state.load_profile
    slot = after - after % profile.period_s
    if slot > done:
        profile.capture(np.array([slot], dtype=np.int64), state.flow_column()[list(profile.flows)])


def _move_demand(state: MeterState, before: int, after: int, stamp: int) -> None:
    """A clock that leaves the running period ends it, at this stamp; one that leaves the day ends the day."""
    demand, now = state.demand, state.time
    ended = before // demand.period_s != after // demand.period_s and now > demand.period_start
    if ended:
        demand.finish_means(demand.period_start, now)
        demand.end_periods(np.array([now], dtype=np.int64), stamp - now, state.flow_column(), state.tariff)
    if not same_day(before, after) and not (ended and stamp % DAY_S == 0):  # a period that ends at 00:00 ends the day
        demand.roll_day()


EFFECTS: Final[Mapping[type[inputs.Input], Callable[[MeterState, Any], None]]] = {
    inputs.SetLoad: _set_load,
    inputs.ReleaseLoad: _release_load,
    inputs.SetClock: _set_clock,
    inputs.SetDaylightSaving: _set_daylight_saving,
    inputs.SetTariff: _set_tariff,
    inputs.StopBilling: _stop_billing,
    inputs.ResetTripCounter: _reset_trip_counter,
    inputs.SetPowerThreshold: _set_power_threshold,
    inputs.SetPulseInput: _set_pulse_input,
    inputs.SetLoadProfilePeriod: _set_load_profile_period,
    inputs.ClearLoadProfile: _clear_load_profile,
}
"""One effect for every kind of input."""
