"""Values that only push lists have, by name; every other name is one of `values.py`.

Powers and currents are what the object list has; a Norwegian list counts energy in tens of Wh, a meter with current
transformers its currents in mA. Power factors are hundredths, cut off: 0.0465 was captured as 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from metering import MWS_PER_WH, Energy

from .clock import local_date_time
from .objects import meter_number
from .values import Source, energy, value

_U32: Final = 0xFFFFFFFF
_GS1_PREFIX: Final = "5706567"
"""Kamstrup's company prefix in the GS1 numbers of captured meters; eight digits of serial number and a check follow."""


def gs1_number(serial_number: int) -> str:
    """The GS1 number of a meter; the check digit is that of all GS1 keys (weights 3 and 1 from the right)."""
    digits = f"{_GS1_PREFIX}{serial_number:08}"
    total = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(digits)))
    return f"{digits}{-total % 10}"


def _phase_energy(name: str, phase: str) -> Source:
    channel = Energy[f"{name.upper()}_L{phase}"]
    return lambda context: context.meter.engine.energy(channel, context.meter.now()) // MWS_PER_WH & _U32


def _power_factor(phase: str) -> Source:
    """Of L1, L2, L3, or 0 for the total."""
    index = (int(phase) - 1) % 4
    return lambda context: context.meter.engine.instantaneous(context.meter.now()).power_factors[index] // 10


def _current_fine(phase: str) -> Source:
    index = int(phase) - 1
    return lambda context: min(context.meter.engine.instantaneous(context.meter.now()).current_ma[index], _U32)


_VALUES: Final[dict[str, Callable[..., Source]]] = {
    "clock": lambda: local_date_time,
    "current_fine": _current_fine,
    "energy_coarse": lambda name: energy(name, 10 * MWS_PER_WH),
    "gs1_number": lambda: lambda context: gs1_number(context.meter.serial_number),
    "meter_number": lambda: lambda context: meter_number(context.meter),
    "phase_energy": _phase_energy,
    "power_factor": _power_factor,
}


def push_value(name: str) -> Callable[[Any], Any]:
    """A value by name; raises `ValueError` or `KeyError`."""
    kind, *arguments = name.split(":")
    return _VALUES[kind](*arguments) if kind in _VALUES else value(name)
