"""Voltage quality: what the meter makes of voltages that are not what they should be.

Per phase and direction a voltage leaves its band (207 to 253 V) and comes back; below 50 V the phase is out instead.
Ten seconds outside is an event with a beginning and an end, a shorter visit outside is a single peak, and the mean of
ten minutes has a row when it leaves the band (OMNIPOWER technical description 4.9). Rows of the load profile written
while an event lasts, and the next one after it, are marked. Beyond that: the voltages of the phases drifting apart, a
neutral conductor that is lost (two phases above 253 V, one below 190 V, for 60 s), and steps of 5 % counted.

The ten minutes are of true time: they do not follow a clock that is set. A ten minutes in which the meter was
off is not looked at.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .event_log import EventLog
from .load_profile import GOOD_QUALITY, NO_STATUS, DataQuality
from .quantities import IntArray
from .schedule import boundaries
from .status import EventB
from .view import Condition, View

if TYPE_CHECKING:
    from .state import MeterState

PHASES: Final = 3
UNDER_MV: Final = 207_000
OVER_MV: Final = 253_000
OUTAGE_MV: Final = 50_000
EVENT_S: Final = 10
"""Outside the band for so long is an event."""
MEAN_S: Final = 600
NEUTRAL_LOW_MV: Final = 190_000
NEUTRAL_S: Final = 60
ASYMMETRY_PERCENT: Final = 2
ASYMMETRY_S: Final = 600
RAPID_CHANGE_MV: Final = 11_500
"""5 % of 230 V."""


class VoltageEvent(IntEnum):
    """Object 1.1.132.0.2 in a row of the voltage quality logger (382M DLMS description 3.4)."""

    UNDER_MEAN = 0
    OVER_MEAN = 1
    SINGLE_MINIMUM = 2
    SINGLE_MAXIMUM = 3
    OUTAGE = 4
    RE_ESTABLISHED = 5
    MINIMUM_START = 6
    MINIMUM_STOP = 7
    MAXIMUM_START = 8
    MAXIMUM_STOP = 9


class Tracker:
    """A condition that becomes active after `on_s` seconds and inactive after `off_s` without it."""

    def __init__(self, on_s: int, off_s: int) -> None:
        self.on_s = on_s
        self.off_s = off_s
        self.active = False
        self.since: int | None = None
        """Since when the condition has been other than `active` says."""

    def _changing(self, condition: Condition | None, view: View) -> Condition | None:
        if condition is None:
            return np.ones(view.line.steps, dtype=np.bool_) if self.active else None
        return ~condition if self.active else condition

    def first(self, condition: Condition | None, view: View) -> int | None:
        """When `active` changes; a condition of None is nowhere fulfilled."""
        changing = self._changing(condition, view)
        return None if changing is None else view.held(changing, self.since, self.off_s if self.active else self.on_s)

    def carry(self, condition: Condition | None, view: View) -> None:
        """Take this stretch in."""
        changing = self._changing(condition, view)
        self.since = None if changing is None else view.holding_since(changing, self.since)

    def turned(self, now: int) -> bool:
        """Whether `active` changes at this instant; it has, then."""
        if self.since is None or now - self.since < (self.off_s if self.active else self.on_s):
            return False
        self.active, self.since = not self.active, None
        return True

    def state(self) -> list[Any]:
        """Active or not, and since when not."""
        return [self.active, self.since]

    def restore(self, values: list[Any]) -> None:
        """Take over what `state` gave."""
        self.active, self.since = values


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


def neutral_lost(view: View) -> Condition | None:
    """Where voltages look like those of a lost neutral; None is nowhere."""
    if len(view.phases) < PHASES or view.highest_mv <= OVER_MV or view.lowest_mv >= NEUTRAL_LOW_MV:
        return None
    rows = view.voltage_mv
    lost: Condition = ((rows > OVER_MV).sum(axis=0) == 2) & (rows < NEUTRAL_LOW_MV).any(axis=0)
    return lost


class VoltageQuality:
    """Watches the voltages for what the loggers want to know."""

    def __init__(self, now: int) -> None:
        self.excursions = [[Excursion(over=False), Excursion(over=True)] for _ in range(PHASES)]
        self.outages = [Tracker(1, 1) for _ in range(PHASES)]
        self.means = Means(now)
        self.neutral = Tracker(NEUTRAL_S, NEUTRAL_S)
        self.asymmetry = Tracker(ASYMMETRY_S, ASYMMETRY_S)
        self.rapid_changes = [0] * PHASES
        """Steps of 5 % or more since commissioning, by phase."""
        self.last_mv = [0] * PHASES
        """Voltage of each phase just before the settled time, mV."""

    # --- conditions -----------------------------------------------------------------------------

    def _tracked(self, view: View) -> list[tuple[Tracker, Condition | None]]:
        """The trackers that are not those of an excursion, with where each is fulfilled."""
        rows, whole = view.voltage_mv, len(view.phases) == PHASES
        missing = view.lowest_mv < OUTAGE_MV
        tracked: list[tuple[Tracker, Condition | None]] = [
            (self.outages[phase], row < OUTAGE_MV if missing else None)
            for phase, row in zip(view.phases, rows, strict=True)
        ]
        asymmetry = None
        neutral = neutral_lost(view)
        if whole and 100 * (view.highest_mv - view.lowest_mv) > ASYMMETRY_PERCENT * view.lowest_mv:
            total = rows.sum(axis=0)
            asymmetry = 100 * np.abs(3 * rows - total).max(axis=0) > ASYMMETRY_PERCENT * total
        return [*tracked, (self.neutral, neutral), (self.asymmetry, asymmetry)]

    def deadline(self, _: MeterState) -> int | None:
        """When a visit outside the band becomes an event."""
        return min(
            (at for pair in self.excursions for excursion in pair if (at := excursion.deadline()) is not None),
            default=None,
        )

    def _quiet(self, view: View) -> bool:
        """Whether nothing is the matter and nothing was."""
        return (
            view.lowest_mv >= UNDER_MV
            and view.highest_mv <= OVER_MV
            and not any(excursion.tracker.active for pair in self.excursions for excursion in pair)
            and not any(tracker.active for tracker in self.outages)
        )

    def first(self, view: View, _: MeterState) -> int | None:
        """When one of them turns."""
        found = [tracker.first(condition, view) for tracker, condition in self._tracked(view)]
        if not self._quiet(view):
            found += [
                excursion.first(row, view)
                for phase, row in zip(view.phases, view.voltage_mv, strict=True)
                for excursion in self.excursions[phase]
            ]
        found.append(self.means.first(view))
        return min((at for at in found if at is not None), default=None)

    def carry(self, view: View) -> None:
        """Take this stretch in."""
        for tracker, condition in self._tracked(view):
            tracker.carry(condition, view)
        for phase, row in zip(view.phases, view.voltage_mv, strict=True):
            for excursion in self.excursions[phase]:
                excursion.carry(row, view)
        self.means.carry(view)
        self._count_rapid_changes(view)

    def _count_rapid_changes(self, view: View) -> None:
        rows = view.voltage_mv
        last = [self.last_mv[phase] or int(row[0]) for phase, row in zip(view.phases, rows, strict=True)]
        if max(view.highest_mv, *last) - min(view.lowest_mv, *last) >= RAPID_CHANGE_MV:
            steps = np.abs(np.diff(rows, axis=1, prepend=np.array(last, dtype=np.int64)[:, None]))
            for phase, count in zip(view.phases, (steps >= RAPID_CHANGE_MV).sum(axis=1).tolist(), strict=True):
                self.rapid_changes[phase] += count
        for phase, level in zip(view.phases, rows[:, -1].tolist(), strict=True):
            self.last_mv[phase] = level

    # --- events ---------------------------------------------------------------------------------

    def act(self, state: MeterState) -> None:
        """Log what turns."""
        now = state.time
        for phase in range(PHASES):
            for excursion in self.excursions[phase]:
                self._act_on_excursion(state, phase, excursion)
            if self.outages[phase].turned(now):
                out = self.outages[phase].active
                code = VoltageEvent.OUTAGE if out else VoltageEvent.RE_ESTABLISHED
                self._log(state, phase, code, (self.last_mv[phase] // 1000,) * 3)
                if out:
                    state.status.note(b=EventB(EventB.MISSING_L1 << phase))
        for phase, side, *volts in self.means.finished:
            if side != self.means.outside[phase]:
                self.means.outside[phase] = side
                if side:
                    code = VoltageEvent.OVER_MEAN if side > 0 else VoltageEvent.UNDER_MEAN
                    mean, high, low = (volt // 1000 for volt in volts)
                    self._log(state, phase, code, (mean, high, low))
        if self.neutral.turned(now):
            state.log(EventLog.NEUTRAL_FAULT, int(self.neutral.active))
            if self.neutral.active:
                state.status.note(b=EventB.NEUTRAL_FAULT)
            else:
                state.mark_rows(NO_STATUS, DataQuality.NEUTRAL_FAULT)
        if self.asymmetry.turned(now) and self.asymmetry.active:
            state.status.note(b=EventB.VOLTAGE_ASYMMETRY)

    def _act_on_excursion(self, state: MeterState, phase: int, excursion: Excursion) -> None:
        over = excursion.over
        due = excursion.deadline()
        if due is not None and due <= state.time and excursion.tracker.since is None:
            excursion.announced = True
            start = VoltageEvent.MAXIMUM_START if over else VoltageEvent.MINIMUM_START
            self._log(state, phase, start, excursion.volts())
            first = EventB.OVER_VOLTAGE_L1 if over else EventB.UNDER_VOLTAGE_L1
            state.status.note(b=EventB(first << 2 * phase))
        if not excursion.tracker.turned(state.time):
            return
        if excursion.tracker.active:
            excursion.begin(state.time)
            return
        stop, single = (
            (VoltageEvent.MAXIMUM_STOP, VoltageEvent.SINGLE_MAXIMUM)
            if over
            else (VoltageEvent.MINIMUM_STOP, VoltageEvent.SINGLE_MINIMUM)
        )
        if excursion.announced:
            state.mark_rows(NO_STATUS, DataQuality.OVER_VOLTAGE if over else DataQuality.UNDER_VOLTAGE)
        self._log(state, phase, stop if excursion.announced else single, excursion.volts())

    def _log(self, state: MeterState, phase: int, event: VoltageEvent, volts: tuple[int, int, int]) -> None:
        state.log(EventLog.VOLTAGE_QUALITY, phase + 1, event, *volts)

    def row_quality(self) -> DataQuality:
        """The marks of every load profile row written at present."""
        quality = DataQuality.NEUTRAL_FAULT if self.neutral.active else GOOD_QUALITY
        for pair in self.excursions:
            for excursion in pair:
                if excursion.tracker.active and excursion.announced:
                    quality |= DataQuality.OVER_VOLTAGE if excursion.over else DataQuality.UNDER_VOLTAGE
        return quality

    def restart(self, state: MeterState) -> None:
        """The meter runs again: what it saw before it stopped is over, except phases that were out."""
        state.mark_rows(NO_STATUS, self.row_quality())
        for tracker in self.outages:
            tracker.since = None
        kept = {"outages": self.outages, "rapid_changes": self.rapid_changes}
        vars(self).update(vars(VoltageQuality(state.time)) | kept)

    # --- snapshots ------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "excursions": [[excursion.state() for excursion in pair] for pair in self.excursions],
            "outages": [tracker.state() for tracker in self.outages],
            "means": vars(self.means),
            "neutral": self.neutral.state(),
            "asymmetry": self.asymmetry.state(),
            "rapid_changes": self.rapid_changes,
            "last_mv": self.last_mv,
        }

    def restore(self, values: dict[str, Any]) -> None:
        """Take over a state that `state` gave."""
        for pair, held in zip(self.excursions, values["excursions"], strict=True):
            for excursion, one in zip(pair, held, strict=True):
                excursion.restore(one)
        for tracker, one in zip(self.outages, values["outages"], strict=True):
            tracker.restore(one)
        vars(self.means).update(values["means"])
        self.neutral.restore(values["neutral"])
        self.asymmetry.restore(values["asymmetry"])
        self.rapid_changes, self.last_mv = values["rapid_changes"], values["last_mv"]
