"""Counting a stretch of time: registers, tariffs, periods and captures, out of what the meter sees.

A stretch is a `View` in which nothing acts before its end, the meter is on and the clock runs on unchanged. What is
kept only of the latest past (means of a period, rings that have gone round) is only worked out for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .clock import DAY_S
from .demand import Demand
from .hourly import QUARTER_S
from .quantities import Energy, Flow, IntArray
from .schedule import boundaries
from .status import EventA
from .tariff_split import TariffSplit
from .view import View

if TYPE_CHECKING:
    from .state import MeterState


def count(state: MeterState, view: View) -> None:
    """Count this stretch, from `state.time` on; the time itself stays."""
    stop, shift_s = view.stop, state.shift_s
    done = max(view.start, state.logged_until - shift_s)
    split = tariff_split(state, view)
    ends = boundaries(done, stop, state.demand.period_s, shift_s)
    _count_means(state.demand, view, ends)
    base = state.flow_column()
    if ends.size:
        state.demand.end_periods(ends, shift_s, base + view.flow_integrals(ends), split.tariffs_at(ends))
    profile = state.load_profile
    captures = boundaries(done, stop, profile.period_s, shift_s)
    if captures.size:
        columns = list(profile.flows)
        readings = base[columns] + view.line.integrals(view.cumulative[columns], view.flows[columns], captures)
        profile.capture(captures + shift_s, readings, state.row_status, state.row_quality)
        state.status.note(EventA.LOAD_PROFILE)

    step_s = state.analysis.period_s
    state.analysis.count(state, view, split, boundaries(done, stop, step_s, shift_s))
    state.debiting2.count(state, view, split, boundaries(done, stop, DAY_S, shift_s))
    if state.configuration.hourly_store:
        _count_quarters(state, view)
    for channel, total in enumerate(view.line.totals(view.rates).tolist()):
        state.energies[channel] += total
    *flows, seconds = split.at(np.array([stop], dtype=np.int64))[:, :, 0].tolist()
    for held, gained in zip([*state.tariff_energies, state.tariff_seconds], [*flows, seconds], strict=True):
        for tariff, more in enumerate(gained):
            held[tariff] += more
    state.operating_s += stop - view.start


def _count_quarters(state: MeterState, view: View) -> None:
    """Quarters of an hour in operation, by hour counter instead of clock."""
    shift_s = state.operating_s - view.start
    ends = boundaries(view.start, view.stop, QUARTER_S, shift_s)
    if ends.size:
        readings = state.energies[Energy.A14] + view.flow_integrals(ends)[Flow.A14]
        state.hourly.quarters(int(ends[0]) + shift_s, readings, state.pulse_input)


def tariff_split(state: MeterState, view: View) -> TariffSplit:
    """How this stretch, from `state.time` on, divides among tariffs."""
    offset_s = state.clock_offset_s
    instants, tariffs = state.tariff_control.switches(view.start + offset_s, view.stop + offset_s, state.zone)
    return TariffSplit(view, instants - offset_s, np.concatenate(([state.tariff], tariffs)))


def _count_means(demand: Demand, view: View, ends: IntArray) -> None:
    """Means of the phases: only the last finished period and the running one are ever read."""
    last_two = [demand.period_start, *ends[-2:].tolist()]
    if ends.size > 1:
        view = view.part(last_two[-2], view.stop)
        demand.discard_integrals()
    integrands = view.mean_rates
    total = view.line.totals(integrands)
    if ends.size:
        finished = view.line.integrals(view.line.cumulative(integrands), integrands, ends[-1:])[:, 0]
        demand.add_integrals(finished.tolist())
        demand.finish_means(last_two[-2], last_two[-1])
        total = total - finished
    demand.add_integrals(total.tolist())
