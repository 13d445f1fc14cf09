"""What the meter sees over a stretch of time, and the questions that watchers ask of it.

A `View` is the installation's load after the supply (voltages overridden, phases missing) and the breaker (open: no
current, nothing fed) have had their say, split into channels. Its columns are grid steps, the first and last cut off
at `start` and `stop`. Parts of a view share its arrays; what is worked out from them is worked out once, on demand.

Watchers measure second by second: a condition that a column fulfils is known when its first second is over, so
every delay is at least 1 s, and what happens at an instant is known from the time before it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from .installation import Installation, Load
from .means import mean_rates
from .measurement import Timeline, currents_ma
from .quantities import IntArray

if TYPE_CHECKING:
    from .state import MeterState

Condition = NDArray[np.bool_]
"""One truth value per column of a view."""


class View:
    """`[start, stop)` as the meter sees it; `rates` are channels, `flows` flows, by columns."""

    def __init__(
        self, start: int, stop: int, source: Installation, fitted: slice, load: Load, rates: IntArray, flows: IntArray
    ) -> None:
        self.start = start
        self.stop = stop
        self.source = source
        """Where it comes from: grid and ambient."""
        self.grid_s = source.grid_s
        self.fitted = fitted
        """Which phases have a measuring system."""
        self.load = load
        self.rates = rates
        self.flows = flows

    def part(self, start: int, stop: int) -> View:
        """`[start, stop)` of it, not empty."""
        if start == self.start and stop == self.stop:
            return self
        columns = grid_columns(self.start, start, stop, self.grid_s)
        load = part_of_load(self.load, columns)
        return View(start, stop, self.source, self.fitted, load, self.rates[:, columns], self.flows[:, columns])

    @cached_property
    def line(self) -> Timeline:
        """For integrals, and for the edges of the columns."""
        return Timeline(self.start, self.stop, self.grid_s)

    @cached_property
    def temperature_millidegc(self) -> IntArray:
        """Of the air at the meter, by columns."""
        return self.source.ambient(self.start, self.stop).temperature_millidegc

    @cached_property
    def cumulative(self) -> IntArray:
        """Energy of each flow from start to every edge, mWs."""
        return self.line.cumulative(self.flows)

    def flow_integrals(self, times: IntArray) -> IntArray:
        """Energy of each flow from start to each of these instants inside, mWs: flows by times."""
        return self.line.integrals(self.cumulative, self.flows, times)

    @cached_property
    def mean_rates(self) -> IntArray:
        """What is averaged over periods: `Mean` by columns."""
        return mean_rates(self.load, self.currents_ma)

    @cached_property
    def currents_ma(self) -> IntArray:
        """Phases by columns."""
        return currents_ma(self.load)

    @property
    def phases(self) -> range:
        """Which phases are connected: the rows of `voltage_mv`."""
        return range(3)[self.fitted]

    @property
    def voltage_mv(self) -> IntArray:
        """Of the phases connected, by columns."""
        return self.load.voltage_mv[self.fitted]

    @cached_property
    def lowest_mv(self) -> int:
        """The lowest voltage of any phase connected, at any time: a quick look before a thorough one."""
        return int(self.voltage_mv.min())

    @cached_property
    def highest_mv(self) -> int:
        """The highest voltage of any phase connected, at any time."""
        return int(self.voltage_mv.max())

    def held(self, condition: Condition, since: int | None, delay_s: int) -> int | None:
        """The first instant in `(start, stop]` at which the condition has held for `delay_s` without a break.

        `since` is when it began to hold before this view, None where it did not hold at its start.
        """
        if not condition.any():
            return None
        if condition.all():
            at = max((self.start if since is None else since) + delay_s, self.start + 1)
            return at if at <= self.stop else None
        edges = self.line.edges
        changes = np.diff(condition, prepend=False, append=False).nonzero()[0]
        begins, ends = edges[changes[::2]], edges[changes[1::2]]
        if since is not None and condition[0]:
            begins[0] = since
        reached = np.maximum(begins + delay_s, self.start + 1)
        inside = (reached <= ends).nonzero()[0]
        return int(reached[inside[0]]) if inside.size else None

    def holding_since(self, condition: Condition, since: int | None) -> int | None:
        """Since when the condition holds at the end of this view, None if it does not; `since` as for `held`."""
        if not condition[-1]:
            return None
        broken = (~condition).nonzero()[0]
        if broken.size:
            return int(self.line.edges[broken[-1] + 1])
        return self.start if since is None else since


class Watcher(Protocol):
    """A part of the state that acts by itself at instants that follow from what the meter sees.

    `advance` ends a stretch at the first instant at which any watcher acts, lets all of them `carry` it, and then
    `act`. README.md tells how a cut happens and what keeps it additive.
    """

    def deadline(self, state: MeterState) -> int | None:
        """When it acts whatever the meter sees; None for never; what is overdue is acted on next."""
        ...

    def first(self, view: View, state: MeterState) -> int | None:
        """The first instant in `(view.start, view.stop]` at which it acts because of what the meter sees."""
        ...

    def carry(self, view: View) -> None:
        """Take this stretch in: it acts nowhere inside, only perhaps at its end."""
        ...

    def act(self, state: MeterState) -> None:
        """Do what is due at `state.time`, if anything is; where nothing is, change nothing."""
        ...


def seen_load(load: Load, voltage_mv: Sequence[int | None], connected: bool) -> Load:
    """A load behind this supply and this breaker: None is the load's own voltage; a phase at 0 V draws nothing."""
    if connected and all(one is None for one in voltage_mv) and load.voltage_mv.all():
        return load
    voltages = load.voltage_mv.copy()
    for phase, one in enumerate(voltage_mv):
        if one is not None:
            voltages[phase] = one
    drawing = (voltages > 0) & connected
    return Load(load.active_mw * drawing, load.reactive_mvar * drawing, voltages)


def grid_columns(origin: int, start: int, stop: int, grid_s: int) -> slice:
    """Which columns `[start, stop)` is, of a load whose first column is the step that `origin` lies in."""
    first = origin // grid_s
    return slice(start // grid_s - first, -(-stop // grid_s) - first)


def part_of_load(load: Load, columns: slice) -> Load:
    """These columns of a load."""
    return Load(load.active_mw[:, columns], load.reactive_mvar[:, columns], load.voltage_mv[:, columns])
