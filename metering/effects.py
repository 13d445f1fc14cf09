"""What each input does to the state of a meter that is settled up to the moment it happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from . import inputs
from .breaker_states import COMMANDS, TRANSITIONS, Cause
from .clock_setting import set_clock
from .configuration import DebitingInterval
from .display import Flag, shown
from .enclosure import LONG_PRESS_S
from .event_log import EventLog, LoadProfileEvent
from .load_control import RelayMode
from .load_profile import NO_STATUS, DataQuality, LoggerStatus
from .pulses import PulseInputSpeed, PulseScale
from .quantities import FLOW_ENERGIES, TARIFFS, Energy, Flow
from .schedule import TargetDays
from .selectable import analysis_registers
from .state import MeterState
from .status import EventA, MeterStatus
from .tariff_control import TariffMode
from .tariff_table import TariffTable


def take_effect(state: MeterState, input_: inputs.Input) -> None:
    """Let the input happen at `state.time`; raises `ValueError`, nothing changed, where this meter cannot do it."""
    if not (state.supply.powered or input_.physical):
        raise ValueError(f"the meter is off: no {input_.kind} (since true time {state.supply.off_at})")
    if input_.legal and state.enclosure.seal_broken_at is None:
        raise ValueError(f"{input_.kind} is about legal data; allowed: only with the verification seal broken")
    EFFECTS[type(input_)](state, input_)
    if state.supply.powered:
        state.load_control.act(state)


def _set_load(state: MeterState, input_: inputs.SetLoad) -> None:
    state.set_load = input_


def _release_load(state: MeterState, _: inputs.ReleaseLoad) -> None:
    state.set_load = None


def _set_verification_mode(state: MeterState, input_: inputs.SetVerificationMode) -> None:
    state.verification = input_.enabled


def _set_daylight_saving(state: MeterState, input_: inputs.SetDaylightSaving) -> None:
    state.dst = input_.enabled


def _set_tariff(state: MeterState, input_: inputs.SetTariff) -> None:
    if input_.tariff > state.configuration.tariffs:
        raise ValueError(f"tariff is {input_.tariff}; allowed: 1..{state.configuration.tariffs}")
    control = state.tariff_control
    if control.mode is not TariffMode.COMMAND:
        raise ValueError(f"tariff_mode is {control.mode.value}; allowed for setting the tariff: command")
    control.commanded = input_.tariff


def _set_tariff_mode(state: MeterState, input_: inputs.SetTariffMode) -> None:
    mode = TariffMode(input_.mode)
    _check_tariffs(state, mode, state.tariff_control.table)
    state.tariff_control.mode = mode


def _set_tariff_table(state: MeterState, input_: inputs.SetTariffTable) -> None:
    control, table = state.tariff_control, TariffTable.from_dict(input_.table)
    _check_tariffs(state, TariffMode.INTERNAL, table)
    control.table = table


def _check_tariffs(state: MeterState, mode: TariffMode, table: TariffTable | None) -> None:
    highest = state.tariff_control.highest_tariff(mode, table)
    if highest > state.configuration.tariffs:
        raise ValueError(f"tariff mode {mode.value} needs {highest} tariffs; allowed: 1..{state.configuration.tariffs}")


def _set_tariff_inputs(state: MeterState, input_: inputs.SetTariffInputs) -> None:
    state.tariff_control.ports = (input_.port1, input_.port2)


def _set_ripple(state: MeterState, input_: inputs.SetRipple) -> None:
    if input_.tariff > state.configuration.tariffs:
        raise ValueError(f"tariff is {input_.tariff}; allowed: 1..{state.configuration.tariffs}")
    state.tariff_control.rippled = input_.tariff


def _set_integration_period(state: MeterState, input_: inputs.SetIntegrationPeriod) -> None:
    if input_.period_s != state.demand.period_s:
        state.demand.change_period(input_.period_s, state.time, state.flow_readings())


def _stop_billing(state: MeterState, _: inputs.StopBilling) -> None:
    state.stop_billing()


def _reset_trip_counter(state: MeterState, _: inputs.ResetTripCounter) -> None:
    state.trip_base = state.flow_readings()


def _set_power_threshold(state: MeterState, input_: inputs.SetPowerThreshold) -> None:
    state.demand.thresholds_w[input_.tariff] = input_.power_w


def _set_pulse_input(state: MeterState, input_: inputs.SetPulseInput) -> None:
    state.pulse_input, state.pulse_remainder_milli = input_.count, 0


def _set_pulse_input_scale(state: MeterState, input_: inputs.SetPulseInputScale) -> None:
    state.pulse_scale = PulseScale(input_.constant_milli, input_.unit, input_.speed)
    state.pulse_remainder_milli = 0


def _set_target_day(state: MeterState, input_: inputs.SetTargetDay) -> None:
    state.target_days = TargetDays(input_.day, input_.interval_months, input_.start_month)


def _set_peak_tariff(state: MeterState, input_: inputs.SetPeakTariff) -> None:
    state.demand.peak_tariff = input_.tariff


def _set_load_profile_period(state: MeterState, input_: inputs.SetLoadProfilePeriod) -> None:
    period_s, depths = input_.period_s, state.configuration.load_profile_depth_days
    if period_s not in depths:
        raise ValueError(f"period_s is {period_s}; allowed: {', '.join(map(str, depths))}")
    if period_s == state.load_profile.period_s:
        return
    state.load_profile.delete(period_s, state.configuration.load_profile_entries(period_s))
    state.load_profile.mark(LoggerStatus.INTERVAL_CHANGED, DataQuality(0))
    state.log(EventLog.LOAD_PROFILE, LoadProfileEvent.INTERVAL_CHANGED)


def _set_load_profile_registers(state: MeterState, input_: inputs.SetLoadProfileRegisters) -> None:
    allowed = state.configuration.energy_type.flows
    flows = tuple(sorted({Flow[name] for name in input_.flows}))
    if not set(flows) <= set(allowed):
        names = ", ".join(flow.name for flow in allowed)
        raise ValueError(f"flows is {list(input_.flows)!r}; allowed: {names}, the flows of the energy type")
    profile = state.load_profile
    if flows != profile.flows:
        profile.record(flows, state.configuration.load_profile_entries(profile.period_s))
        state.log(EventLog.LOAD_PROFILE, LoadProfileEvent.DELETED_REGISTERS_CHANGED)


def _clear_load_profile(state: MeterState, _: inputs.ClearLoadProfile) -> None:
    state.load_profile.delete(state.load_profile.period_s, state.load_profile.entries)
    state.log(EventLog.LOAD_PROFILE, LoadProfileEvent.DELETED_MANUALLY)


def _set_analysis_logger(state: MeterState, input_: inputs.SetAnalysisLogger) -> None:
    logger = state.analysis
    if (input_.period_s, analysis_registers(input_.registers)) != (logger.period_s, logger.registers):
        logger.choose(input_.period_s, input_.registers)


def _clear_analysis_logger(state: MeterState, _: inputs.ClearAnalysisLogger) -> None:
    state.analysis.clear()


def _set_debiting_interval(state: MeterState, input_: inputs.SetDebitingInterval) -> None:
    state.debiting2.change_interval(DebitingInterval(input_.interval))


def _set_clock(state: MeterState, input_: inputs.SetClock) -> None:
    set_clock(state, input_.clock)


def _set_supply(state: MeterState, input_: inputs.SetSupply) -> None:
    state.supply.voltage_mv = input_.voltage_mv


def _set_magnet(state: MeterState, input_: inputs.SetMagnet) -> None:
    state.enclosure.magnet = input_.present
    state.enclosure.sense(state)


def _set_cover(state: MeterState, input_: inputs.SetCover) -> None:
    state.enclosure.cover_open = input_.open
    state.enclosure.sense(state)


def _set_terminal_cover(state: MeterState, input_: inputs.SetTerminalCover) -> None:
    state.enclosure.terminal_cover_open = input_.open
    state.enclosure.sense(state)


def _set_alarm_input(state: MeterState, input_: inputs.SetAlarmInput) -> None:
    state.enclosure.alarm_input = input_.active
    state.enclosure.sense(state)


def _break_seal(state: MeterState, _: inputs.BreakSeal) -> None:
    if state.enclosure.seal_broken_at is None:
        state.enclosure.seal_broken_at = state.time


def _press_button(state: MeterState, input_: inputs.PressButton) -> None:
    flag = Flag.NONE
    if input_.length_s >= LONG_PRESS_S and state.supply.powered:
        flag = shown(state.configuration, state.display.layout, state.supply, state.enclosure.presses, state.time).flag
    state.enclosure.press(state.time, input_.length_s)
    if input_.length_s < LONG_PRESS_S or not state.supply.powered or state.breaker.press(state):
        return
    if flag is Flag.RESET_TRIP:
        state.trip_base = state.flow_readings()
    elif flag is Flag.CALL:
        state.status.note(EventA.FORCED_CALL)
    elif state.configuration.button_disconnects:
        state.breaker.happen(state, Cause.PRESS_TO_OPEN)


def _add_pulses(state: MeterState, input_: inputs.AddPulses) -> None:
    if state.supply.powered:
        scale = state.pulse_scale
        speed = PulseInputSpeed[scale.speed.upper()]
        if input_.length_ms < speed.least_ms(closed=True) or input_.pause_ms < speed.least_ms(closed=False):
            return
        units, state.pulse_remainder_milli = divmod(
            state.pulse_remainder_milli + 1_000 * input_.count, scale.constant_milli
        )
        state.pulse_input = (state.pulse_input + units) % 2**32


def _note_configuration(state: MeterState, input_: inputs.NoteConfiguration) -> None:
    state.log(EventLog.CONFIGURATION, input_.setting)


def _sign_on(state: MeterState, input_: inputs.SignOn) -> None:
    state.status.note(EventA.SIGN_ON)


def _clear_events(state: MeterState, input_: inputs.ClearEvents) -> None:
    state.status.clear(input_.a, input_.b)
    if input_.a & MeterStatus.RESET and state.status.change(MeterStatus.RESET, on=False):
        state.log(EventLog.STATUS, int(state.status.meter))


def _set_event_masks(state: MeterState, input_: inputs.SetEventMasks) -> None:
    state.status.mask_a, state.status.mask_b = input_.a, input_.b


def _operate_breaker(state: MeterState, input_: inputs.OperateBreaker) -> None:
    if not state.breaker.fitted:
        raise ValueError("the meter has no breaker")
    cause, now = Cause(input_.command), state.breaker.state_now
    if (now, cause) not in TRANSITIONS:
        allowed = [str(one.value) for one in COMMANDS if (now, one) in TRANSITIONS]
        raise ValueError(
            f"command is {input_.command}; allowed in breaker state {now.value}: {', '.join(allowed) or 'none'}"
        )
    state.breaker.happen(state, cause)


def _set_breaker_parameter(state: MeterState, input_: inputs.SetBreakerParameter) -> None:
    state.breaker.set_parameter(input_.name, input_.value)


def _top_up(state: MeterState, input_: inputs.TopUp) -> None:
    state.prepayment.top_up(state, input_.energy_wh)


def _set_prepayment_alarm(state: MeterState, input_: inputs.SetPrepaymentAlarm) -> None:
    state.prepayment.alarm_limit_wh = input_.limit_wh
    state.prepayment.alarmed = False


def _set_display_list(state: MeterState, input_: inputs.SetDisplayList) -> None:
    state.display.configure(input_.list, input_.items)


def _set_prepayment_exceptions(state: MeterState, input_: inputs.SetPrepaymentExceptions) -> None:
    state.prepayment.exception_days = input_.day_numbers()
    state.prepayment.slot = (input_.start_s, input_.end_s)


def _set_relay_mode(state: MeterState, input_: inputs.SetRelayMode) -> None:
    relay = state.load_control.relays[input_.relay - 1]
    relay.mode = RelayMode(input_.mode)
    relay.tariffs = sum(1 << (tariff - 1) for tariff in set(input_.tariffs))


def _switch_relay(state: MeterState, input_: inputs.SwitchRelay) -> None:
    relay = state.load_control.relays[input_.relay - 1]
    if relay.mode is not RelayMode.COMMAND:
        raise ValueError(f"relay {input_.relay} is in mode {relay.mode.value}; allowed for switching it: command")
    relay.commanded = input_.closed


def _set_relay_delay(state: MeterState, input_: inputs.SetRelayDelay) -> None:
    state.load_control.delay_s = input_.delay_s


def _set_register(state: MeterState, input_: inputs.SetRegister) -> None:
    gained = input_.value_mws - state.energies[input_.channel]
    state.energies[input_.channel] = input_.value_mws
    for flow, channels in enumerate(FLOW_ENERGIES):
        if input_.channel in channels:  # neither the average that runs nor the trip counter has been drawn
            state.demand.base[flow] += gained
            if flow < len(state.trip_base):
                state.trip_base[flow] += gained
            _share_among_tariffs(state, Flow(flow))
    if input_.channel == Energy.A14:
        state.hourly.correct(gained)
    state.mark_rows(NO_STATUS, DataQuality.LEGAL_PARAMETER_ERROR)


def _share_among_tariffs(state: MeterState, flow: Flow) -> None:
    """Let the tariffs add up to the total again: the active one takes the difference, the next what it cannot."""
    held = state.tariff_energies[flow]
    missing = state.flow_readings()[flow] - sum(held)
    for turn in range(TARIFFS):
        tariff = (state.tariff - 1 + turn) % TARIFFS
        taken = max(missing, -held[tariff])
        held[tariff] += taken
        missing -= taken


EFFECTS: Final[Mapping[type[inputs.Input], Callable[[MeterState, Any], None]]] = {
    inputs.SetLoad: _set_load,
    inputs.ReleaseLoad: _release_load,
    inputs.SetSupply: _set_supply,
    inputs.SetMagnet: _set_magnet,
    inputs.SetCover: _set_cover,
    inputs.SetTerminalCover: _set_terminal_cover,
    inputs.SetAlarmInput: _set_alarm_input,
    inputs.BreakSeal: _break_seal,
    inputs.OperateBreaker: _operate_breaker,
    inputs.SetBreakerParameter: _set_breaker_parameter,
    inputs.TopUp: _top_up,
    inputs.SetPrepaymentAlarm: _set_prepayment_alarm,
    inputs.SetPrepaymentExceptions: _set_prepayment_exceptions,
    inputs.SetDisplayList: _set_display_list,
    inputs.SetRelayMode: _set_relay_mode,
    inputs.SwitchRelay: _switch_relay,
    inputs.SetRelayDelay: _set_relay_delay,
    inputs.SetRegister: _set_register,
    inputs.PressButton: _press_button,
    inputs.AddPulses: _add_pulses,
    inputs.NoteConfiguration: _note_configuration,
    inputs.SignOn: _sign_on,
    inputs.ClearEvents: _clear_events,
    inputs.SetEventMasks: _set_event_masks,
    inputs.SetClock: _set_clock,
    inputs.SetVerificationMode: _set_verification_mode,
    inputs.SetDaylightSaving: _set_daylight_saving,
    inputs.SetTariff: _set_tariff,
    inputs.SetTariffMode: _set_tariff_mode,
    inputs.SetTariffTable: _set_tariff_table,
    inputs.SetTariffInputs: _set_tariff_inputs,
    inputs.SetRipple: _set_ripple,
    inputs.SetIntegrationPeriod: _set_integration_period,
    inputs.StopBilling: _stop_billing,
    inputs.ResetTripCounter: _reset_trip_counter,
    inputs.SetPowerThreshold: _set_power_threshold,
    inputs.SetAnalysisLogger: _set_analysis_logger,
    inputs.ClearAnalysisLogger: _clear_analysis_logger,
    inputs.SetDebitingInterval: _set_debiting_interval,
    inputs.SetPulseInput: _set_pulse_input,
    inputs.SetPulseInputScale: _set_pulse_input_scale,
    inputs.SetTargetDay: _set_target_day,
    inputs.SetPeakTariff: _set_peak_tariff,
    inputs.SetLoadProfilePeriod: _set_load_profile_period,
    inputs.SetLoadProfileRegisters: _set_load_profile_registers,
    inputs.ClearLoadProfile: _clear_load_profile,
}
"""One effect for every kind of input."""
