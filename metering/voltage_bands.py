"""A voltage and its band: a phase that leaves it and comes back, and means of ten minutes that lie outside."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .quantities import IntArray
from .schedule import boundaries
from .tracker import Tracker
from .view import Condition, View

PHASES: Final = 3
UNDER_MV: Final = 207_000
OVER_MV: Final = 253_000
OUTAGE_MV: Final = 50_000
EVENT_S: Final = 10
"""Outside the band for so long is an event."""
MEAN_S: Final = 600


class Excursion:
    """One phase outside its band on one side: since when, its mean and its extremes."""

    def __init__(self, over: bool) -> None:
        self.over = over
        self.tracker = Tracker(1, 1)
        self.began = 0
        self.announced = False
        """Whether it has lasted long enough to be an event."""
        self.seconds = self.integral = self.high = 0
        self.low = 10**9
        self._pending = [0, 0]
        """Seconds and mV of the second that begins it."""

    def condition(self, row: IntArray, view: View) -> Condition | None:
        """Where this phase is outside."""
        if self.over:
            return row > OVER_MV if view.highest_mv > OVER_MV else None
        return (row < UNDER_MV) & (row >= OUTAGE_MV) if view.lowest_mv < UNDER_MV else None

    def deadline(self) -> int | None:
        """When it becomes an event."""
        return self.began + EVENT_S if self.tracker.active and not self.announced else None

    def first(self, row: IntArray, view: View) -> int | None:
        """When the phase leaves the band, or comes back."""
        return self.tracker.first(self.condition(row, view), view)

    def carry(self, row: IntArray, view: View) -> None:
        """Take this stretch in."""
        condition = self.condition(row, view)
        self.tracker.carry(condition, view)
        if condition is None:
            return
        if self.tracker.active:
            self._add(row, condition, view)
        elif condition[-1]:
            self._pending = [int(view.line.edges[-1]) - (self.tracker.since or 0), int(row[-1])]

    def _add(self, row: IntArray, condition: Condition, view: View) -> None:
        if condition.any():
            self.seconds += int(view.line.totals(condition[None, :].astype(np.int64))[0])
            self.integral += int(view.line.totals((row * condition)[None, :])[0])
            self.low = min(self.low, int(row[condition].min()))
            self.high = max(self.high, int(row[condition].max()))

    def begin(self, now: int) -> None:
        """It has begun a second ago."""
        seconds, level = self._pending
        self.began, self.announced = now - seconds, False
        self.seconds, self.integral, self.low, self.high = seconds, seconds * level, level, level

    def volts(self) -> tuple[int, int, int]:
        """Mean, highest and lowest of it so far, V."""
        return self.integral // max(self.seconds, 1) // 1000, self.high // 1000, self.low // 1000

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return vars(self) | {"tracker": self.tracker.state()}

    def restore(self, values: dict[str, Any]) -> None:
        """Take over a state that `state` gave."""
        tracker = self.tracker
        tracker.restore(values["tracker"])
        vars(self).update(values | {"tracker": tracker})


class Means:
    """Ten-minute means of the phases: which of them are outside the band."""

    def __init__(self, now: int) -> None:
        self.outside = [0] * PHASES
        """-1 below, 1 above, of the last whole ten minutes."""
        self.begin = now
        """Where the running ten minutes, or what there is of them, began."""
        self.integrals = [0] * PHASES
        self.low = [10**9] * PHASES
        self.high = [0] * PHASES
        self.finished: list[list[int]] = []
        """Phase, side, mean, highest and lowest, mV, of the ten minutes that end at the settled time."""

    def first(self, view: View) -> int | None:
        """When a mean is on another side than the one before."""
        in_band = view.lowest_mv >= UNDER_MV and view.highest_mv <= OVER_MV
        if in_band and not any(self.outside) and min(self.low) >= UNDER_MV and max(self.high) <= OVER_MV:
            return None
        ends = boundaries(view.start, view.stop, MEAN_S, 0)
        if ends.size and int(ends[0]) - MEAN_S < view.start and int(ends[0]) - self.begin != MEAN_S:
            ends = ends[1:]
        if not ends.size:
            return None
        rows = view.voltage_mv
        cumulative = view.line.cumulative(rows)
        begins = view.line.integrals(cumulative, rows, (ends - MEAN_S).clip(view.start))
        totals = view.line.integrals(cumulative, rows, ends) - begins
        if int(ends[0]) - MEAN_S < view.start:
            totals[:, 0] += np.array(self.integrals, dtype=np.int64)[view.fitted]
        means = totals // MEAN_S
        sides = (means > OVER_MV).astype(np.int64) - (means < UNDER_MV)
        changed = (sides != np.array(self.outside)[view.fitted, None]).any(axis=0).nonzero()[0]
        return int(ends[changed[0]]) if changed.size else None

    def carry(self, view: View) -> None:
        """Take this stretch in: only what belongs to the ten minutes running at its end, or ending there."""
        running = max(view.start, (view.stop - 1) // MEAN_S * MEAN_S)
        if running % MEAN_S == 0:
            self._restart(running)
        tail = view.part(running, view.stop)
        rows = tail.voltage_mv
        for phase, row, total in zip(view.phases, rows, tail.line.totals(rows).tolist(), strict=True):
            self.integrals[phase] += total
            self.low[phase] = min(self.low[phase], int(row.min()))
            self.high[phase] = max(self.high[phase], int(row.max()))
        self.finished = []
        if view.stop - self.begin == MEAN_S and view.stop % MEAN_S == 0:
            for phase in view.phases:
                mean = self.integrals[phase] // MEAN_S
                side = (mean > OVER_MV) - (mean < UNDER_MV)
                self.finished.append([phase, side, mean, self.high[phase], self.low[phase]])

    def _restart(self, now: int) -> None:
        self.begin = now
        self.integrals, self.low, self.high = [0] * PHASES, [10**9] * PHASES, [0] * PHASES
        self.finished = []
