"""The supply: whether the meter is on, and what it makes of the time it was off.

Below 160 V in every phase for one second the processor stops; one second with a phase back and it runs again (382M
data sheet; OMNIPOWER technical description 4.6.2). While it is off nothing is counted, captured or billed and the hour
counter stands, only the clock runs on from its backup. When supply returns, rows of the load profile and of debiting
logger 2 for that time are filled in with the readings that have not changed, marked as power outage (WELMEC 11.2); the
analysis logger, whose values are averages, has a gap. The period that the outage ended and a target day that passed
are dealt with, once. An outage longer than the backup stops the clock: it goes on from where the outage began and is
invalid until it is set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .clock import DAY_S
from .clock_setting import move_demand
from .event_log import EventLog
from .load_profile import GOOD_QUALITY, NO_STATUS, DataQuality, LoggerStatus
from .schedule import next_boundary, next_target_day
from .status import EventB, MeterStatus
from .view import Condition, View
from .voltage_quality import VoltageEvent

if TYPE_CHECKING:
    from .state import MeterState

LOWEST_MV: Final = 160_000
"""The meter is off when every phase is below this."""
REACTION_S: Final = 1


class Supply:
    """Watches the voltages for the meter's own sake."""

    def __init__(self) -> None:
        self.voltage_mv: tuple[int | None, int | None, int | None] = (None, None, None)
        """What the network supplies; None is what the installation says."""
        self.powered = True
        self.off_at = 0
        """True time at which the meter last went off."""
        self.on_at = 0
        """True time at which it last came on; 0 is when it was commissioned."""
        self.off_normal_time = 0
        """Normal time then."""
        self._since: int | None = None

    def _changing(self, view: View) -> Condition | None:
        """Where the voltages ask for the other state; None is nowhere."""
        if self.powered and view.lowest_mv >= LOWEST_MV:
            return None
        off: Condition = np.all(view.voltage_mv < LOWEST_MV, axis=0)
        return off if self.powered else ~off

    def deadline(self, _: MeterState) -> int | None:
        """None: only voltages matter."""
        return None

    def first(self, view: View, _: MeterState) -> int | None:
        """When the meter goes off, or on."""
        changing = self._changing(view)
        return None if changing is None else view.held(changing, self._since, REACTION_S)

    def carry(self, view: View) -> None:
        """Take this stretch in."""
        changing = self._changing(view)
        self._since = None if changing is None else view.holding_since(changing, self._since)

    def act(self, state: MeterState) -> None:
        """Go off or on if it is time."""
        if self._since is None or state.time - self._since < REACTION_S:
            return
        self._since = None
        if self.powered:
            self.powered = False
            self.off_at, self.off_normal_time = state.time, state.normal_time
            state.status.note(b=EventB.POWER_FAIL)
            state.log(EventLog.VOLTAGE_QUALITY, 0, VoltageEvent.OUTAGE, 0, 0, 0)
        else:
            self.powered, self.on_at = True, state.time
            self._resume(state)
            state.log(EventLog.VOLTAGE_QUALITY, 0, VoltageEvent.RE_ESTABLISHED, 0, 0, 0)
            state.status.change(MeterStatus.RESET, on=True)
            state.log(EventLog.STATUS, int(state.status.meter))
            for machine in state.machines.values():
                machine.restart(state)
            state.enclosure.sense(state)

    def _resume(self, state: MeterState) -> None:
        off_s = state.time - self.off_at
        state.mark_rows(NO_STATUS, DataQuality.POWER_OUTAGE)
        state.demand.unpowered_s += off_s
        backup_s = state.configuration.rtc_backup_s
        if backup_s is None or off_s > backup_s:
            state.clock_offset_s = self.off_normal_time - state.time - state.configuration.gmt_offset_s
            state.clock_valid = False
            state.mark_rows(LoggerStatus.TIME_DISCONTINUITY, GOOD_QUALITY)
        else:
            self._catch_up(state)

    def _catch_up(self, state: MeterState) -> None:
        """Make good what the clock has passed while the meter was off."""
        done, now = max(self.off_normal_time, state.logged_until), state.normal_time
        if now <= done:
            return
        target = next_target_day(done, state.target_days)
        profile = state.load_profile
        if state.configuration.fill_outages:
            period_s = profile.period_s
            stamps = np.arange(done - done % period_s + period_s, now + 1, period_s, dtype=np.int64)
            readings = np.repeat(state.flow_column()[list(profile.flows)], stamps.size, axis=1)
            profile.capture(stamps, readings, state.row_status, DataQuality.POWER_OUTAGE)
            profile.mark(NO_STATUS, DataQuality.POWER_OUTAGE)
            for midnight in range(done - done % DAY_S + DAY_S, now + 1, DAY_S):
                state.debiting2.capture(state, midnight)
                state.debiting2.mark(NO_STATUS, DataQuality.POWER_OUTAGE)
        move_demand(state, done, now, stamp=next_boundary(done, state.demand.period_s, 0))
        state.logged_until = now
        if target is not None and target <= now:
            state.stop_billing()

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return dict(vars(self))

    def restore(self, values: dict[str, Any]) -> None:
        """Take over a state that `state` gave."""
        vars(self).update(values)
        self.voltage_mv = tuple(values["voltage_mv"])
