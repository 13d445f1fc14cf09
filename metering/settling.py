"""How a meter's state moves with time.

How to read this file. A meter's state is *settled* up to `time`. `advance` moves it on, from one billing
stop to the next and at most `_STRETCH_STEPS` at once; within such a stretch nothing changes but power, so
`_settle_piece` works on whole arrays: energy by grid step, its running sum, and that sum at every boundary.
All sums are integers, therefore it does not matter where a stretch is cut: going from a to c
leaves exactly the state that going from a to b to c leaves, to the last bit of the snapshot.

* A boundary at time t is part of advancing *to* t: rows are captured and periods end before an input at t.
* Between two changes of power a register is a straight line, the `Segment`: what reads a register extrapolates along
  it and the state does not move; everything else is settled first if a boundary has passed.
* `now` never goes back: a `now` before `time` is a `ValueError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Self

import numpy as np

from .configuration import MeterConfiguration
from .counting import count
from .effects import take_effect
from .hourly import QUARTER_S
from .inputs import Input
from .installation import ConstantInstallation, Installation, Load
from .means import Mean
from .measurement import energy_rates, flow_rates
from .measuring_system import MeasuringSystem
from .quantities import NOTHING_SEEN, Energy, Flow, Instantaneous, IntArray
from .schedule import next_boundary, next_target_day
from .snapshot import fingerprint, pack, unpack
from .state import MeterState
from .view import View, grid_columns, part_of_load, seen_load

_STRETCH_STEPS: Final = 16 * 1_440
"""Most grid steps settled at once: larger arrays leave the second-level cache, smaller ones are more calls."""

_REACH_AFTER_CUT_STEPS: Final = 256
"""Grid steps looked ahead after something has acted, doubled as long as nothing does: where much happens, little is
looked at twice."""


class Segment(NamedTuple):
    """A straight line, from the settled time to `end`, the last instant it holds for."""

    end: int
    view: View
    """One column."""
    rates: list[int]
    """Power by `Energy`."""
    flow_rates: list[int]
    """Power by `Flow`."""
    integrands: list[int]
    """What is averaged, by `Mean`."""
    seen: Instantaneous


class _Premises(NamedTuple):
    """What the premises would draw in `[start, stop)`."""

    start: int
    stop: int
    load: Load


class Settling:
    """A meter's state, settled up to a time, and how it is moved on: the half of `Meter` that changes."""

    def __init__(self, configuration: MeterConfiguration, installation: Installation) -> None:
        self.configuration: MeterConfiguration = configuration
        self.installation = installation
        self._measuring = MeasuringSystem(configuration)
        self._state = MeterState(configuration)
        self._segment: Segment | None = None
        self._premises: _Premises | None = None
        self._seen: View | None = None
        self._reach = _STRETCH_STEPS
        self._refresh()

    # --- time -----------------------------------------------------------------------------------

    @property
    def time(self) -> int:
        """True time up to which the state is settled."""
        return self._state.time

    def advance(self, now: int) -> None:
        """Settle the state up to true time `now`; raises `ValueError` where that is in the past."""
        state = self._state
        if now < state.time:
            raise ValueError(f"time does not go back: the meter is settled up to {state.time}, asked for {now}")
        while state.time < now:
            segment = self._segment
            if segment is not None and now < segment.end and now < self._quiet_until:
                self._settle_within(segment, now)
            else:
                self._settle_piece(now)

    def apply(self, input_: Input, at: int) -> None:
        """Advance to true time `at`, then let the input happen.

        Raises `ValueError` where this meter cannot do it (a tariff it has not, a period it has no depth for);
        the meter is then at `at` and otherwise unchanged.
        """
        self.advance(at)
        take_effect(self._state, input_)
        self._premises = self._seen = None
        self._refresh()

    def trace(self, start: int, stop: int, channels: Sequence[Energy]) -> tuple[IntArray, IntArray]:
        """Settle up to `stop` and tell how the sum of these registers got there from `start` on.

        True times and mWs, a straight line from each to the next. Inputs go between two traces.
        """
        self.advance(start)
        state, picked = self._state, list(channels)
        times, energies = [np.array([start])], [np.array([sum(state.energies[channel] for channel in picked)])]
        while state.time < stop:
            before = sum(state.energies[channel] for channel in picked)
            counts = state.supply.powered
            view = self._settle_piece(stop)
            gained = view.line.cumulative(view.rates[picked].sum(axis=0, keepdims=True))[0, 1:]
            times.append(view.line.edges[1:])
            energies.append(before + gained * counts)
        return np.concatenate(times), np.concatenate(energies)

    def next_boundary(self, now: int) -> int:
        """The first true time after `now` of a period's end, a capture, a billing stop or a tariff switch."""
        self._catch_up(now)
        return self._next_event

    # --- settling -------------------------------------------------------------------------------

    @property
    def _source(self) -> Installation:
        """Where power comes from at present: the installation, or what `SetLoad` said."""
        held = self._state.set_load
        if held is None:
            return self.installation
        return ConstantInstallation(held.active_mw, held.reactive_mvar, held.voltage_mv)

    def _catch_up(self, now: int) -> None:
        """Settle if a boundary has passed since the state was settled, or perhaps something has acted."""
        if not (self._state.supply.powered and self._state.time <= now < self._quiet_until):
            self.advance(now)

    def _enter(self, now: int) -> Segment:
        """The straight line that holds at `now`: the state is settled at most as far behind as it reaches."""
        segment = self._segment
        if segment is not None and self._state.time <= now < segment.end:
            return segment
        self.advance(now)
        segment = self._segment
        if segment is None or now == segment.end:
            segment = self._segment = self._line(self._measure(now, self._step_end(), self._source.load(now, now + 1)))
        return segment

    def _step_end(self) -> int:
        now, grid_s = self._state.time, self._source.grid_s
        return now - now % grid_s + grid_s

    def _measure(self, start: int, stop: int, load: Load) -> View:
        """What the meter sees of this load."""
        state = self._state
        seen = seen_load(load, state.supply.voltage_mv, state.breaker.closed)
        ambient = None if self._measuring.exact else self._source.ambient(start, stop)
        seen = self._measuring.measured(seen, ambient)
        rates = energy_rates(seen, self.configuration.summation)
        rates[list(self.configuration.energy_type.not_counted)] = 0
        return View(start, stop, self._source, self.configuration.phases, seen, rates, flow_rates(rates))

    def _ahead(self, now: int) -> View:
        """What the meter sees from the settled time on, up to `now` at most, as far as it is wise to look."""
        time, grid_s = self._state.time, self._source.grid_s
        seen = self._seen
        reach = time + self._reach * grid_s
        if seen is None or not seen.start <= time < seen.stop:
            premises = self._premises
            if premises is None or not premises.start <= time < premises.stop:
                stop = min(now, time + _STRETCH_STEPS * grid_s)
                premises = self._premises = _Premises(time, stop, self._source.load(time, stop))
            stop = min(premises.stop, reach)
            load = part_of_load(premises.load, grid_columns(premises.start, time, stop, grid_s))
            seen = self._seen = self._measure(time, stop, load)
        return seen.part(time, min(now, seen.stop, reach))

    def _settle_piece(self, now: int) -> View:
        """Settle up to the first instant at which something acts, or as far as one look goes, `now` at most.

        Returns what the meter has seen in that time.
        """
        state = self._state
        view = self._ahead(now)
        watchers = state.watchers
        deadlines = [at for watcher in watchers if (at := watcher.deadline(state)) is not None]
        stop = min(view.stop, max(min(deadlines, default=view.stop), state.time + 1))
        billing = self._next_billing if state.supply.powered else None
        if billing is not None:
            stop = min(stop, billing)
        view = view.part(state.time, stop)
        cuts = [at for watcher in watchers if (at := watcher.first(view, state)) is not None]
        if cuts:
            stop = min(cuts)
            view = view.part(state.time, stop)
            self._reach = _REACH_AFTER_CUT_STEPS
        else:
            self._reach = min(2 * self._reach, _STRETCH_STEPS)
        if state.supply.powered:
            count(state, view)
        state.time = stop
        for watcher in watchers:
            watcher.carry(view)
        if cuts or min(deadlines, default=stop + 1) <= stop:
            for watcher in watchers:
                if watcher in state.watchers:  # not once the supply has gone
                    watcher.act(state)
            self._seen = None
            self._refresh()
        elif stop % view.grid_s:
            self._refresh()
            self._segment = self._line(self._extended(view))
        else:
            self._refresh()
        if stop == billing:
            state.stop_billing()
            self._refresh()
        return view

    def _settle_within(self, segment: Segment, stop: int) -> None:
        """Move along the straight line: no boundary until after `stop`, and nothing acts."""
        state = self._state
        elapsed = stop - state.time
        if state.supply.powered:
            for channel, rate in enumerate(segment.rates):
                state.energies[channel] += rate * elapsed
            for flow, rate in enumerate(segment.flow_rates):
                state.tariff_energies[flow][state.tariff - 1] += rate * elapsed
            state.tariff_seconds[state.tariff - 1] += elapsed
            state.demand.add_integrals([rate * elapsed for rate in segment.integrands])
            state.analysis.count_line([*segment.rates, *segment.integrands, 1], elapsed)
            state.operating_s += elapsed
        part = segment.view.part(state.time, stop)
        state.time = stop
        for watcher in state.watchers:
            watcher.carry(part)

    def _line(self, view: View) -> Segment:
        """The straight line from the settled time on, as far as this view of one column goes and nothing acts."""
        state = self._state
        watchers = state.watchers
        acting = [
            at for watcher in watchers for at in (watcher.deadline(state), watcher.first(view, state)) if at is not None
        ]
        if self._next_switch is not None:
            acting.append(self._next_switch)
        end = max(min([view.stop, *acting]), view.start + 1)
        if not state.supply.powered:
            zeros = [0] * len(Energy)
            return Segment(end, view, zeros, zeros[: len(Flow)], [0] * len(Mean), NOTHING_SEEN)
        load = view.load
        (l1, l2, l3), (q1, q2, q3) = load.active_mw[:, 0].tolist(), load.reactive_mvar[:, 0].tolist()
        (u1, u2, u3), (i1, i2, i3) = load.voltage_mv[:, 0].tolist(), view.currents_ma[:, 0].tolist()
        of_flows = view.flows[:, 0].tolist()
        seen = Instantaneous((l1, l2, l3), (q1, q2, q3), (u1, u2, u3), (i1, i2, i3), *of_flows)
        return Segment(end, view, view.rates[:, 0].tolist(), of_flows, view.mean_rates[:, 0].tolist(), seen)

    def _extended(self, view: View) -> View:
        """The rest of the grid step that the view ends in."""
        load = part_of_load(view.load, slice(-1, None))
        return View(view.stop, self._step_end(), view.source, view.fitted, load, view.rates[:, -1:], view.flows[:, -1:])

    def _refresh(self) -> None:
        """Work out anew what follows from the state: the next boundaries; and forget the straight line."""
        state = self._state
        self._segment = None
        shift_s = state.shift_s
        done = max(state.time, state.logged_until - shift_s)
        target = next_target_day(done + shift_s, state.target_days)
        self._next_billing = None if target is None else target - shift_s
        event = min(
            next_boundary(done, state.demand.period_s, shift_s),
            next_boundary(done, state.load_profile.period_s, shift_s),
            next_boundary(done, state.analysis.period_s, shift_s),
        )
        offset_s = state.clock_offset_s
        state.choose_tariff()
        switch = state.tariff_control.next_switch(state.time + offset_s, state.zone)
        self._next_switch = None if switch is None else switch - offset_s
        if self.configuration.hourly_store and state.supply.powered:
            event = min(event, next_boundary(state.time, QUARTER_S, state.operating_s - state.time))
        self._next_event = min(at for at in (event, self._next_billing, self._next_switch) if at is not None)
        deadlines = [at for watcher in state.watchers if (at := watcher.deadline(state)) is not None]
        self._quiet_until = max(min([self._next_event, *deadlines]), state.time + 1)

    # --- snapshots ------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """The whole state; equal states give equal bytes."""
        plain, columns = self._state.to_plain()
        return pack({"of": self._fingerprints(), "state": plain}, columns)

    @classmethod
    def restore(cls, configuration: MeterConfiguration, installation: Installation, snapshot: bytes) -> Self:
        """The meter a snapshot was taken of.

        Raises `ValueError` where the bytes are no snapshot, or one of another configuration or installation.
        """
        head, columns = unpack(snapshot)
        meter = cls(configuration, installation)
        for name, own in meter._fingerprints().items():
            if head["of"][name] != own:
                raise ValueError(f"meter snapshot is of another {name}: {head['of'][name]}, this one is {own}")
        meter._state = MeterState.from_plain(configuration, head["state"], columns)
        meter._refresh()
        return meter

    def _fingerprints(self) -> dict[str, str]:
        return {
            "configuration": fingerprint(self.configuration.to_dict()),
            "installation": fingerprint(self.installation.identity()),
        }
