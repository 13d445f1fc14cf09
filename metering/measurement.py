"""From load to energy: quadrants, phase summation, currents, and exact integrals over a stretch of time.

A rate is a power in mW or mvar, or any other quantity per second, constant within a grid step. Its integral at an
instant is the sum over whole steps plus rate times seconds for the step begun, in integers: exact at
every instant, on the grid or not.
"""

from __future__ import annotations

import numpy as np

from .installation import Load
from .means import apparent_mva
from .quantities import Energy, Flow, IntArray


class Timeline:
    """The grid steps that `[start, stop)` touches, the first and last cut off at its ends."""

    __slots__ = ("_first", "_grid_s", "edges", "steps")

    def __init__(self, start: int, stop: int, grid_s: int) -> None:
        self._first = start - start % grid_s
        self._grid_s = grid_s
        self.steps = -(-stop // grid_s) - start // grid_s
        self.edges: IntArray = self._first + grid_s * np.arange(self.steps + 1, dtype=np.int64)
        """Where the steps begin, and where the last one ends."""
        self.edges[0] = start
        self.edges[-1] = stop

    def totals(self, rates: IntArray) -> IntArray:
        """Integral of each row of `rates` (rows by steps) from start to stop."""
        first = int(self.edges[1] - self.edges[0])
        totals: IntArray = rates[:, 0] * first
        if self.steps > 1:
            last = int(self.edges[-1] - self.edges[-2])
            totals = totals + rates[:, -1] * last + rates[:, 1:-1].sum(axis=1) * self._grid_s
        return totals

    def cumulative(self, rates: IntArray) -> IntArray:
        """Integral of each row of `rates` from start to every edge: rows by steps + 1."""
        out = np.empty((rates.shape[0], self.steps + 1), dtype=np.int64)
        out[:, 0] = 0
        np.multiply(rates, self._grid_s, out=out[:, 1:])
        out[:, 1] = rates[:, 0] * (self.edges[1] - self.edges[0])
        if self.steps > 1:
            out[:, -1] = rates[:, -1] * (self.edges[-1] - self.edges[-2])
        return np.cumsum(out, axis=1, out=out)

    def integrals(self, cumulative: IntArray, rates: IntArray, times: IntArray) -> IntArray:
        """Integral of each row from start to each of `times`, all of them between start and stop: rows by times."""
        step = (times - self._first) // self._grid_s
        np.minimum(step, self.steps - 1, out=step)
        into = times - self.edges[step]
        whole: IntArray = cumulative[:, step]
        return whole + rates[:, step] * into if into.any() else whole


def energy_rates(load: Load, summation: str) -> IntArray:
    """Power into each `Energy` channel in each step: channels by steps.

    With vector summation the sign of the sum of the phases decides the quadrant; with individual
    summation every phase has its own, and import on one phase does not cancel export on another. A step
    without active power counts as import, so reactive energy falls in quadrants 1 and 4.
    """
    active, reactive = load.active_mw, load.reactive_mvar
    rates = np.empty((len(Energy), active.shape[1]), dtype=np.int64)
    imports, exports = rates[Energy.A14_L1 : Energy.A14_L3 + 1], rates[Energy.A23_L1 : Energy.A23_L3 + 1]
    np.maximum(active, 0, out=imports)
    np.subtract(imports, active, out=exports)
    if summation == "vector":
        net = active[0] + active[1] + active[2]
        np.maximum(net, 0, out=rates[Energy.A14])
        np.subtract(rates[Energy.A14], net, out=rates[Energy.A23])
        total = reactive[0] + reactive[1] + reactive[2]
        rates[Energy.R1 : Energy.R4 + 1] = _quadrants(net, total)
        apparent = apparent_mva(net, total)
        np.multiply(apparent, net >= 0, out=rates[Energy.E14])
        np.subtract(apparent, rates[Energy.E14], out=rates[Energy.E23])
    else:
        rates[Energy.A14] = imports.sum(axis=0)
        rates[Energy.A23] = exports.sum(axis=0)
        rates[Energy.R1 : Energy.R4 + 1] = _quadrants(active, reactive).sum(axis=1)
        apparent = apparent_mva(active, reactive)
        rates[Energy.E14] = (apparent * (active >= 0)).sum(axis=0)
        rates[Energy.E23] = apparent.sum(axis=0) - rates[Energy.E14]
    return rates


def _quadrants(active: IntArray, reactive: IntArray) -> IntArray:
    """Reactive power split over the quadrants R1 to R4, the first axis of the result."""
    out = np.empty((4, *active.shape), dtype=np.int64)
    importing = active >= 0
    positive = np.maximum(reactive, 0)
    negative = positive - reactive
    np.multiply(positive, importing, out=out[0])
    np.subtract(positive, out[0], out=out[1])
    np.multiply(negative, importing, out=out[3])
    np.subtract(negative, out[3], out=out[2])
    return out


def flow_rates(rates: IntArray) -> IntArray:
    """The `Flow`s out of the channels' rates: flows by steps."""
    out = np.empty((len(Flow), rates.shape[1]), dtype=np.int64)
    out[:2] = rates[Energy.A14 : Energy.A23 + 1]
    np.add(rates[Energy.R1], rates[Energy.R2], out=out[2])
    np.add(rates[Energy.R3], rates[Energy.R4], out=out[3])
    out[4:] = rates[Energy.E14 : Energy.E23 + 1]
    return out


def currents_ma(load: Load) -> IntArray:
    """Current per phase in mA, apparent power over voltage; none where there is no voltage.

    Square root and division are correctly rounded in IEEE 754, so the result is the same on every machine.
    """
    active, reactive = load.active_mw.astype(np.float64), load.reactive_mvar.astype(np.float64)
    apparent_mva = np.sqrt(active * active + reactive * reactive)
    voltage = np.maximum(load.voltage_mv, 1).astype(np.float64)
    current = np.floor(apparent_mva * 1000.0 / voltage).astype(np.int64)
    return np.where(load.voltage_mv > 0, current, 0)
