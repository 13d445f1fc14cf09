"""Pulses: LED and S0 output, pulse output 2, and how the pulse input tells a pulse from a bounce.

A pulse is due at the instant at which an energy register passes a multiple of the energy of one pulse, 1 Wh at 1000
pulses per kWh. LED and S0 output emit it together (data sheets, "S0 pulse output"). Energy is a broken straight
line, so the instant is exact; it is told in microseconds since 1970, rounded up. Whatever the stretches one asks
for, each pulse is in exactly one of them.

An output is on for the pulse length and off at least as long (the data sheets' pulse and pause), so there
is a load that it can just follow. A pulse that falls due before the output is free again waits; none is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from .configuration import EnergyType
from .quantities import MWS_PER_WH, Energy, IntArray

if TYPE_CHECKING:
    from .meter import Meter

US_PER_S: Final = 1_000_000
_LARGEST_LOAD_DECIAMPERES: Final = 1_050
"""The largest meter of the family: 105 A, at three times 230 V (data sheet 004, pulse values)."""
_WATTS_PER_AMPERE: Final = 3 * 230


def active_channels(energy_type: EnergyType) -> tuple[Energy, ...]:
    """The registers whose energy the LED and the S0 output tell: both directions where the meter counts both."""
    return (Energy.A14,) if Energy.A23 in energy_type.not_counted else (Energy.A14, Energy.A23)


REACTIVE_CHANNELS: Final = (Energy.R1, Energy.R2, Energy.R3, Energy.R4)
"""The registers behind the pulses per kvarh."""


def pulse_instants(times: IntArray, energies: IntArray, constant: int) -> IntArray:
    """The instants in `(times[0], times[-1]]` at which a pulse falls due, in microseconds since 1970.

    `energies` is the register in mWs at these ascending true times, a straight line from each to the next;
    `constant` is in pulses per kWh.
    """
    unit = MWS_PER_WH * 1000 // constant
    passed = energies // unit
    counts = np.diff(passed)
    if not counts.any():
        return np.empty(0, dtype=np.int64)
    piece = np.repeat(np.arange(counts.size), counts)
    within = np.arange(piece.size, dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)
    missing = (passed[piece] + 1 + within) * unit - energies[piece]
    duration, rise = np.diff(times)[piece], np.diff(energies)[piece]
    rate = rise // duration  # mW; a straight line of the engine rises by a whole number of mWs each second
    seconds, rest = missing // rate, missing % rate
    instants: IntArray = (times[piece] + seconds) * US_PER_S + -(-rest * US_PER_S // rate)
    return instants


def pulses_due(meter: Meter, start: int, stop: int, channels: Sequence[Energy]) -> IntArray:
    """The pulses of these registers that fall due in `(start, stop]`, in microseconds since 1970.

    `start` is not before the meter's time. The meter is advanced on the way, so inputs go between two calls.
    """
    return pulse_instants(*meter.trace(start, stop, channels), meter.configuration.meter_constant)


@dataclass(slots=True)
class PulseOutput:
    """An output that emits pulses of one length, one after the other."""

    length_ms: int
    constant: int = 1_000
    """Pulses per kWh."""
    last_us: int | None = None
    """When the last pulse began."""

    def emit(self, due: IntArray) -> IntArray:
        """When the pulses due at these instants begin; calls come in the order of time."""
        if not due.size:
            return due
        spacing = 2 * self.length_ms * 1_000
        first = due.copy()
        if self.last_us is not None:
            first[0] = max(int(first[0]), self.last_us + spacing)
        places = np.arange(due.size, dtype=np.int64) * spacing
        begins: IntArray = np.maximum.accumulate(first - places) + places
        self.last_us = int(begins[-1])
        return begins

    def on(self, begins: IntArray, at_us: int) -> bool:
        """Whether a pulse is on at this instant; `begins` is what `emit` gave around it."""
        index = int(np.searchsorted(begins, at_us, side="right"))
        return bool(index) and at_us < int(begins[index - 1]) + self.length_ms * 1_000

    def lit(self, begins: IntArray, at_us: int, *, idle: bool, lit_idle: bool) -> bool:
        """Whether an LED on this output is lit: with nothing drawn (`idle`) as ordered, else while a pulse is on."""
        return lit_idle if idle else self.on(begins, at_us)

    @property
    def largest_load_deciamperes(self) -> int:
        """The three-phase load at 230 V that the output can follow, in 0.1 A (data sheet 004, pulse values)."""
        watts = 3_600_000_000 // (2 * self.length_ms * self.constant)
        return min(watts * 10 // _WATTS_PER_AMPERE, _LARGEST_LOAD_DECIAMPERES)


def pulse_output_2(constant: int) -> PulseOutput:
    """Pulse output 2: 1 pulse per Wh of 30 ms, or 1 per kWh of 60 ms (data sheet 002). Raises `ValueError`."""
    lengths = {1_000: 30, 1: 60}
    if constant not in lengths:
        raise ValueError(f"pulse output 2 has {constant} imp/kWh; allowed: 1000, 1")
    return PulseOutput(lengths[constant], constant)


class PulseInputSpeed(Enum):
    """What a contact must do to be a pulse: closed, then open, for at least this many milliseconds each."""

    NORMAL = (1_001, 999)
    """Pulses longer than 1 s, at most 0.5 Hz (data sheet 002, contact input)."""
    QUICK = (30, 32)
    """Pulses of at least 30 ms, at most 16 Hz."""

    def least_ms(self, closed: bool) -> int:
        """How long the contact must be in this position."""
        return self.value[0] if closed else self.value[1]


class PulseScale(NamedTuple):
    """What a pulse at the input is worth."""

    constant_milli: int
    """Thousandths of a pulse per unit."""
    unit: str
    """kWh, m3, l, or empty for none."""
    speed: str
    """The name of a `PulseInputSpeed` in small letters."""


class Edge(NamedTuple):
    """A contact closes or opens at this millisecond."""

    at_ms: int
    closed: bool


_OPEN: Final = Edge(0, closed=False)


@dataclass(slots=True)
class PulseInput:
    """The debouncing law of the pulse input, from edges of the contact to pulses counted.

    A new position of the contact counts when it has lasted as long as the speed asks; a shorter one never was. A
    pulse is counted when the contact has been closed for that long.
    """

    speed: PulseInputSpeed
    closed: bool = False
    """The position that counts."""
    raw: Edge = _OPEN
    """The last change of the contact itself."""

    def pulses(self, edges: Iterable[Edge], until_ms: int) -> list[int]:
        """The milliseconds at which pulses are counted, up to `until_ms`; edges come in the order of time."""
        counted: list[int] = []
        for edge in edges:
            self._settle(edge.at_ms, counted)
            if edge.closed != self.raw.closed:
                self.raw = edge
        self._settle(until_ms, counted)
        return counted

    def _settle(self, until_ms: int, counted: list[int]) -> None:
        lasted = self.raw.at_ms + self.speed.least_ms(self.raw.closed)
        if self.raw.closed != self.closed and until_ms >= lasted:
            self.closed = self.raw.closed
            if self.closed:
                counted.append(lasted)
