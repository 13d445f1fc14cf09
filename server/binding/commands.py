"""What writing a value does to the meter, by the same names as `values.py`: an input to the engine.

A value outside the range is a `ValueError` of the input and becomes the refusal of the SET.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cosem.interface_class import Sink
from metering import Configured
from metering.configuration import DebitingInterval
from metering.inputs import (
    ClearEvents,
    Input,
    OperateBreaker,
    SetBreakerParameter,
    SetDaylightSaving,
    SetDebitingInterval,
    SetPowerThreshold,
    SetPulseInput,
    SetRelayDelay,
    SetRelayMode,
    SetTariff,
    StopBilling,
    SwitchRelay,
    TopUp,
)
from metering.load_control import RelayMode
from metering.quantities import MWS_PER_WH, TARIFFS

_DEBITING: Final = tuple(DebitingInterval)


def _applied(build: Callable[[Any], Input]) -> Sink:
    return lambda context, value: context.meter.apply(build(value))


def _configured(what: Configured, build: Callable[[Any], Input]) -> Sink:
    """The same, noted in the configuration logger."""
    return lambda context, value: context.meter.configure(what, [build(value)])


def _stop_billing(value: int) -> Input:
    if value != 1:
        raise ValueError(f"1 forces a billing stop, {value} does not")
    return StopBilling()


def _debiting_interval(value: int) -> Input:
    if value >= len(_DEBITING):
        raise ValueError(f"debiting logger interval {value} (allowed: 0..{len(_DEBITING) - 1})")
    return SetDebitingInterval(_DEBITING[value].value)


def _clear_events(word: str) -> Sink:
    """Events whose bits are written as 0 are forgotten; none can be written into being."""

    def sink(context: Any, value: int) -> None:
        forgotten = ~value & 0xFFFFFFFF
        context.meter.apply(ClearEvents(**{word: forgotten}))

    return sink


def _operate_breaker(context: Any, value: int) -> None:
    """1 disconnects, 2 releases, 3 reconnects; the state as it is may be written back."""
    if value != context.meter.engine.breaker(context.meter.now()).state_now:
        context.meter.apply(OperateBreaker(value))


def _credit(context: Any, value: int) -> None:
    """The credit there shall be, Wh: what is missing is a top-up, which pays debts first; nothing is taken back."""
    missing = value - context.meter.engine.prepayment(context.meter.now()).remaining_mws // MWS_PER_WH
    if missing < 0:
        raise ValueError(f"{value} Wh are {-missing} Wh less than there are")
    if missing:
        context.meter.apply(TopUp(missing))


def _relay_command(number: str) -> Sink:
    """1 closes and 0 opens, after the delay; a relay that nothing told is from then on told by command."""
    relay = int(number)

    def sink(context: Any, value: int) -> None:
        if value > 1:
            raise ValueError(f"1 closes, 0 opens, {value} does neither")
        present = context.meter.engine.load_control(context.meter.now()).relays[relay - 1]
        if value and present.mode is RelayMode.OFF:
            context.meter.apply(SetRelayMode(relay, RelayMode.COMMAND.value))
        if bool(value) != present.commanded:
            context.meter.apply(SwitchRelay(relay, bool(value)))

    return sink


def _relay_tariffs(number: str) -> Sink:
    """The tariffs a relay is closed in, bit 0 for tariff 1; without any it is told by command."""
    relay = int(number)

    def sink(context: Any, value: int) -> None:
        present = context.meter.engine.load_control(context.meter.now()).relays[relay - 1]
        if value == present.tariffs:
            return
        tariffs = tuple(tariff for tariff in range(1, TARIFFS + 1) if value >> (tariff - 1) & 1)
        mode = RelayMode.TARIFF if tariffs else RelayMode.COMMAND
        context.meter.configure(Configured[f"RELAY_{relay}"], [SetRelayMode(relay, mode.value, tariffs)])

    return sink


COMMANDS: Final[dict[str, Callable[..., Sink]]] = {
    "stop_billing": lambda: _applied(_stop_billing),
    "active_tariff": lambda: _applied(SetTariff),
    "power_threshold": lambda: _configured(Configured.POWER_THRESHOLD, SetPowerThreshold),
    "pulse_input": lambda: _configured(Configured.PULSE_INPUT, SetPulseInput),
    "daylight_saving": lambda: _configured(Configured.DAYLIGHT_SAVING, lambda value: SetDaylightSaving(bool(value))),
    "debiting_interval": lambda: _configured(Configured.DEBITING_2_INTERVAL, _debiting_interval),
    "event_status": _clear_events,
    "breaker_state": lambda: _operate_breaker,
    "credit": lambda: _credit,
    "relay_command": _relay_command,
    "relay_tariffs": _relay_tariffs,
    "relay_delay": lambda: _configured(Configured.RELAY_DELAY, SetRelayDelay),
    "breaker": lambda name: _configured(Configured.BREAKER, lambda value: SetBreakerParameter(name, value)),
}


def command(name: str) -> Sink | None:
    """The sink of a value by name; None for what cannot be written."""
    kind, *arguments = name.split(":")
    return COMMANDS[kind](*arguments) if kind in COMMANDS else None
