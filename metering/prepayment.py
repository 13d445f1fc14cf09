"""Prepayment: credit that import uses up, and what becomes of the supply when there is none left.

The credit counts down with A14 (382M DLMS description 3.1, objects 1.1.130.0.x; OMNIPOWER technical description
4.8.14). At zero the breaker opens, unless one of these stands against it: the basis says no restriction; it is an
exception day, or the exception slot of any day; or there is a low threshold, which then limits the load for up to
`t_prepayment_low_max` days before the breaker opens after all. What is drawn without credit is noted and taken off
the next top-up. An exception does not close a breaker that is open: only a top-up does. While it lasts the low
threshold does not limit either; its days go on.

All of it needs the bit of the cut-off basis: without it, or with no restriction, an emergency supply is over.
Days and slot are normal time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .breaker_states import Cause, CutOffBasis
from .clock import DAY_S
from .quantities import MWS_PER_WH, Flow
from .status import EventB
from .view import View

if TYPE_CHECKING:
    from .breaker import Breaker
    from .state import MeterState


class Prepayment:
    """The account of one meter."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self.remaining_mws: int = 0
        """Energy still to be had: A14_Prepayment."""
        self.debt_mws: int = 0
        """Drawn without: A14_PrepaymentCredit."""
        self.last_top_up_wh = 0
        self.last_top_up_at: int | None = None
        """Normal time of the last top-up."""
        self.alarm_limit_wh = 0
        self.alarmed = False
        self.slot = (0, 0)
        """Seconds of the day, from and to, in which the breaker does not open for want of credit."""
        self.exception_days: list[int] = []
        """Days without opening, counted from 1970-01-01."""
        self.low_since: int | None = None
        """True time at which the low threshold came into force."""

    @property
    def enabled(self) -> bool:
        """Whether credit matters."""
        return CutOffBasis.PREPAYMENT in self._breaker.basis

    @property
    def _restricts(self) -> bool:
        return self.enabled and CutOffBasis.PREPAYMENT_NO_RESTRICTION not in self._breaker.basis

    @property
    def _alarm_due(self) -> bool:
        return self.enabled and not self.alarmed and self.remaining_mws <= self.alarm_limit_wh * MWS_PER_WH

    def low_power_left_s(self, now: int) -> int:
        """How long the low threshold stands in for credit, 0 where it does not."""
        return 0 if self.low_since is None else max(0, self.low_since + self._low_power_s - now)

    @property
    def _low_power_s(self) -> int:
        return self._breaker.parameters["t_prepayment_low_max"] * DAY_S

    def _excepted(self, normal_time: int) -> bool:
        begin, end = self.slot
        return normal_time // DAY_S in self.exception_days or begin <= normal_time % DAY_S < end

    def _limits(self, normal_time: int) -> bool:
        """Whether the low threshold is to limit the load."""
        return self._restricts and self.low_since is not None and not self._excepted(normal_time)

    # --- watching -------------------------------------------------------------------------------

    def deadline(self, state: MeterState) -> int | None:
        """At once if something is due, else when to look again: where an exception may begin or end, or the low
        threshold has been there for its days."""
        if self._alarm_due or self._breaker.low_power != self._limits(state.normal_time):
            return state.time
        if not self._restricts:
            return None if self.low_since is None else state.time
        limited, closed = self.low_since is not None, self._breaker.closed
        if self.remaining_mws or not (limited or closed):
            return None
        normal = state.normal_time
        today = normal - normal % DAY_S
        turn = min(at for at in (*(today + at for at in self.slot), today + DAY_S) if at > normal) - state.shift_s
        if self._excepted(normal) or not closed:
            return turn
        if self.low_since is None or not self._breaker.parameters["threshold_low"]:
            return state.time
        return min(turn, self.low_since + self._low_power_s)

    def first(self, view: View, _: MeterState) -> int | None:
        """When the credit is used up, or down to the alarm limit."""
        if not self.enabled or not self.remaining_mws:
            return None
        to_alarm = self.remaining_mws - self.alarm_limit_wh * MWS_PER_WH
        needed = self.remaining_mws if self.alarmed else max(to_alarm, 1)
        used = view.cumulative[Flow.A14]
        if used[-1] < needed:
            return None
        column = int(used.searchsorted(needed)) - 1
        rate = int(view.flows[Flow.A14, column])
        return int(view.line.edges[column]) - (int(used[column]) - needed) // rate

    def carry(self, view: View) -> None:
        """Take this stretch in."""
        if self.enabled:
            left = self.remaining_mws - int(view.cumulative[Flow.A14, -1])
            self.remaining_mws = max(left, 0)
            self.debt_mws -= min(left, 0)

    def act(self, state: MeterState) -> None:
        """Alarm, limit or open, if it is time."""
        if self._alarm_due:
            self.alarmed = True
            state.status.note(b=EventB.PREPAYMENT_ALARM)
        breaker = self._breaker
        if not self._restricts:
            self.low_since = None
        elif not self.remaining_mws and breaker.closed and not self._excepted(state.normal_time):
            if not breaker.parameters["threshold_low"]:
                breaker.happen(state, Cause.CREDIT_OUT)
            elif self.low_since is None:
                self.low_since = state.time
            elif state.time >= self.low_since + self._low_power_s:
                breaker.happen(state, Cause.LOW_POWER_EXPIRED)
        breaker.limit_low(self._limits(state.normal_time))

    def restart(self, state: MeterState) -> None:
        """Nothing is lost in a power cut, and nothing is won."""

    # --- the account ----------------------------------------------------------------------------

    def top_up(self, state: MeterState, energy_wh: int) -> None:
        """Energy has been paid for; what was drawn without credit is taken off."""
        left = energy_wh * MWS_PER_WH - self.debt_mws
        self.remaining_mws += max(left, 0)
        self.debt_mws = max(-left, 0)
        self.last_top_up_wh, self.last_top_up_at = energy_wh, state.normal_time
        if self.remaining_mws > self.alarm_limit_wh * MWS_PER_WH:
            self.alarmed = False
        if self.remaining_mws:
            self.low_since = None
            self._breaker.limit_low(False)
            self._breaker.happen(state, Cause.CREDIT_IN)

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {name: value for name, value in vars(self).items() if name != "_breaker"}

    def restore(self, values: dict[str, Any]) -> None:
        """Take over a state that `state` gave."""
        vars(self).update(values)
        begin, end = values["slot"]
        self.slot = (begin, end)
