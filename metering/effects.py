"""What each input does to the state of a meter that is settled up to the moment it happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from . import inputs
from .clock_setting import set_clock
from .event_log import EventLog, LoadProfileEvent
from .load_profile import DataQuality, LoggerStatus
from .state import MeterState


def take_effect(state: MeterState, input_: inputs.Input) -> None:
    """Let the input happen at `state.time`; raises `ValueError`, nothing changed, where this meter cannot do it."""
    if not (state.supply.powered or input_.physical):
        raise ValueError(f"the meter is off: no {input_.kind} (since true time {state.supply.off_at})")
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
    set_clock(state, input_.clock)


def _set_supply(state: MeterState, input_: inputs.SetSupply) -> None:
    state.supply.voltage_mv = input_.voltage_mv


EFFECTS: Final[Mapping[type[inputs.Input], Callable[[MeterState, Any], None]]] = {
    inputs.SetLoad: _set_load,
    inputs.ReleaseLoad: _release_load,
    inputs.SetSupply: _set_supply,
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
