"""Prepayment: credit that import uses up, and what becomes of the supply when there is none left.

The credit counts down with A14 (382M DLMS description 3.1, objects 1.1.130.0.x; OMNIPOWER technical description
4.8.14). At zero the breaker opens, unless one of these stands against it: the basis says no restriction; it is an
exception day, or the exception slot of any day; or there is a low threshold, which then limits the load for up to
`t_prepayment_low_max` days before the breaker opens after all. What is drawn without credit is noted and taken off
the next top-up. An exception does not close a breaker that is open: only a top-up does.

All of it needs the bit of the cut-off basis. Days and slot are normal time.
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

    def low_power_left_s(self, now: int) -> int:
        """How long the low threshold stands in for credit, 0 where it does not."""
        return 0 if self.low_since is None else max(0, self.low_since + self._low_power_s - now)

    @property
    def _low_power_s(self) -> int:
        return self._breaker.parameters["t_prepayment_low_max"] * DAY_S

    def _excepted(self, normal_time: int) -> bool:
        begin, end = self.slot
        return normal_time // DAY_S in self.exception_days or begin <= normal_time % DAY_S < end

    # --- watching -------------------------------------------------------------------------------

    def deadline(self, state: MeterState) -> int | None:
        """When to look again, without credit and with the breaker closed."""
        if not self.enabled or self.remaining_mws or CutOffBasis.PREPAYMENT_NO_RESTRICTION in self._breaker.basis:
            return None
        if not self._breaker.closed:
            return None
        normal = state.normal_time
        if self._excepted(normal):
            today = normal - normal % DAY_S
            ends = [at for at in (today + self.slot[1], today + DAY_S) if at > normal]
            return min(ends) - state.shift_s
        return state.time if self.low_since is None else self.low_since + self._low_power_s

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
        if not self.enabled:
            return
        if self.remaining_mws <= self.alarm_limit_wh * MWS_PER_WH and not self.alarmed:
            self.alarmed = True
            state.status.note(b=EventB.PREPAYMENT_ALARM)
        breaker = self._breaker
        if self.remaining_mws or CutOffBasis.PREPAYMENT_NO_RESTRICTION in breaker.basis or not breaker.closed:
            return
        if self._excepted(state.normal_time):
            return
        if not breaker.parameters["threshold_low"]:
            breaker.happen(state, Cause.CREDIT_OUT)
        elif self.low_since is None:
            self.low_since = state.time
            breaker.limit_low(True)
        elif state.time >= self.low_since + self._low_power_s:
            breaker.happen(state, Cause.LOW_POWER_EXPIRED)

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
