"""The meter: a deterministic function of its configuration, its inputs and time.

How to read this file. A meter's state is *settled* up to `time`. `advance` moves it on, from one billing
stop to the next and at most `_CHUNK_S` at once; within such a stretch nothing changes but power, so
`_settle` works on whole arrays: energy by grid step, its running sum, and that sum at every boundary.
All sums are integers, therefore it does not matter where a stretch is cut: going from a to c
leaves exactly the state that going from a to b to c leaves, to the last bit of the snapshot.

* A boundary at time t is part of advancing *to* t: rows are captured and periods end before an input at t.
* Readings take `now`. Between two changes of power a register is a straight line, so energies are
  extrapolated and the state does not move; everything else is settled first if a boundary has passed.
* `now` never goes back: a `now` before `time` is a `ValueError`.

Clock settings (see `_set_clock`). Less than 7 s is correction: nothing is marked, no slot is lost or repeated.
From 7 s on it is a jump: slots jumped over are missing, slots run through again have their stamps again, and
the next load profile row and the RTC logger say so. Either way a target day jumped over is billed
at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from . import inputs
from .billing import BillingEntry, BillingLogger
from .clock import LocalTime, Zone
from .configuration import MeterConfiguration
from .demand import Demand
from .event_log import NEUTRAL_FAULT_DEPTH, RTC_CHANGED, EventLog, EventLogger, LoadProfileEvent
from .installation import ConstantInstallation, Installation, Load
from .load_profile import UNMARKED_ADJUSTMENT_S, DataQuality, LoadProfile, LoggerStatus, clock_adjustment_quality
from .measurement import Timeline, currents_ma, energy_rates, flow_rates
from .quantities import FLOW_ENERGIES, TARIFFS, Energy, Flow, Instantaneous, IntArray
from .schedule import boundaries, next_boundary, next_target_day, same_day
from .snapshot import fingerprint, pack, unpack

_CHUNK_S: Final = 8 * 86_400
"""Longest stretch settled at once: on a one-minute grid its arrays still fit a second-level cache."""

_I = TypeVar("_I", bound=inputs.Input)


class _Segment(NamedTuple):
    """A stretch of constant power from the settled time on: `end` is the last instant the straight line holds for."""

    end: int
    rates: list[int]
    flow_rates: list[int]
    integrands: list[int]
    seen: Instantaneous


class Meter:
    """One 382 on one installation.

    `Meter(configuration, installation)` is the meter at the moment it was commissioned, everything zero.
    """

    def __init__(self, configuration: MeterConfiguration, installation: Installation) -> None:
        self.configuration = configuration
        self.installation = installation
        self.time = configuration.commissioned_at
        """True time up to which the state is settled."""
        self._clock_offset_s = 0
        self._dst = configuration.dst
        self._logged_until = self.time + configuration.gmt_offset_s
        self._energies = [0] * len(Energy)
        self._tariff_energies = [[0] * TARIFFS for _ in Flow]
        self._tariff = 1
        self._trip_base = [0, 0]
        self._operating_s = 0
        self._pulse_input = 0
        self._set_load: inputs.SetLoad | None = None
        self._demand = Demand(configuration.integration_period_s, self.time, configuration.power_threshold_w)
        period_s = configuration.load_profile_period_s
        self._load_profile = LoadProfile(
            period_s, configuration.load_profile_entries(period_s), configuration.energy_type.flows
        )
        self._billing = BillingLogger(configuration.billing_depth)
        self._events = {log: EventLogger(configuration.event_logger_depth) for log in EventLog}
        self._events[EventLog.NEUTRAL_FAULT] = EventLogger(NEUTRAL_FAULT_DEPTH)
        self._segment: _Segment | None = None
        self._refresh()

    # --- time -----------------------------------------------------------------------------------

    def advance(self, now: int) -> None:
        """Settle the state up to true time `now`; raises `ValueError` where that is in the past."""
        if now < self.time:
            raise ValueError(f"time does not go back: the meter is settled up to {self.time}, asked for {now}")
        while self.time < now:
            stop = min(now, self.time + _CHUNK_S)
            billing = self._next_billing
            if billing is not None:
                stop = min(stop, billing)
            if self._segment is not None and stop <= self._segment.end and stop < self._next_event:
                self._settle_within(self._segment, stop)
            else:
                self._settle(stop)
            if stop == billing:
                self._stop_billing()

    def apply(self, input_: inputs.Input, at: int) -> None:
        """Advance to true time `at`, then let the input happen.

        Raises `ValueError` where this meter cannot do it (a tariff it has not, a period it has no depth for);
        the meter is then at `at` and otherwise unchanged.
        """
        self.advance(at)
        _HANDLERS[type(input_)](self, input_)
        self._refresh()

    @property
    def shift_s(self) -> int:
        """Seconds from true time to normal time."""
        return self._clock_offset_s + self.configuration.gmt_offset_s

    def clock(self, now: int) -> int:
        """The meter's own clock at true time `now`, in UTC seconds."""
        return now + self._clock_offset_s

    @property
    def zone(self) -> Zone:
        """The local time this meter shows: for the clock, and for stamps less the GMT offset."""
        return Zone(self.configuration.gmt_offset_s, self._dst)

    def local_time(self, now: int) -> LocalTime:
        """What the display shows."""
        return self.zone.local(self.clock(now))

    def local_stamp(self, stamp: int) -> LocalTime:
        """A stamp in normal time, as loggers and peaks hold them, rendered in local time."""
        return self.zone.local(stamp - self.configuration.gmt_offset_s)

    # --- readings -------------------------------------------------------------------------------

    def energy(self, channel: Energy, now: int) -> int:
        """A register in mWs (mvars for reactive channels)."""
        segment = self._segment
        if segment is None or not self.time <= now <= segment.end:
            segment = self._enter(now)
        return self._energies[channel] + segment.rates[channel] * (now - self.time)

    def flow_energy(self, flow: Flow, now: int) -> int:
        """The total register of a flow in mWs or mvars: A14, A23, R12, R34."""
        return sum(self.energy(channel, now) for channel in FLOW_ENERGIES[flow])

    def tariff_energy(self, flow: Flow, tariff: int, now: int) -> int:
        """A tariff register of a flow in mWs or mvars; `tariff` is 1 to 8."""
        if not 1 <= tariff <= TARIFFS:
            raise ValueError(f"tariff is {tariff}; allowed: 1..{TARIFFS}")
        segment = self._segment
        if segment is None or not self.time <= now <= segment.end:
            segment = self._enter(now)
        held = self._tariff_energies[flow][tariff - 1]
        return held + segment.flow_rates[flow] * (now - self.time) if tariff == self._tariff else held

    def trip_counter(self, flow: Flow, now: int) -> int:
        """Energy in mWs since the last reset, of A14 or A23."""
        return self.flow_energy(flow, now) - self._trip_base[flow]

    def instantaneous(self, now: int) -> Instantaneous:
        """Powers, voltages and currents at this instant."""
        segment = self._segment
        if segment is None or not self.time <= now < segment.end:
            segment = self._enter(now)
        return segment.seen

    def running_demand(self, now: int) -> list[int]:
        """Average powers of the period that runs, so far, by `Flow`; mW or mvar over its nominal length."""
        self._catch_up(now)
        return self._demand.running([self.flow_energy(flow, now) for flow in Flow])

    def demand(self, now: int) -> Demand:
        """Averages, peaks, day extremes and the threshold counter, up to `now`. For reading only."""
        self._catch_up(now)
        return self._demand

    def load_profile(self, now: int) -> LoadProfile:
        """The load profile, up to `now`. For reading only."""
        self._catch_up(now)
        return self._load_profile

    def billing_logger(self, now: int) -> BillingLogger:
        """Debiting logger 1 and the number of billing periods, up to `now`. For reading only."""
        self._catch_up(now)
        return self._billing

    def event_logger(self, log: EventLog, now: int) -> EventLogger:
        """One of the event loggers, up to `now`. For reading only."""
        self._catch_up(now)
        return self._events[log]

    def operating_s(self, now: int) -> int:
        """Seconds in operation: the hour counter, finer."""
        self._catch_up(now)
        return self._operating_s + now - self.time

    @property
    def tariff(self) -> int:
        """The tariff counted in, 1 to 8."""
        return self._tariff

    @property
    def pulse_input(self) -> int:
        """Counter of the pulse input."""
        return self._pulse_input

    def next_boundary(self, now: int) -> int:
        """The first true time after `now` at which a period ends, a row is captured or a bill is stopped."""
        self._catch_up(now)
        return self._next_event

    # --- settling -------------------------------------------------------------------------------

    @property
    def _source(self) -> Installation:
        """Where power comes from at present: the installation, or what `SetLoad` said."""
        held = self._set_load
        if held is None:
            return self.installation
        return ConstantInstallation(held.active_mw, held.reactive_mvar, held.voltage_mv)

    def _catch_up(self, now: int) -> None:
        if not self.time <= now < self._next_event:
            self.advance(now)

    def _enter(self, now: int) -> _Segment:
        self.advance(now)
        self._segment = self._segment_from(now)
        return self._segment

    def _segment_from(self, now: int) -> _Segment:
        source = self._source
        load = source.load(now, now + 1)
        rates = energy_rates(load, self.configuration.summation)
        flows = flow_rates(rates)[:, 0].tolist()
        voltage, current = load.voltage_mv[:, 0].tolist(), currents_ma(load)[:, 0].tolist()
        active, reactive = load.active_mw[:, 0].tolist(), load.reactive_mvar[:, 0].tolist()
        seen = Instantaneous(tuple(active), tuple(reactive), tuple(voltage), tuple(current), *flows)
        end = now - now % source.grid_s + source.grid_s
        return _Segment(end, rates[:, 0].tolist(), flows, voltage + current, seen)

    def _settle_within(self, segment: _Segment, stop: int) -> None:
        """Move along the straight line: no boundary until after `stop`."""
        elapsed = stop - self.time
        for channel, rate in enumerate(segment.rates):
            self._energies[channel] += rate * elapsed
        for flow, rate in enumerate(segment.flow_rates):
            self._tariff_energies[flow][self._tariff - 1] += rate * elapsed
        self._demand.add_integrals([rate * elapsed for rate in segment.integrands])
        self._operating_s += elapsed
        self.time = stop

    def _settle(self, stop: int) -> None:
        """Settle up to `stop`, at most a billing stop away, on whole arrays."""
        start, source, shift_s = self.time, self._source, self.shift_s
        load = source.load(start, stop)
        line = Timeline(start, stop, source.grid_s)
        rates = energy_rates(load, self.configuration.summation)
        flows = flow_rates(rates)
        cumulative = line.cumulative(flows)
        base = np.array(self._flow_readings(), dtype=np.int64)[:, None]

        since = max(start, self._logged_until - shift_s)
        ends = boundaries(since, stop, self._demand.period_s, shift_s)
        self._settle_means(load, source.grid_s, stop, ends)
        if ends.size:
            self._demand.end_periods(ends, shift_s, base + line.integrals(cumulative, flows, ends), self._tariff)
        captures = boundaries(since, stop, self._load_profile.period_s, shift_s)
        if captures.size:
            columns = list(self._load_profile.flows)
            readings = line.integrals(cumulative[columns], flows[columns], captures)
            self._load_profile.capture(captures + shift_s, base[columns] + readings)

        for channel, total in enumerate(line.totals(rates).tolist()):
            self._energies[channel] += total
        for flow, total in enumerate(cumulative[:, -1].tolist()):
            self._tariff_energies[flow][self._tariff - 1] += total
        self._operating_s += stop - start
        self.time = stop
        self._refresh()

    def _settle_means(self, load: Load, grid_s: int, stop: int, ends: IntArray) -> None:
        """Means of voltage and current: only the last finished period and the running one are ever read."""
        demand = self._demand
        last_two = [demand.period_start, *ends[-2:].tolist()]
        begin = self.time
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

    def _flow_readings(self) -> list[int]:
        return [sum(self._energies[channel] for channel in channels) for channels in FLOW_ENERGIES]

    def _refresh(self) -> None:
        """Work out anew what follows from the state: the next boundaries; the straight line is drawn when asked for."""
        self._segment = None
        shift_s = self.shift_s
        since = max(self.time, self._logged_until - shift_s)
        target = next_target_day(since + shift_s, self.configuration)
        self._next_billing = None if target is None else target - shift_s
        event = min(
            next_boundary(since, self._demand.period_s, shift_s),
            next_boundary(since, self._load_profile.period_s, shift_s),
        )
        self._next_event = event if self._next_billing is None else min(event, self._next_billing)

    # --- inputs ---------------------------------------------------------------------------------

    def _on_set_load(self, input_: inputs.SetLoad) -> None:
        self._set_load = input_

    def _on_release_load(self, _: inputs.ReleaseLoad) -> None:
        self._set_load = None

    def _on_set_daylight_saving(self, input_: inputs.SetDaylightSaving) -> None:
        self._dst = input_.enabled

    def _on_set_tariff(self, input_: inputs.SetTariff) -> None:
        if input_.tariff > self.configuration.tariffs:
            raise ValueError(f"tariff is {input_.tariff}; allowed: 1..{self.configuration.tariffs}")
        self._tariff = input_.tariff

    def _on_stop_billing(self, _: inputs.StopBilling) -> None:
        self._stop_billing()

    def _on_reset_trip_counter(self, _: inputs.ResetTripCounter) -> None:
        self._trip_base = self._flow_readings()[:2]

    def _on_set_power_threshold(self, input_: inputs.SetPowerThreshold) -> None:
        self._demand.threshold_w = input_.power_w

    def _on_set_pulse_input(self, input_: inputs.SetPulseInput) -> None:
        self._pulse_input = input_.count

    def _on_set_load_profile_period(self, input_: inputs.SetLoadProfilePeriod) -> None:
        period_s = input_.period_s
        depths = self.configuration.load_profile_depth_days
        if period_s not in depths:
            raise ValueError(f"period_s is {period_s}; allowed: {', '.join(map(str, depths))}")
        if period_s == self._load_profile.period_s:
            return
        self._load_profile.delete(period_s, self.configuration.load_profile_entries(period_s))
        self._load_profile.mark(LoggerStatus.INTERVAL_CHANGED, DataQuality(0))
        self._events[EventLog.LOAD_PROFILE].log(self.time + self.shift_s, LoadProfileEvent.INTERVAL_CHANGED)

    def _on_clear_load_profile(self, _: inputs.ClearLoadProfile) -> None:
        self._load_profile.delete(self._load_profile.period_s, self._load_profile.entries)
        self._events[EventLog.LOAD_PROFILE].log(self.time + self.shift_s, LoadProfileEvent.DELETED_MANUALLY)

    def _on_set_clock(self, input_: inputs.SetClock) -> None:
        """Move the clock; the module's docstring says what that does to what hangs on it."""
        moved = input_.clock - self.clock(self.time)
        before, profile = self.time + self.shift_s, self._load_profile
        after = before + moved
        jump = abs(moved) >= UNMARKED_ADJUSTMENT_S
        target = next_target_day(max(before, self._logged_until), self.configuration)
        if jump:
            self._events[EventLog.RTC].log(after, RTC_CHANGED, before, after)
            same_slot = before // profile.period_s == after // profile.period_s
            status = LoggerStatus(0) if same_slot else LoggerStatus.TIME_DISCONTINUITY
            profile.mark(status, clock_adjustment_quality(moved))
        elif moved > 0:
            slot = after - after % profile.period_s
            if slot > max(before, self._logged_until):
                readings = np.array(self._flow_readings(), dtype=np.int64)[list(profile.flows), None]
                profile.capture(np.array([slot], dtype=np.int64), readings)
        if jump:
            self._move_demand(max(before, self._logged_until), after)
        elif moved > 0:
            self._move_demand(max(before, self._logged_until), max(after, self._logged_until))
        self._clock_offset_s += moved
        self._logged_until = after if jump else max(before, after, self._logged_until)
        if target is not None and target <= after:
            self._stop_billing()

    def _move_demand(self, before: int, after: int) -> None:
        """A clock that leaves the running period ends it, stamped `before`; one that leaves the day ends the day."""
        demand = self._demand
        if before // demand.period_s != after // demand.period_s and self.time > demand.period_start:
            demand.finish_means(demand.period_start, self.time)
            readings = np.array(self._flow_readings(), dtype=np.int64)[:, None]
            demand.end_periods(np.array([self.time], dtype=np.int64), before - self.time, readings, self._tariff)
        if not same_day(before, after):
            demand.roll_day()

    def _stop_billing(self) -> None:
        demand, billing = self._demand, self._billing
        peaks = demand.maxima
        demand.stop_billing()
        billing.periods += 1
        billing.append(
            BillingEntry(
                stamp=self.time + self.shift_s,
                energies=self._flow_readings(),
                tariff_energies=[list(row) for row in self._tariff_energies],
                maxima=peaks,
                accumulated=list(demand.accumulated),
                operating_s=self._operating_s,
                periods=billing.periods,
                threshold_count=demand.threshold_count,
                pulse_input=self._pulse_input,
            )
        )

    # --- snapshots ------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """The whole state; equal states give equal bytes."""
        profile, columns = self._load_profile.state()
        state = {name: getattr(self, name) for name in _PLAIN_STATE}
        state |= {
            "configuration": fingerprint(self.configuration.to_dict()),
            "installation": fingerprint(self.installation.identity()),
            "set_load": None if self._set_load is None else self._set_load.to_dict(),
            "demand": self._demand.state(),
            "load_profile": profile,
            "billing": self._billing.state(),
            "events": {log.name: logger.state() for log, logger in self._events.items()},
        }
        return pack(state, columns)

    @classmethod
    def restore(cls, configuration: MeterConfiguration, installation: Installation, snapshot: bytes) -> Meter:
        """The meter a snapshot was taken of.

        Raises `ValueError` where the bytes are no snapshot, or one of another configuration or installation.
        """
        state, columns = unpack(snapshot)
        for name, identity in (("configuration", configuration.to_dict()), ("installation", installation.identity())):
            if state.get(name) != fingerprint(identity):
                raise ValueError(f"meter snapshot was taken with another {name}: this one is {identity}")
        meter = cls(configuration, installation)
        for name in _PLAIN_STATE:
            setattr(meter, name, state[name])
        held = state["set_load"]
        restored = None if held is None else inputs.input_from_dict(held)
        assert restored is None or isinstance(restored, inputs.SetLoad)
        meter._set_load = restored
        meter._demand = Demand.restore(state["demand"])
        meter._load_profile = LoadProfile.restore(configuration.energy_type.flows, state["load_profile"], columns)
        meter._billing.restore(state["billing"])
        for log, logger in meter._events.items():
            logger.restore(state["events"][log.name])
        meter._refresh()
        return meter


_PLAIN_STATE: Final = (
    "time",
    "_clock_offset_s",
    "_dst",
    "_logged_until",
    "_energies",
    "_tariff_energies",
    "_tariff",
    "_trip_base",
    "_operating_s",
    "_pulse_input",
)
"""State that is JSON as it stands."""

_HANDLERS: Final[Mapping[type[inputs.Input], Callable[[Meter, Any], None]]] = {
    inputs.SetLoad: Meter._on_set_load,
    inputs.ReleaseLoad: Meter._on_release_load,
    inputs.SetClock: Meter._on_set_clock,
    inputs.SetDaylightSaving: Meter._on_set_daylight_saving,
    inputs.SetTariff: Meter._on_set_tariff,
    inputs.StopBilling: Meter._on_stop_billing,
    inputs.ResetTripCounter: Meter._on_reset_trip_counter,
    inputs.SetPowerThreshold: Meter._on_set_power_threshold,
    inputs.SetPulseInput: Meter._on_set_pulse_input,
    inputs.SetLoadProfilePeriod: Meter._on_set_load_profile_period,
    inputs.ClearLoadProfile: Meter._on_clear_load_profile,
}
