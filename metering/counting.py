"""Counting a stretch of time: registers, tariffs, periods and captures, out of what the meter sees.

A stretch is a `View` in which nothing acts before its end, the meter is on and the clock runs on unchanged. What is
kept only of the latest past (means of a period, rings that have gone round) is only worked out for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .demand import Demand
from .quantities import IntArray
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

    for channel, total in enumerate(view.line.totals(view.rates).tolist()):
        state.energies[channel] += total
    *flows, seconds = split.at(np.array([stop], dtype=np.int64))[:, :, 0].tolist()
    for held, gained in zip([*state.tariff_energies, state.tariff_seconds], [*flows, seconds], strict=True):
        for tariff, more in enumerate(gained):
            held[tariff] += more
    state.operating_s += stop - view.start


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
