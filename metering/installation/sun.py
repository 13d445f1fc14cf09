"""Sun geometry as a table: how much of full sun falls on a photovoltaic array, by day of the year and time of day."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from ..quantities import IntArray
from .arithmetic import CIRCLE, UNIT, cosine, sine

STEP_S: Final = 300
"""The table has one entry per five minutes."""
STEPS: Final = 86_400 // STEP_S

_OBLIQUITY: Final = 2_344
"""Tilt of the Earth's axis in hundredths of a degree."""
_TILT: Final = 3_500
"""Tilt of the roof, facing south."""


@lru_cache(maxsize=8)
def irradiance(latitude: int) -> IntArray:
    """Share of full sun in 1/1024 by day of the year (366 rows) and five minutes of mean solar time (288 columns).

    `latitude` is in hundredths of a degree north. Clear sky, direct light on a roof of 35 degrees facing south,
    dimmed when the sun is low.
    """
    day = np.arange(366, dtype=np.int64)[:, None]
    declination = -(_OBLIQUITY * cosine((day + 10) * CIRCLE // 365) // UNIT)
    hour_angle = (np.arange(STEPS, dtype=np.int64)[None, :] * STEP_S + STEP_S // 2) * CIRCLE // 86_400 - CIRCLE // 2
    north = np.full((1, 1), latitude, dtype=np.int64)

    def height(of: IntArray) -> IntArray:
        level: IntArray = cosine(of) * cosine(declination) // UNIT * cosine(hour_angle) // UNIT
        return sine(of) * sine(declination) // UNIT + level

    elevation = np.maximum(height(north), 0)
    on_roof = np.maximum(height(north - _TILT), 0)
    air = UNIT - UNIT // 10 * UNIT // (elevation + UNIT // 10)
    table: IntArray = np.where(elevation > 0, on_roof * air // UNIT, 0) * 1024 // UNIT
    table.flags.writeable = False
    return table
