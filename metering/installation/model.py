"""What a customer's premises draw and feed: a pure function of time on a grid.

Power and voltage are constant from one multiple of `grid_s` (seconds since 1970) to the next. A `Load` is a
stretch of that function with one column per grid step; phases come first, so that each phase is
contiguous in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from ..quantities import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """Phase by grid step, three rows each: mW and mvar (import positive), mV.

    On a network of three wires without neutral a row is what lies between two lines: L1-L2, L2-L3, L3-L1.
    """

    active_mw: IntArray
    reactive_mvar: IntArray
    voltage_mv: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Ambient:
    """What surrounds the meter, a value per grid step: network frequency, and temperature of the air at the meter."""

    frequency_millihz: IntArray
    temperature_millidegc: IntArray


NOMINAL_FREQUENCY_MILLIHZ: Final = 50_000
REFERENCE_TEMPERATURE_MILLIDEGC: Final = 23_000
"""The temperature that accuracies are stated for (data sheets, real time clock; EN 50470-3)."""


class Installation(Protocol):
    """Anything a meter can be mounted on."""

    @property
    def grid_s(self) -> int:
        """Seconds in a grid step."""
        ...

    def load(self, start: int, stop: int) -> Load:
        """The load in every grid step touching `[start, stop)`, `start < stop`; a pure function."""
        ...

    def ambient(self, start: int, stop: int) -> Ambient:
        """Frequency and temperature in the same grid steps; a pure function."""
        ...

    def identity(self) -> dict[str, object]:
        """What it is and its parameters as JSON values: two installations with one identity give the same load."""
        ...


def grid_steps(start: int, stop: int, grid_s: int) -> tuple[int, int]:
    """Number of the first grid step touching `[start, stop)` and how many there are."""
    first = start // grid_s
    return first, -(-stop // grid_s) - first
