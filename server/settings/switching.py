"""Breaker, prepayment and load control."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from metering import Configured, Meter
from metering.breaker_states import PARAMETERS
from metering.inputs import (
    Input,
    SetBreakerParameter,
    SetPrepaymentAlarm,
    SetPrepaymentExceptions,
    SetRelayDelay,
    SetRelayMode,
)
from metering.quantities import TARIFFS

from .setting import Plain, Setting, of_engine, table, text, texts, whole

_EPOCH: Final = date(1970, 1, 1)
_DAY_S: Final = 86_400


def _breaker(engine: Meter, now: int) -> Plain:
    held = engine.breaker(now).parameters
    return {name: held[name] for name in PARAMETERS}


def _set_breaker(engine: Meter, now: int, value: Plain) -> list[Input]:
    if not isinstance(value, dict) or not value:
        raise ValueError(f"value is {value!r}; allowed: a table of parameters")
    for name, one in value.items():
        if name not in PARAMETERS:
            raise ValueError(f"{name} is unknown; allowed: {', '.join(PARAMETERS)}")
        if type(one) is not int:
            raise ValueError(f"{name} is {one!r}; allowed: {PARAMETERS[name].low}..{PARAMETERS[name].high}")
    return [SetBreakerParameter(name, one) for name, one in value.items()]


def _exceptions(engine: Meter, now: int) -> Plain:
    held = engine.prepayment(now)
    days = [(_EPOCH + timedelta(days=day)).isoformat() for day in held.exception_days]
    return {"days": days, "start_s": held.slot[0], "end_s": held.slot[1]}


def _set_exceptions(engine: Meter, now: int, value: Plain) -> Input:
    held = table(value, ("days", "start_s", "end_s"))
    times = (whole(held["start_s"], 0, _DAY_S), whole(held["end_s"], 0, _DAY_S))
    return SetPrepaymentExceptions(texts(held["days"]), *times)


def _relay(number: int) -> Setting:
    def read(engine: Meter, now: int) -> Plain:
        relay = engine.load_control(now).relays[number - 1]
        tariffs = [tariff for tariff in range(1, TARIFFS + 1) if relay.tariffs >> (tariff - 1) & 1]
        return {"mode": relay.mode.value, "tariffs": tariffs}

    def plan(engine: Meter, now: int, value: Plain) -> Input:
        held = table(value, ("mode", "tariffs"))
        if not isinstance(held["tariffs"], list):
            raise ValueError(f"tariffs is {held['tariffs']!r}; allowed: a list of tariffs")
        tariffs = tuple(whole(tariff, 1, TARIFFS) for tariff in held["tariffs"])
        return SetRelayMode(number, text(held["mode"]), tariffs)

    return of_engine(
        Configured[f"RELAY_{number}"],
        f"relay_{number}",
        f"What tells relay {number}, and the tariffs it is closed in",
        "a table of mode (off, command, tariff) and tariffs (a list of 1..8)",
        read,
        plan,
    )


SWITCHING: Final = (
    _relay(1),
    _relay(2),
    of_engine(
        Configured.RELAY_DELAY,
        "relay_delay_s",
        "The longest delay of the relays",
        "0..10800",
        lambda engine, now: engine.load_control(now).delay_s,
        lambda engine, now, value: SetRelayDelay(whole(value, 0, 10_800)),
    ),
    of_engine(
        Configured.BREAKER,
        "breaker",
        "Parameters of breaker and smart disconnect; those left out stay",
        "a table of " + ", ".join(f"{name} ({one.low}..{one.high})" for name, one in PARAMETERS.items()),
        _breaker,
        _set_breaker,
    ),
    of_engine(
        Configured.PREPAYMENT_ALARM,
        "prepayment_alarm_wh",
        "Credit at which prepayment alarms",
        "0..65535000",
        lambda engine, now: engine.prepayment(now).alarm_limit_wh,
        lambda engine, now, value: SetPrepaymentAlarm(whole(value, 0, 65_535_000)),
    ),
    of_engine(
        Configured.PREPAYMENT_EXCEPTIONS,
        "prepayment_exceptions",
        "Days, and a time of any day, in which nobody is cut off for want of credit",
        "a table of days (a list of at most 100 dates), start_s and end_s (0..86400)",
        _exceptions,
        _set_exceptions,
    ),
)
"""What a meter switches."""
