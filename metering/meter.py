"""The meter: a deterministic function of its configuration, its inputs and time.

How to read this file. A meter's state is *settled* up to `time`. `advance` moves it on, from one billing
stop to the next and at most `_STRETCH_STEPS` at once; within such a stretch nothing changes but power, so
`_settle` works on whole arrays: energy by grid step, its running sum, and that sum at every boundary.
All sums are integers, therefore it does not matter where a stretch is cut: going from a to c
leaves exactly the state that going from a to b to c leaves, to the last bit of the snapshot.

* A boundary at time t is part of advancing *to* t: rows are captured and periods end before an input at t.
* Readings take `now`. Between two changes of power a register is a straight line, so energies are
  extrapolated and the state does not move; everything else is settled first if a boundary has passed.
* `now` never goes back: a `now` before `time` is a `ValueError`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from .billing import BillingLogger
from .clock import LocalTime, Zone
from .configuration import MeterConfiguration
from .demand import Demand
from .effects import take_effect
from .event_log import EventLog, EventLogger
from .inputs import Input
from .installation import ConstantInstallation, Installation, Load
from .load_profile import LoadProfile
from .measurement import Timeline, currents_ma, energy_rates, flow_rates
from .quantities import FLOW_ENERGIES, TARIFFS, Energy, Flow, Instantaneous, IntArray
from .schedule import boundaries, next_boundary, next_target_day
from .snapshot import fingerprint, pack, unpack
from .state import MeterState

_STRETCH_STEPS: Final = 16 * 1_440
"""Most grid steps settled at once: larger arrays leave the second-level cache, smaller ones are more calls."""


class _Segment(NamedTuple):
    """A straight line, from the settled time to `end`, the last instant it holds for."""

    end: int
    rates: list[int]
    """Power by `Energy`."""
    flow_rates: list[int]
    """Power by `Flow`."""
    integrands: list[int]
    """Voltage and current of each phase."""
    seen: Instantaneous


class Meter:
    """One 382 on one installation.

    `Meter(configuration, installation)` is the meter at the moment it was commissioned, everything zero;
    `Meter.restore` goes on from a snapshot.
    """

    def __init__(self, configuration: MeterConfiguration, installation: Installation) -> None:
        self.configuration = configuration
        self.installation = installation
        self._state = MeterState(configuration)
        self._segment: _Segment | None = None
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
            stop = min(now, state.time + _STRETCH_STEPS * self._source.grid_s)
            billing = self._next_billing
            if billing is not None:
                stop = min(stop, billing)
            if self._segment is not None and stop <= self._segment.end and stop < self._next_event:
                self._settle_within(self._segment, stop)
            else:
                self._settle(stop)
            if stop == billing:
                state.stop_billing()

    def apply(self, input_: Input, at: int) -> None:
        """Advance to true time `at`, then let the input happen.

        Raises `ValueError` where this meter cannot do it (a tariff it has not, a period it has no depth for);
        the meter is then at `at` and otherwise unchanged.
        """
        self.advance(at)
        take_effect(self._state, input_)
        self._refresh()

    def next_boundary(self, now: int) -> int:
        """The first true time after `now` at which a period ends, a row is captured or billing stops."""
        self._catch_up(now)
        return self._next_event

    # --- the clock ------------------------------------------------------------------------------

    @property
    def shift_s(self) -> int:
        """Seconds from true time to normal time."""
        return self._state.shift_s

    def clock(self, now: int) -> int:
        """The meter's own clock at true time `now`, in UTC seconds."""
        return now + self._state.clock_offset_s

    @property
    def zone(self) -> Zone:
        """The local time this meter shows."""
        return Zone(self.configuration.gmt_offset_s, self._state.dst)

    def local_time(self, now: int) -> LocalTime:
        """What the display shows at true time `now`."""
        return self.zone.local(self.clock(now))

    def local_stamp(self, stamp: int) -> LocalTime:
        """A stamp in normal time, as loggers and peaks hold them, in local time."""
        return self.zone.local(stamp - self.configuration.gmt_offset_s)

    # --- readings -------------------------------------------------------------------------------

    def energy(self, channel: Energy, now: int) -> int:
        """A register in mWs (mvars for reactive channels)."""
        state, segment = self._state, self._segment
        if segment is None or not state.time <= now <= segment.end:
            segment = self._enter(now)
        return state.energies[channel] + segment.rates[channel] * (now - state.time)

    def flow_energy(self, flow: Flow, now: int) -> int:
        """The total register of a flow in mWs or mvars: A14, A23, R12, R34."""
        return sum(self.energy(channel, now) for channel in FLOW_ENERGIES[flow])

    def tariff_energy(self, flow: Flow, tariff: int, now: int) -> int:
        """A tariff register of a flow in mWs or mvars; `tariff` is 1 to 8."""
        if not 1 <= tariff <= TARIFFS:
            raise ValueError(f"tariff is {tariff}; allowed: 1..{TARIFFS}")
        state, segment = self._state, self._segment
        if segment is None or not state.time <= now <= segment.end:
            segment = self._enter(now)
        held = state.tariff_energies[flow][tariff - 1]
        return held + segment.flow_rates[flow] * (now - state.time) if tariff == state.tariff else held

    def trip_counter(self, flow: Flow, now: int) -> int:
        """Energy in mWs since the last reset, of A14 or A23."""
        return self.flow_energy(flow, now) - self._state.trip_base[flow]

    def instantaneous(self, now: int) -> Instantaneous:
        """Powers, voltages and currents at this instant."""
        segment = self._segment
        if segment is None or not self._state.time <= now < segment.end:
            segment = self._enter(now)
        return segment.seen

    def running_demand(self, now: int) -> list[int]:
        """Average powers of the period that runs, so far, by `Flow`; mW or mvar over its nominal length."""
        self._catch_up(now)
        return self._state.demand.running([self.flow_energy(flow, now) for flow in Flow])

    def operating_s(self, now: int) -> int:
        """Seconds in operation: the hour counter, finer."""
        self._catch_up(now)
        return self._state.operating_s + now - self._state.time

    def demand(self, now: int) -> Demand:
        """Averages, peaks, day extremes and the threshold counter, up to `now`. For reading only."""
        self._catch_up(now)
        return self._state.demand

    def load_profile(self, now: int) -> LoadProfile:
        """The load profile, up to `now`. For reading only."""
        self._catch_up(now)
        return self._state.load_profile

    def billing_logger(self, now: int) -> BillingLogger:
        """Debiting logger 1 and the number of billing periods, up to `now`. For reading only."""
        self._catch_up(now)
        return self._state.billing

    def event_logger(self, log: EventLog, now: int) -> EventLogger:
        """One of the event loggers, up to `now`. For reading only."""
        self._catch_up(now)
        return self._state.events[log]

    @property
    def tariff(self) -> int:
        """The tariff counted in, 1 to 8."""
        return self._state.tariff

    @property
    def pulse_input(self) -> int:
        """Counter of the pulse input."""
        return self._state.pulse_input

    # --- settling -------------------------------------------------------------------------------

    @property
    def _source(self) -> Installation:
        """Where power comes from at present: the installation, or what `SetLoad` said."""
        held = self._state.set_load
        if held is None:
            return self.installation
        return ConstantInstallation(held.active_mw, held.reactive_mvar, held.voltage_mv)

    def _catch_up(self, now: int) -> None:
        """Settle if a boundary has passed since the state was settled."""
        if not self._state.time <= now < self._next_event:
            self.advance(now)

    def _enter(self, now: int) -> _Segment:
        """Settle up to `now` and draw the straight line that holds from there."""
        self.advance(now)
        segment = self._segment
        if segment is None or now == segment.end:
            source = self._source
            load = source.load(now, now + 1)
            rates = energy_rates(load, self.configuration.summation)
            segment = self._segment = self._line(source.grid_s, load, rates, flow_rates(rates))
        return segment

    def _line(self, grid_s: int, load: Load, rates: IntArray, flows: IntArray) -> _Segment:
        """The straight line of the grid step that is running at the settled time, the last one of these arrays."""
        now = self._state.time
        last = Load(load.active_mw[:, -1:], load.reactive_mvar[:, -1:], load.voltage_mv[:, -1:])
        (l1, l2, l3), (q1, q2, q3) = last.active_mw[:, 0].tolist(), last.reactive_mvar[:, 0].tolist()
        (u1, u2, u3), (i1, i2, i3) = last.voltage_mv[:, 0].tolist(), currents_ma(last)[:, 0].tolist()
        of_flows = flows[:, -1].tolist()
        seen = Instantaneous((l1, l2, l3), (q1, q2, q3), (u1, u2, u3), (i1, i2, i3), *of_flows)
        return _Segment(now - now % grid_s + grid_s, rates[:, -1].tolist(), of_flows, [u1, u2, u3, i1, i2, i3], seen)

    def _settle_within(self, segment: _Segment, stop: int) -> None:
        """Move along the straight line: no boundary until after `stop`."""
        state = self._state
        elapsed = stop - state.time
        for channel, rate in enumerate(segment.rates):
            state.energies[channel] += rate * elapsed
        for flow, rate in enumerate(segment.flow_rates):
            state.tariff_energies[flow][state.tariff - 1] += rate * elapsed
        state.demand.add_integrals([rate * elapsed for rate in segment.integrands])
        state.operating_s += elapsed
        state.time = stop

    def _settle(self, stop: int) -> None:
        """Settle up to `stop`, at most a billing stop away, on whole arrays."""
        state, source = self._state, self._source
        start, shift_s = state.time, state.shift_s
        load = source.load(start, stop)
        line = Timeline(start, stop, source.grid_s)
        rates = energy_rates(load, self.configuration.summation)
        flows = flow_rates(rates)
        cumulative = line.cumulative(flows)
        base = state.flow_column()

        done = max(start, state.logged_until - shift_s)
        ends = boundaries(done, stop, state.demand.period_s, shift_s)
        self._settle_means(load, source.grid_s, stop, ends)
        if ends.size:
            state.demand.end_periods(ends, shift_s, base + line.integrals(cumulative, flows, ends), state.tariff)
        profile = state.load_profile
        captures = boundaries(done, stop, profile.period_s, shift_s)
        if captures.size:
            columns = list(profile.flows)
            readings = base[columns] + line.integrals(cumulative[columns], flows[columns], captures)
            profile.capture(captures + shift_s, readings)

        for channel, total in enumerate(line.totals(rates).tolist()):
            state.energies[channel] += total
        for flow, total in enumerate(cumulative[:, -1].tolist()):
            state.tariff_energies[flow][state.tariff - 1] += total
        state.operating_s += stop - start
        state.time = stop
        self._refresh()
        if stop % source.grid_s:
            self._segment = self._line(source.grid_s, load, rates, flows)

    def _settle_means(self, load: Load, grid_s: int, stop: int, ends: IntArray) -> None:
        """Means of voltage and current: only the last finished period and the running one are ever read."""
        demand = self._state.demand
        last_two = [demand.period_start, *ends[-2:].tolist()]
        begin = self._state.time
        if ends.size > 1:
            begin = last_two[-2]
            demand.discard_integrals()
        tail = Timeline(begin, stop, grid_s)
        part = Load(
            load.active_mw[:, -tail.steps :], load.reactive_mvar[:, -tail.steps :], load.voltage_mv[:, -tail.steps :]
        )
        integrands = np.concatenate((part.voltage_mv, currents_ma(part)))
        total = tail.totals(integrands)
        if ends.size:
            finished = tail.integrals(tail.cumulative(integrands), integrands, ends[-1:])[:, 0]
            demand.add_integrals(finished.tolist())
            demand.finish_means(last_two[-2], last_two[-1])
            total = total - finished
        demand.add_integrals(total.tolist())

    def _refresh(self) -> None:
        """Work out anew what follows from the state: the next boundaries; and forget the straight line."""
        state = self._state
        self._segment = None
        shift_s = state.shift_s
        done = max(state.time, state.logged_until - shift_s)
        target = next_target_day(done + shift_s, self.configuration)
        self._next_billing = None if target is None else target - shift_s
        event = min(
            next_boundary(done, state.demand.period_s, shift_s),
            next_boundary(done, state.load_profile.period_s, shift_s),
        )
        self._next_event = event if self._next_billing is None else min(event, self._next_billing)

    # --- snapshots ------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """The whole state; equal states give equal bytes."""
        plain, columns = self._state.to_plain()
        return pack({"of": self._fingerprints(), "state": plain}, columns)

    @classmethod
    def restore(cls, configuration: MeterConfiguration, installation: Installation, snapshot: bytes) -> Meter:
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
