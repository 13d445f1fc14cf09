"""What a 382 counts: energy channels, the six flows that are tariffed and averaged, and their units.

Inside the engine everything is an integer: power in mW or mvar, voltage in mV, current in mA, energy in
milliwatt-seconds (mWs; mvars or mVAs for the reactive and apparent channels). Integers add up the same in every
order, which is what makes advancing in one step and in many the same thing. Numbers in the names are quadrants: A14 is
active energy in quadrants 1 and 4, import; A23 is export; R1 to R4 are reactive energy quadrant by quadrant,
E14 and E23 apparent energy.
"""

from __future__ import annotations

from enum import IntEnum
from math import atan2, degrees, isqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

MWS_PER_WH: Final = 3_600_000
"""Milliwatt-seconds in one watt-hour (and mvars in one varh)."""


class Energy(IntEnum):
    """The energy registers that are counted; every other energy is a sum of these."""

    A14 = 0
    A23 = 1
    R1 = 2
    R2 = 3
    R3 = 4
    R4 = 5
    A14_L1 = 6
    A14_L2 = 7
    A14_L3 = 8
    A23_L1 = 9
    A23_L2 = 10
    A23_L3 = 11
    E14 = 12
    E23 = 13


class Flow(IntEnum):
    """The flows that have tariff registers, averages and peaks; as energies A, R and E, as powers P, Q and S."""

    A14 = 0
    A23 = 1
    R12 = 2
    R34 = 3
    E14 = 4
    E23 = 5
    P14 = 0
    P23 = 1
    Q12 = 2
    Q34 = 3
    S14 = 4
    S23 = 5


FLOW_ENERGIES: Final[tuple[tuple[Energy, ...], ...]] = (
    (Energy.A14,),
    (Energy.A23,),
    (Energy.R1, Energy.R2),
    (Energy.R3, Energy.R4),
    (Energy.E14,),
    (Energy.E23,),
)
"""The channels each `Flow` is the sum of."""

TARIFFS: Final = 8
"""Tariff registers per flow (382M DLMS description, objects 1.1.x.8.1 to 1.1.x.8.8)."""


class Instantaneous(NamedTuple):
    """What the meter sees at one instant: tuples hold phases L1, L2, L3; active is positive for import."""

    active_mw: tuple[int, int, int]
    reactive_mvar: tuple[int, int, int]
    voltage_mv: tuple[int, int, int]
    current_ma: tuple[int, int, int]
    p14_mw: int
    p23_mw: int
    q12_mvar: int
    q34_mvar: int
    s14_mva: int
    s23_mva: int

    @property
    def phases_mva(self) -> tuple[int, int, int]:
        """Apparent power of each phase."""
        l1, l2, l3 = (isqrt(p * p + q * q) for p, q in zip(self.active_mw, self.reactive_mvar, strict=True))
        return l1, l2, l3

    @property
    def power_factors(self) -> tuple[int, int, int, int]:
        """Of L1, L2, L3 and the total, in thousandths; 1000 where nothing flows."""
        active, apparent = self.p14_mw + self.p23_mw, self.s14_mva + self.s23_mva
        l1, l2, l3 = map(power_factor, self.active_mw, self.phases_mva)
        return l1, l2, l3, power_factor(active, apparent)

    @property
    def angles_deg(self) -> tuple[int, int, int, int]:
        """Degrees, 0 to 359, from current to voltage in L1, L2, L3 and of the total: 0 import, 90 inductive."""
        l1, l2, l3 = map(_angle_deg, self.active_mw, self.reactive_mvar)
        return l1, l2, l3, _angle_deg(self.p14_mw - self.p23_mw, self.q12_mvar - self.q34_mvar)


NOTHING_SEEN: Final = Instantaneous((0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), 0, 0, 0, 0, 0, 0)
"""What a meter without supply sees."""


def power_factor(active: int, apparent: int) -> int:
    """Active over apparent power without its sign, in thousandths; 1000 where nothing flows."""
    return abs(active) * 1000 // apparent if apparent else 1000


def _angle_deg(active: int, reactive: int) -> int:
    return round(degrees(atan2(reactive, active))) % 360
