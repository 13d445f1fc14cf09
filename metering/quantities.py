"""What a 382 counts: energy channels, the four flows that are tariffed and averaged, and their units.

Inside the engine everything is an integer: power in mW or mvar, voltage in mV, current in mA, energy in
milliwatt-seconds (mWs, or mvars for the reactive channels). Integers add up the same in every order, which is
what makes advancing in one step and in many the same thing. Numbers in the names are quadrants: A14 is
active energy in quadrants 1 and 4, import; A23 is export; R1 to R4 are reactive energy quadrant by quadrant.
"""

from __future__ import annotations

from enum import IntEnum
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


class Flow(IntEnum):
    """The four flows that have tariff registers, averages and peaks; as energies A and R, as powers P and Q."""

    A14 = 0
    A23 = 1
    R12 = 2
    R34 = 3
    P14 = 0
    P23 = 1
    Q12 = 2
    Q34 = 3


FLOW_ENERGIES: Final[tuple[tuple[Energy, ...], ...]] = (
    (Energy.A14,),
    (Energy.A23,),
    (Energy.R1, Energy.R2),
    (Energy.R3, Energy.R4),
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


NOTHING_SEEN: Final = Instantaneous((0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), 0, 0, 0, 0)
"""What a meter without supply sees."""
