"""Tariffs, the pulse input, daylight saving time, and which events alarm."""

from __future__ import annotations

from typing import Any, Final

from metering import Configured, Meter, TariffMode
from metering.configuration import PULSE_INPUT_SPEEDS, PULSE_INPUT_UNITS
from metering.inputs import (
    Input,
    SetDaylightSaving,
    SetEventMasks,
    SetPulseInput,
    SetPulseInputScale,
    SetTariffMode,
    SetTariffTable,
)

from .setting import Plain, of_engine, table, text, truth, whole

_HIGHEST: Final = 2**32 - 1
_MASKS: Final = ("a", "b")


def _table(engine: Meter, now: int) -> Plain:
    held = engine.tariff_control.table
    return None if held is None else held.to_dict()


def _scaled(engine: Meter, **change: Any) -> Input:
    return SetPulseInputScale(*engine.pulse_scale._replace(**change))


def _masks(engine: Meter, now: int) -> Plain:
    status = engine.status(now)
    return {"a": int(status.mask_a), "b": int(status.mask_b)}


def _set_masks(engine: Meter, now: int, value: Plain) -> Input:
    words = table(value, _MASKS)
    return SetEventMasks(whole(words["a"], 0, _HIGHEST), whole(words["b"], 0, _HIGHEST))


COUNTING: Final = (
    of_engine(
        Configured.TARIFF_TABLE,
        "tariff_table",
        "The internal tariff table, null where there is none",
        "a table of name, week (7 kinds of day), seasons (name, from, days) and special_days",
        _table,
        lambda engine, now, value: SetTariffTable(value),
    ),
    of_engine(
        Configured.TARIFF_MODE,
        "tariff_mode",
        "What chooses the tariff",
        ", ".join(mode.value for mode in TariffMode),
        lambda engine, now: engine.tariff_control.mode.value,
        lambda engine, now, value: SetTariffMode(text(value)),
    ),
    of_engine(
        Configured.PULSE_INPUT,
        "pulse_input",
        "Reading of the pulse input counter",
        f"0..{_HIGHEST}",
        lambda engine, now: engine.pulse_input,
        lambda engine, now, value: SetPulseInput(whole(value, 0, _HIGHEST)),
    ),
    of_engine(
        Configured.PULSE_INPUT_CONSTANT,
        "pulse_input_constant_milli",
        "Thousandths of a pulse per unit of the pulse input",
        "250..1000000",
        lambda engine, now: engine.pulse_scale.constant_milli,
        lambda engine, now, value: _scaled(engine, constant_milli=whole(value, 250, 1_000_000)),
    ),
    of_engine(
        Configured.PULSE_INPUT_UNIT,
        "pulse_input_unit",
        "Unit of the pulse input, empty for none",
        ", ".join(filter(None, PULSE_INPUT_UNITS)),
        lambda engine, now: engine.pulse_scale.unit,
        lambda engine, now, value: _scaled(engine, unit=text(value)),
    ),
    of_engine(
        Configured.PULSE_INPUT_SPEED,
        "pulse_input_speed",
        "What the contact must do to be a pulse: 1 s and longer, or 30 ms",
        ", ".join(PULSE_INPUT_SPEEDS),
        lambda engine, now: engine.pulse_scale.speed,
        lambda engine, now, value: _scaled(engine, speed=text(value)),
    ),
    of_engine(
        Configured.DAYLIGHT_SAVING,
        "daylight_saving",
        "Whether the clock shows daylight saving time; registers and loggers do not notice",
        "true, false",
        lambda engine, now: engine.zone.dst,
        lambda engine, now, value: SetDaylightSaving(truth(value)),
    ),
    of_engine(
        Configured.EVENT_MASKS,
        "event_masks",
        "Events of event status A and B that alarm",
        f"a table of a and b, each 0..{_HIGHEST}",
        _masks,
        _set_masks,
    ),
)
"""How it is counted, and what of it is told."""
