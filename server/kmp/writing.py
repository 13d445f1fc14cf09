"""PutRegister: which registers can be written, and what writing does to the meter.

A value comes with unit, width and siEx; they must be those the register is read with (not public: ours). Everything
goes through inputs of the engine or permanent memory, which the journal has before the acknowledgement leaves, and what
is configured has a row in the configuration logger. What cannot be written, or not with this value, is a `ValueError`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cosem.data_types import DOUBLE_LONG_UNSIGNED, SIMPLE_TYPES
from metering import MWS_PER_WH, Configured
from metering.inputs import (
    Input,
    SetBreakerParameter,
    SetClock,
    SetEventMasks,
    SetLoadProfilePeriod,
    SetPowerThreshold,
    SetPrepaymentAlarm,
    SetPulseInput,
)

from ..binding import Context
from ..binding.commands import command
from ..iec62056_21 import configuration as local_port
from ..virtual_meter import Remember
from .registers import Register
from .sources import ADDRESS_KEY, Look, memory_key
from .times import clock_number, date_number, utc_of

Sink = Callable[[Look, int], None]
"""Takes the value in engine units."""

_DATA_TYPES: Final = {type_.name: type_ for type_ in SIMPLE_TYPES.values()}
_LARGEST_ADDRESS: Final = 0xFE


def _remembered(name: str, type_: str, what: Configured = Configured.OBJECT) -> Sink:
    key, codec = memory_key(name), _DATA_TYPES[type_]
    return lambda at, value: at.meter.configure(what, [Remember(key, codec.encode(value))])


def _configured(what: Configured, build: Callable[[int], Input]) -> Sink:
    return lambda at, value: at.meter.configure(what, [build(value)])


def _meter_number(number: str) -> Sink:
    what = Configured[f"METER_NUMBER_{number}"]
    return _remembered(f"1.1.0.0.{number}.255", DOUBLE_LONG_UNSIGNED.name, what)


def _special_data(number: str) -> Sink:
    what = Configured.SPECIAL_DATA if number == "1" else Configured.SPECIAL_DATA_2
    return _remembered(f"1.1.0.130.{number}.255", DOUBLE_LONG_UNSIGNED.name, what)


def _set_clock(at: Look, value: int) -> None:
    """A new time of the day that the meter has."""
    set_clock(at, date_number(at.engine.local_time(at.now)), value)


def _set_date(at: Look, value: int) -> None:
    """A new day, the time as it is."""
    set_clock(at, value, clock_number(at.engine.local_time(at.now)))


def set_clock(at: Look, date: int, clock: int) -> None:
    """Set the clock to YYMMDD and HHMMSS, local time; raises `ValueError`."""
    at.meter.apply(SetClock(utc_of(at.engine.zone, date, clock)))


def _threshold(tariff: str) -> Sink:
    what = Configured.TARIFF_THRESHOLDS if int(tariff) else Configured.POWER_THRESHOLD
    return _configured(what, lambda value: SetPowerThreshold(value // 1_000, int(tariff)))


def _breaker(name: str, scale: int = 1) -> Sink:
    return _configured(Configured.BREAKER, lambda value: SetBreakerParameter(name, value // scale))


def _event_mask(word: str) -> Sink:
    def write(at: Look, value: int) -> None:
        status = at.engine.status(at.now)
        masks = {"a": int(status.mask_a), "b": int(status.mask_b), word: value}
        at.meter.configure(Configured.EVENT_MASKS, [SetEventMasks(masks["a"], masks["b"])])

    return write


def _set_address(at: Look, value: int) -> None:
    if not 1 <= value <= _LARGEST_ADDRESS:
        raise ValueError(f"address is {value}; allowed: 1..{_LARGEST_ADDRESS}")
    at.meter.configure(Configured.LOCAL_PORT, [Remember(ADDRESS_KEY, bytes((value,)))])


def _local_port(register: str) -> Sink:
    number = local_port.number_of(int(register, 16))
    return lambda at, value: local_port.write(at.meter, number, value)


def _bound(name: str, scale: int = 1) -> Sink:
    """What `server.binding.commands` does with a value of this name."""
    write = command(name)
    assert write is not None
    return lambda at, value: write(Context(at.model, at.meter, "optical"), value // scale)


_BOUND: Final = (
    "debiting_interval", "relay_command", "relay_tariffs", "relay_delay", "daylight_saving", "active_tariff",
    "event_status",
)  # fmt: skip


def _bound_kind(kind: str) -> Callable[..., Sink]:
    return lambda *arguments: _bound(":".join((kind, *arguments)))


SINKS: Final[dict[str, Callable[..., Sink]]] = {
    "meter_number": _meter_number,
    "special_data": _special_data,
    "memory": lambda name, type_, default: _remembered(name, type_),
    "clock": lambda: _set_clock,
    "date": lambda: _set_date,
    "pulse_input": lambda: _configured(Configured.PULSE_INPUT, SetPulseInput),
    "load_profile_interval": lambda: _configured(Configured.LOAD_PROFILE_PERIOD, SetLoadProfilePeriod),
    "threshold": _threshold,
    "breaker": _breaker,
    "breaker_amperes": lambda name: _breaker(name, 1_000),
    "event_mask": _event_mask,
    "address": lambda: _set_address,
    "local_port": _local_port,
    "credit": lambda: _bound("credit", MWS_PER_WH),
    "prepayment_alarm": lambda: _configured(
        Configured.PREPAYMENT_ALARM, lambda value: SetPrepaymentAlarm(value // MWS_PER_WH)
    ),
    **{kind: _bound_kind(kind) for kind in _BOUND},
}
"""Sinks by the kinds of `sources.py`."""


def sink(register: Register) -> Sink:
    """What writing a register does; raises `KeyError` for one that has no sink."""
    kind, *arguments = register.source.split(":")
    return SINKS[kind](*arguments)


def put(register: Register, octets: bytes, at: Look) -> None:
    """Write a register from unit, width, siEx and mantissa; raises `ValueError`."""
    if octets[:3] != register.format_octets or len(octets) != 3 + register.width:
        raise ValueError(f"register {register.id:04X} is not written with {octets.hex()}")
    sink(register)(at, register.value(octets[3:]))
