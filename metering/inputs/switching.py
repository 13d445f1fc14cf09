"""Orders to what a meter switches: breaker, prepayment, load control."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from ..breaker_states import PARAMETERS
from ..quantities import TARIFFS
from .base import Input, within


@dataclass(frozen=True, slots=True)
class OperateBreaker(Input):
    """Write object 1.1.128.0.0: 1 disconnects, 2 releases after that, 3 reconnects after a release."""

    kind: ClassVar[str] = "operate-breaker"
    command: int

    def __post_init__(self) -> None:
        """Three commands."""
        within("command", self.command, 1, 3)


@dataclass(frozen=True, slots=True)
class SetBreakerParameter(Input):
    """Change a setting of breaker and smart disconnect, by its name in `PARAMETERS` (objects 1.1.128.0.1 to .22)."""

    kind: ClassVar[str] = "set-breaker-parameter"
    name: str
    value: int

    def __post_init__(self) -> None:
        """Each has its range."""
        if self.name not in PARAMETERS:
            raise ValueError(f"name is {self.name!r}; allowed: {', '.join(PARAMETERS)}")
        within(self.name, self.value, PARAMETERS[self.name].low, PARAMETERS[self.name].high)


@dataclass(frozen=True, slots=True)
class TopUp(Input):
    """Energy has been paid for in advance, Wh (object 1.1.130.0.0)."""

    kind: ClassVar[str] = "top-up"
    energy_wh: int

    def __post_init__(self) -> None:
        """Up to a million kWh."""
        within("energy_wh", self.energy_wh, 1, 10**9)


@dataclass(frozen=True, slots=True)
class SetPrepaymentAlarm(Input):
    """Alarm when no more than this is left, Wh (object 1.1.130.0.7)."""

    kind: ClassVar[str] = "set-prepayment-alarm"
    limit_wh: int

    def __post_init__(self) -> None:
        """Up to 65535 kWh."""
        within("limit_wh", self.limit_wh, 0, 65_535_000)


@dataclass(frozen=True, slots=True)
class SetPrepaymentExceptions(Input):
    """Do not cut off for want of credit on these days (ISO dates), nor from `start_s` to `end_s` of any day."""

    kind: ClassVar[str] = "set-prepayment-exceptions"
    days: tuple[str, ...] = ()
    start_s: int = 0
    end_s: int = 0

    def __post_init__(self) -> None:
        """Dates there are, at most 100; a slot inside a day (382M technical description, exception days)."""
        object.__setattr__(self, "days", tuple(self.days))
        if len(self.days) > 100:
            raise ValueError(f"days are {len(self.days)}; allowed: at most 100")
        self.day_numbers()
        within("start_s", self.start_s, 0, 86_400)
        within("end_s", self.end_s, self.start_s, 86_400)

    def day_numbers(self) -> list[int]:
        """The days, counted from 1970-01-01."""
        epoch = date(1970, 1, 1)
        try:
            return [(date.fromisoformat(day) - epoch).days for day in self.days]
        except (TypeError, ValueError):
            raise ValueError(f"days is {self.days!r}; allowed: dates such as 2024-12-24") from None


@dataclass(frozen=True, slots=True)
class SetRelayMode(Input):
    """What tells relay 1 or 2: off, command, or tariff, with the tariffs it is closed in."""

    kind: ClassVar[str] = "set-relay-mode"
    relay: int
    mode: str
    tariffs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Relays, modes and tariffs there are."""
        object.__setattr__(self, "tariffs", tuple(self.tariffs))
        within("relay", self.relay, 1, 2)
        if self.mode not in ("off", "command", "tariff"):
            raise ValueError(f"mode is {self.mode!r}; allowed: off, command, tariff")
        for tariff in self.tariffs:
            within("tariffs (a tariff)", tariff, 1, TARIFFS)


@dataclass(frozen=True, slots=True)
class SwitchRelay(Input):
    """Command relay 1 or 2 to close or open, after its delay (objects 1.1.96.52.1 and .3)."""

    kind: ClassVar[str] = "switch-relay"
    relay: int
    closed: bool

    def __post_init__(self) -> None:
        """Two relays."""
        within("relay", self.relay, 1, 2)


@dataclass(frozen=True, slots=True)
class SetRelayDelay(Input):
    """The longest delay of the relays (object 1.1.96.52.5)."""

    kind: ClassVar[str] = "set-relay-delay"
    delay_s: int

    def __post_init__(self) -> None:
        """Three hours at most (382M technical description, load control)."""
        within("delay_s", self.delay_s, 0, 10_800)
