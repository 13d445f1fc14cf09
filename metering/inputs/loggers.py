"""Orders to the loggers: billing stops, what is captured and how often, deletions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..configuration import PERIODS_S, DebitingInterval
from ..quantities import Flow
from ..selectable import analysis_registers
from .base import Input


@dataclass(frozen=True, slots=True)
class StopBilling(Input):
    """End the billing period now (object 1.1.0.1.5.128, or the push button)."""

    kind: ClassVar[str] = "stop-billing"


@dataclass(frozen=True, slots=True)
class ResetTripCounter(Input):
    """Both trip counters start again from zero."""

    kind: ClassVar[str] = "reset-trip-counter"


@dataclass(frozen=True, slots=True)
class SetLoadProfilePeriod(Input):
    """Capture the load profile at this interval; a new interval deletes what was captured."""

    kind: ClassVar[str] = "set-load-profile-period"
    period_s: int

    def __post_init__(self) -> None:
        """382M DLMS description 3.4: capture_period 300, 900, 1800 or 3600 s."""
        if self.period_s not in PERIODS_S:
            raise ValueError(f"period_s is {self.period_s!r}; allowed: {', '.join(map(str, PERIODS_S))}")


@dataclass(frozen=True, slots=True)
class SetLoadProfileRegisters(Input):
    """Record these flows in the load profile: names of `Flow`, in any order; deletes what was captured."""

    kind: ClassVar[str] = "set-load-profile-registers"
    flows: tuple[str, ...]

    def __post_init__(self) -> None:
        """One flow at least; the meter refuses those that its energy type has not."""
        object.__setattr__(self, "flows", tuple(self.flows))
        names = [flow.name for flow in Flow]
        if not self.flows or len(set(self.flows)) != len(self.flows) or not set(self.flows) <= set(names):
            raise ValueError(f"flows is {list(self.flows)!r}; allowed: one or more of {', '.join(names)}")


@dataclass(frozen=True, slots=True)
class ClearLoadProfile(Input):
    """Delete the load profile by hand."""

    kind: ClassVar[str] = "clear-load-profile"


@dataclass(frozen=True, slots=True)
class SetAnalysisLogger(Input):
    """Let the analysis logger record these registers (OBIS codes) at this interval; deletes its rows."""

    kind: ClassVar[str] = "set-analysis-logger"
    period_s: int
    registers: tuple[str, ...]

    def __post_init__(self) -> None:
        """An interval there is, and 1 to 16 registers of those that can be recorded."""
        if self.period_s not in PERIODS_S:
            raise ValueError(f"period_s is {self.period_s!r}; allowed: {', '.join(map(str, PERIODS_S))}")
        object.__setattr__(self, "registers", tuple(self.registers))
        analysis_registers(self.registers)


@dataclass(frozen=True, slots=True)
class ClearAnalysisLogger(Input):
    """Delete the rows of the analysis logger."""

    kind: ClassVar[str] = "clear-analysis-logger"


@dataclass(frozen=True, slots=True)
class SetDebitingInterval(Input):
    """Let debiting logger 2 write a row daily, weekly or monthly (object 1.1.0.1.6.128)."""

    kind: ClassVar[str] = "set-debiting-interval"
    interval: str

    def __post_init__(self) -> None:
        """The intervals are those of `DebitingInterval`."""
        intervals = [interval.value for interval in DebitingInterval]
        if self.interval not in intervals:
            raise ValueError(f"interval is {self.interval!r}; allowed: {', '.join(intervals)}")
