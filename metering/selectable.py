"""The registers an analysis logger can record: by OBIS code, and how each follows from what the meter sees.

Energies are readings; powers, voltages and currents are either averages over the logger's interval (x.25.0) or the
last second before the capture (x.7.0), and a power factor is one such power over another (OMNIPOWER technical
description, table 14; 382M DLMS description 3.4.2). Everything that accumulates is made of the same elements: one
rate per second for each energy channel, each `Mean` and for time itself, in this order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple

from obis import Obis

from .means import Mean
from .quantities import FLOW_ENERGIES, TARIFFS, Energy, Flow

SECONDS: Final = len(Energy) + len(Mean)
"""The element that counts one per second."""


class Kind(Enum):
    """What a capture holds."""

    READING = "reading"
    """Wh, varh, VAh; the first element less the second, if there is one."""
    TARIFF = "tariff"
    """The same in one tariff."""
    AVERAGE = "average"
    """mW, mvar, mVA, mV, mA over the interval."""
    ACTUAL = "actual"
    """The same in the last second."""
    AVERAGE_FACTOR = "average factor"
    """Thousandths: the first elements over the second ones."""
    ACTUAL_FACTOR = "actual factor"
    PULSES = "pulses"
    HOURS = "hours"


class Selectable(NamedTuple):
    """How a register is had: sums of `elements`, over (or less) sums of `others`."""

    kind: Kind
    elements: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    flow: Flow = Flow.A14
    tariff: int = 0


def _mean(mean: Mean, phase: int = 0) -> int:
    return len(Energy) + mean + phase


_FLOW_GROUPS: Final = (1, 2, 3, 4, 9, 10)
"""Value group C of each `Flow`; phases add 20, 40, 60."""
_FLOW_MEANS: Final = (Mean.P14_L1, Mean.P23_L1, Mean.Q12_L1, Mean.Q34_L1, Mean.S14_L1, Mean.S23_L1)


def _selectable() -> dict[Obis, Selectable]:
    out: dict[Obis, Selectable] = {}

    def power(c: int, elements: tuple[int, ...], others: tuple[int, ...] = ()) -> None:
        kinds = (Kind.ACTUAL_FACTOR, Kind.AVERAGE_FACTOR) if others else (Kind.ACTUAL, Kind.AVERAGE)
        for d, kind in zip((7, 25), kinds, strict=True):
            out[Obis.of(1, 1, c, d, 0)] = Selectable(kind, elements, others)

    for flow, c, mean in zip(Flow, _FLOW_GROUPS, _FLOW_MEANS, strict=True):
        channels = tuple(int(channel) for channel in FLOW_ENERGIES[flow])
        out[Obis.of(1, 1, c, 8, 0)] = Selectable(Kind.READING, channels)
        for tariff in range(1, TARIFFS + 1):
            out[Obis.of(1, 1, c, 8, tariff)] = Selectable(Kind.TARIFF, flow=flow, tariff=tariff)
        power(c, channels)
        for phase in range(3):
            power(c + 20 * (phase + 1), (_mean(mean, phase),))
    for quadrant in range(4):
        out[Obis.of(1, 1, 5 + quadrant, 8, 0)] = Selectable(Kind.READING, (Energy.R1 + quadrant,))
    for phase in range(3):
        c = 20 * (phase + 1)
        out[Obis.of(1, 1, 1 + c, 8, 0)] = Selectable(Kind.READING, (Energy.A14_L1 + phase,))
        out[Obis.of(1, 1, 2 + c, 8, 0)] = Selectable(Kind.READING, (Energy.A23_L1 + phase,))
        power(11 + c, (_mean(Mean.I_L1, phase),))
        power(12 + c, (_mean(Mean.U_L1, phase),))
        active = (_mean(Mean.P14_L1, phase), _mean(Mean.P23_L1, phase))
        power(13 + c, active, (_mean(Mean.S14_L1, phase), _mean(Mean.S23_L1, phase)))
    power(13, (Energy.A14, Energy.A23), (Energy.E14, Energy.E23))
    out[Obis.of(1, 1, 15, 8, 0)] = Selectable(Kind.READING, (Energy.A14, Energy.A23))
    out[Obis.of(1, 1, 16, 8, 0)] = Selectable(Kind.READING, (Energy.A14,), (Energy.A23,))
    out[Obis.of(1, 1, 0, 128, 1)] = Selectable(Kind.PULSES)
    out[Obis.of(0, 1, 96, 8, 0)] = Selectable(Kind.HOURS, (SECONDS,))
    return out


SELECTABLE: Final[Mapping[Obis, Selectable]] = MappingProxyType(_selectable())
"""Every register that can be chosen."""

DEFAULT_REGISTERS: Final = tuple(
    f"1.1.{c}.{d}.0.255"
    for c, d in ((1, 7), (2, 7), (3, 7), (4, 7), (32, 25), (52, 25), (72, 25), (31, 25), (51, 25), (71, 25))
)
"""Actual powers, average voltages and currents (OMNIPOWER technical description, table 15)."""


REGISTERS: Final = 16
"""Registers that can be recorded at once (data sheets, analysis logger)."""


def analysis_registers(codes: Sequence[str]) -> tuple[Obis, ...]:
    """Read a choice of registers; raises `ValueError` where one cannot be recorded or comes twice, or for too many."""
    chosen = tuple(Obis.parse(code) for code in codes)
    for code, one in zip(codes, chosen, strict=True):
        if one not in SELECTABLE:
            allowed = "energies x.8.0 to x.8.8, powers, voltages, currents and power factors x.7.0 and x.25.0, "
            raise ValueError(f"analysis register is {code}; allowed: {allowed}0.128.1, 0-1:96.8.0")
    if not 1 <= len(chosen) <= REGISTERS or len(set(chosen)) != len(chosen):
        raise ValueError(f"analysis registers are {list(codes)}; allowed: 1..{REGISTERS} different ones")
    return chosen
