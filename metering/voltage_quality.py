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
from .status import EventB
from .tracker import Tracker
from .view import Condition, View
from .voltage_bands import OUTAGE_MV, OVER_MV, PHASES, UNDER_MV, Excursion, Means

if TYPE_CHECKING:
    from .state import MeterState

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
        self._seen_mv: list[int | None] = [None] * PHASES
        """Voltage of each phase just before the settled time, mV; None where nothing has been seen yet."""

    @property
    def last_mv(self) -> list[int]:
        """Voltage of each phase just before the settled time, mV; 0 where nothing has been seen yet."""
        return [level or 0 for level in self._seen_mv]

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
        last = [
            int(row[0]) if (seen := self._seen_mv[phase]) is None else seen
            for phase, row in zip(view.phases, rows, strict=True)
        ]
        if max(view.highest_mv, *last) - min(view.lowest_mv, *last) >= RAPID_CHANGE_MV:
            steps = np.abs(np.diff(rows, axis=1, prepend=np.array(last, dtype=np.int64)[:, None]))
            for phase, count in zip(view.phases, (steps >= RAPID_CHANGE_MV).sum(axis=1).tolist(), strict=True):
                self.rapid_changes[phase] += count
        for phase, level in zip(view.phases, rows[:, -1].tolist(), strict=True):
            self._seen_mv[phase] = level

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
            "last_mv": self._seen_mv,
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
        self.rapid_changes, self._seen_mv = values["rapid_changes"], values["last_mv"]
