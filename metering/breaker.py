"""The breaker: its states, what moves it from one to another, and the law of smart disconnect.

States are those of object 1.1.128.0.0 (382M DLMS description 3.1; OMNIPOWER technical description 4.8). It carries in
three of them and is open in the others; `TRANSITIONS` has every cause that moves it, anything else leaves it where it
is. Contacts stay as they are without supply. The law of smart disconnect, with the limit Id from a low and a high
threshold, in A of any phase or in kW of import: off above Id k1 for t1, above Id k2 for t1 + t2, above
Id k3 for t1 + t2 + t3. A current beyond `i_short_circuit` is the fuse's affair: the breaker does not open on it.

After a cut-off it may be closed again when `t_connect_wait` is over: by itself, or by a press of 6 s. A command has to
be taken back by a release, then a press or another command closes. It never closes within 5 s of having opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .breaker_states import (
    CLOSED,
    COMMANDS,
    PARAMETERS,
    PRESSES,
    TRANSITIONS,
    BreakerState,
    Cause,
    CutOffBasis,
    Feedback,
)
from .event_log import EventLog
from .quantities import Flow
from .status import EventA, EventB
from .tracker import Tracker
from .view import Condition, View
from .voltage_quality import NEUTRAL_S, neutral_lost

if TYPE_CHECKING:
    from .state import MeterState

RECLOSE_S: Final = 5
"""From opening to closing at least."""


class Breaker:
    """The breaker of one meter, if it has one; without one it is a piece of wire."""

    def __init__(self, fitted: bool) -> None:
        self.fitted = fitted
        self.state_now = BreakerState.CONNECTED
        self.parameters = {name: parameter.default for name, parameter in PARAMETERS.items()}
        self.low_power = False
        """Whether the low threshold limits: an emergency supply without credit."""
        self.opened_at = 0
        """True time at which it opened last."""
        self.closing_at: int | None = None
        """When it will close, if it is about to."""
        self.closing_cause = Cause.AUTOMATIC
        self.commanded = False
        """Whether a command moved it last."""
        self._warned = Tracker(1, 1)
        self._law = [Tracker(1, 1) for _ in range(3)]
        self._over_voltage = Tracker(1, 1)
        self._neutral = Tracker(NEUTRAL_S, NEUTRAL_S)
        self._tune()

    # --- what it is -----------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether it carries."""
        return self.state_now in CLOSED

    @property
    def basis(self) -> CutOffBasis:
        """What it may open for; for nothing if there is none."""
        return CutOffBasis(self.parameters["cut_off_basis"]) if self.fitted else CutOffBasis(0)

    @property
    def threshold(self) -> int:
        """The limit in force, A or kW: ThDisconnect."""
        return self.parameters["threshold_low" if self.low_power else "threshold_high"]

    def feedback(self, voltage_mv: Sequence[int], lowest_mv: int) -> Feedback:
        """What is seen of it, with these voltages before it; a phase has voltage from `lowest_mv` on."""
        feedback = Feedback.VALID | Feedback.COMMUNICATION
        if self.closed:
            for phase, voltage in enumerate(voltage_mv):
                if voltage >= lowest_mv:
                    feedback |= Feedback(Feedback.VOLTAGE_L1 << phase)
        if not self.low_power:
            feedback |= Feedback.THRESHOLD_HIGH
        return feedback | Feedback.PENDING if self.closing_at is not None else feedback

    # --- the law --------------------------------------------------------------------------------

    def _limits(self) -> list[int]:
        """Limits of the three stages in mA or mW; none where the load is not limited."""
        limited = self.closed and (CutOffBasis.LOAD in self.basis or self.low_power) and self.threshold
        unit = 100_000 if CutOffBasis.POWER in self.basis else 100
        return [self.threshold * self.parameters[name] * unit for name in ("k1", "k2", "k3")] if limited else []

    def _tune(self) -> None:
        """Give the trackers their times; they begin anew."""
        of = self.parameters
        self._warned = Tracker(1, 1)
        self._warned.active = self.state_now in (BreakerState.WARNING, BreakerState.LOG_ONLY)
        self._law = [
            Tracker(max(delay_s, 1), 1) for delay_s in (of["t1"], of["t1"] + of["t2"], of["t1"] + of["t2"] + of["t3"])
        ]
        active = self._over_voltage.active
        self._over_voltage = Tracker(of["over_voltage_disconnect_time"], of["over_voltage_reconnect_time"])
        self._over_voltage.active = active

    def _tracked(self, view: View) -> list[tuple[Tracker, Condition | None]]:
        """The trackers, with where each condition is fulfilled."""
        tracked: list[tuple[Tracker, Condition | None]] = []
        if limits := self._limits():
            currents = view.currents_ma.max(axis=0)
            load = view.flows[Flow.P14] if CutOffBasis.POWER in self.basis else currents
            breakable = currents <= self.parameters["i_short_circuit"] * 1000
            tracked.append((self._warned, load > min(limits)))
            tracked += [(tracker, (load > limit) & breakable) for tracker, limit in zip(self._law, limits, strict=True)]
        elif self._warned.active:
            tracked.append((self._warned, None))
        name = "over_voltage_reconnect" if self._over_voltage.active else "over_voltage_disconnect"
        limit_mv = self.parameters[name] * 1000
        watched = CutOffBasis.OVER_VOLTAGE in self.basis and view.highest_mv > limit_mv
        tracked.append((self._over_voltage, np.any(view.voltage_mv > limit_mv, axis=0) if watched else None))
        tracked.append((self._neutral, neutral_lost(view) if CutOffBasis.NEUTRAL_FAULT in self.basis else None))
        return tracked

    # --- watching -------------------------------------------------------------------------------

    def deadline(self, _: MeterState) -> int | None:
        """When it closes."""
        return self.closing_at

    def first(self, view: View, _: MeterState) -> int | None:
        """When load or voltages move it."""
        found = [tracker.first(condition, view) for tracker, condition in self._tracked(view)]
        return min((at for at in found if at is not None), default=None)

    def carry(self, view: View) -> None:
        """Take this stretch in."""
        for tracker, condition in self._tracked(view):
            tracker.carry(condition, view)

    def act(self, state: MeterState) -> None:
        """Move, if it is time."""
        now = state.time
        for tracker, wrong, back in (
            (self._over_voltage, Cause.OVER_VOLTAGE, Cause.VOLTAGE_BACK),
            (self._neutral, Cause.NEUTRAL_LOST, Cause.NEUTRAL_BACK),
        ):
            if tracker.turned(now):
                self.happen(state, wrong if tracker.active else back)
                self._resume(state)
        if self.closing_at is not None and self.closing_at <= now:
            self._move(state, self.closing_cause)
        if self._warned.turned(now):
            self._move(state, Cause.EXCEEDED if self._warned.active else Cause.RELAXED)
        turned = [tracker for tracker in self._law if tracker.turned(now)]
        if any(tracker.active for tracker in turned):
            self._move(state, Cause.OVERLOAD_LOGGED if CutOffBasis.LOG_ONLY in self.basis else Cause.OVERLOAD)

    def restart(self, state: MeterState) -> None:
        """Times begin anew, the contacts are where they were; what was about to close does so a little later."""
        for tracker in (self._warned, self._over_voltage, self._neutral, *self._law):
            tracker.since = None
        if self.closing_at is not None:
            self.closing_at = max(self.closing_at, state.time + RECLOSE_S)

    # --- moving ---------------------------------------------------------------------------------

    def happen(self, state: MeterState, cause: Cause) -> None:
        """Something from outside the law: a command, the button, credit. Closing waits until it may."""
        if cause in (Cause.OVER_VOLTAGE, Cause.NEUTRAL_LOST):
            self.closing_at, self.closing_cause = None, Cause.AUTOMATIC
        target = TRANSITIONS.get((self.state_now, cause))
        if target is None or not self.fitted:
            return
        ready = self.opened_at + RECLOSE_S
        if target in CLOSED and not self.closed and state.time < ready:
            self.closing_at, self.closing_cause = ready, cause
        else:
            self._move(state, cause)

    def press(self, state: MeterState) -> bool:
        """A press of 6 s; False where the breaker does not wait for one."""
        if (self.state_now, Cause.PRESS) not in TRANSITIONS:
            return False
        waited = state.time - self.opened_at >= self.parameters["t_connect_wait"]
        if waited or self.state_now is not BreakerState.CUT_OFF:
            self.happen(state, Cause.PRESS)
        return True

    def set_parameter(self, name: str, value: int) -> None:
        """Change a setting; its times begin anew."""
        changed = self.parameters[name] != value
        self.parameters[name] = value
        self._tune()
        if name == "coupling" and changed and self.closing_cause is Cause.AUTOMATIC:
            self.closing_at = None
            self._couple(self.opened_at)
        if CutOffBasis.PREPAYMENT not in self.basis or CutOffBasis.PREPAYMENT_NO_RESTRICTION in self.basis:
            self.limit_low(False)

    def limit_low(self, low: bool) -> None:
        """Limit to the low threshold, or to the high one."""
        if self.low_power != low:
            self.low_power = low
            self._tune()

    def _move(self, state: MeterState, cause: Cause) -> None:
        target = TRANSITIONS.get((self.state_now, cause))
        if target is None:
            return
        was_closed = self.closed
        self.state_now, self.closing_at = target, None
        if was_closed != self.closed:
            watched = (self._warned, *self._law) if was_closed else (self._over_voltage, self._neutral)
            for tracker in watched:
                tracker.active, tracker.since = False, None
        if was_closed and not self.closed:
            self.opened_at = state.time
            state.status.note(EventA.DISCONNECTED)
        self.closing_cause = Cause.AUTOMATIC
        self.commanded = cause in COMMANDS
        self._couple(state.time)
        state.status.note(b=_event(cause))
        state.log(EventLog.CUT_OFF, target, int(state.breaker_feedback))

    def _couple(self, since: int) -> None:
        """Close by itself later, with coupling and good voltages; `since` is when a release began to wait."""
        if not self.parameters["coupling"] or self._over_voltage.active or self._neutral.active:
            return
        if self.state_now is BreakerState.CUT_OFF:
            self.closing_at = self.opened_at + max(self.parameters["t_connect_wait"], RECLOSE_S)
        elif self.state_now is BreakerState.RELEASED and not self.commanded:
            self.closing_at = since + RECLOSE_S

    def _resume(self, state: MeterState) -> None:
        """Close after all, where a voltage that is good again stood against it."""
        if self.closing_at is None and not self._over_voltage.active and not self._neutral.active:
            self.happen(state, Cause.VOLTAGE_BACK)
            if self.closing_at is None:
                self._couple(state.time)

    # --- snapshots ------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        trackers = (self._warned, self._over_voltage, self._neutral, *self._law)
        return {
            "state_now": self.state_now,
            "parameters": self.parameters,
            "low_power": self.low_power,
            "opened_at": self.opened_at,
            "closing_at": self.closing_at,
            "closing_cause": self.closing_cause,
            "commanded": self.commanded,
            "trackers": [tracker.state() for tracker in trackers],
        }

    def restore(self, values: dict[str, Any]) -> None:
        """Take over a state that `state` gave."""
        self.parameters = values["parameters"]
        self._tune()
        for tracker, held in zip(
            (self._warned, self._over_voltage, self._neutral, *self._law), values["trackers"], strict=True
        ):
            tracker.restore(held)
        self.state_now, self.closing_cause = BreakerState(values["state_now"]), Cause(values["closing_cause"])
        self.low_power, self.opened_at = values["low_power"], values["opened_at"]
        self.closing_at, self.commanded = values["closing_at"], values.get("commanded", False)


def _event(cause: Cause) -> EventB:
    """Who moved the breaker."""
    if cause in COMMANDS:
        return EventB.BREAKER_REMOTE
    return EventB.BREAKER_MANUAL if cause in PRESSES else EventB.BREAKER_AUTOMATIC
