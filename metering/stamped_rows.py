"""Selecting rows of a logger by stamp or by number: what its columns are indexed with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .quantities import IntArray

Rows = slice | NDArray[np.intp]
"""Some rows, as an index into any column."""


def rows_in_range(stamps: IntArray, first: int, last: int) -> Rows:
    """Rows stamped `first` to `last` in normal time, both included, oldest first."""
    found = np.flatnonzero((stamps >= first) & (stamps <= last))
    if found.size and found[-1] - found[0] + 1 == found.size:
        return slice(int(found[0]), int(found[-1]) + 1)
    return found if found.size else slice(0, 0)


def rows_by_entry(count: int, first: int, last: int) -> Rows:
    """Rows of `count` by entry as the 382 counts: entry 0 is the newest (382M DLMS description 3.4).

    From a lower to a higher number goes backwards in time, from a higher to a lower one forwards. Entries there are
    not are left out.
    """
    newest = count - 1
    low, high = sorted((first, last))
    low, high = max(low, 0), min(high, newest)
    if low > high:
        return slice(0, 0)
    if first > last or low == high:
        return slice(newest - high, newest - low + 1)
    return np.arange(newest - low, newest - high - 1, -1, dtype=np.intp)
