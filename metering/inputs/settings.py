"""Settings of a running meter: clock, tariffs, demand, display, events; and registers, which are legal data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..clock import EARLIEST_CLOCK, LATEST_CLOCK
from ..configuration import BILLING_INTERVALS, PERIODS_S, PULSE_INPUT_SPEEDS, PULSE_INPUT_UNITS
from ..event_log import Configured
from ..quantities import TARIFFS, Energy
from ..tariff_control import TariffMode
from ..tariff_table import TariffTable
from .base import Input, within


@dataclass(frozen=True, slots=True)
class SetClock(Input):
    """Set the meter's clock to this UTC second."""

    kind: ClassVar[str] = "set-clock"
    clock: int

    def __post_init__(self) -> None:
        """A clock counts 1990 to 2099."""
        if not isinstance(self.clock, int) or not EARLIEST_CLOCK <= self.clock <= LATEST_CLOCK:
            raise ValueError(f"clock is {self.clock!r}; allowed: UTC seconds of the years 1990 to 2099")


@dataclass(frozen=True, slots=True)
class SetDaylightSaving(Input):
    """Show daylight saving time, or not (object 1.1.96.52.11.255); registers and loggers do not notice."""

    kind: ClassVar[str] = "set-daylight-saving"
    enabled: bool


@dataclass(frozen=True, slots=True)
class SetTariff(Input):
    """Count in this tariff from now on (object 1.1.129.0.0.255)."""

    kind: ClassVar[str] = "set-tariff"
    tariff: int

    def __post_init__(self) -> None:
        """Tariffs are 1 to 8; the meter refuses those above its own number."""
        within("tariff", self.tariff, 1, TARIFFS)


@dataclass(frozen=True, slots=True)
class SetTariffMode(Input):
    """Let tariffs be chosen by this from now on: off, module, command, internal or ripple."""

    kind: ClassVar[str] = "set-tariff-mode"
    mode: str

    def __post_init__(self) -> None:
        """The modes are those of `TariffMode`."""
        modes = [mode.value for mode in TariffMode]
        if self.mode not in modes:
            raise ValueError(f"mode is {self.mode!r}; allowed: {', '.join(modes)}")


@dataclass(frozen=True, slots=True)
class SetTariffTable(Input):
    """Load an internal tariff table, as `tariff_table.py` describes it."""

    kind: ClassVar[str] = "set-tariff-table"
    table: Mapping[str, Any]

    def __post_init__(self) -> None:
        """The table must make sense; the meter refuses one with tariffs it has not."""
        object.__setattr__(self, "table", TariffTable.from_dict(self.table).to_dict())


@dataclass(frozen=True, slots=True)
class SetIntegrationPeriod(Input):
    """Average powers over this from now on; the running period is given up."""

    kind: ClassVar[str] = "set-integration-period"
    period_s: int

    def __post_init__(self) -> None:
        """Configuration number 1, code E: 5, 15, 30 or 60 minutes."""
        if self.period_s not in PERIODS_S:
            raise ValueError(f"period_s is {self.period_s!r}; allowed: {', '.join(map(str, PERIODS_S))}")


@dataclass(frozen=True, slots=True)
class SetPowerThreshold(Input):
    """Count integration periods whose average import exceeds this, in W (object 1.1.96.51.1.255).

    `tariff` 0 counts all periods, 1 to 8 those of that tariff.
    """

    kind: ClassVar[str] = "set-power-threshold"
    power_w: int
    tariff: int = 0

    def __post_init__(self) -> None:
        """An Unsigned32 on the wire."""
        within("power_w", self.power_w, 0, 2**32 - 1)
        within("tariff", self.tariff, 0, TARIFFS)


@dataclass(frozen=True, slots=True)
class SetPulseInput(Input):
    """Preset the pulse input counter (object 1.1.0.128.1.255)."""

    kind: ClassVar[str] = "set-pulse-input"
    count: int

    def __post_init__(self) -> None:
        """An Unsigned32 on the wire."""
        within("count", self.count, 0, 2**32 - 1)


@dataclass(frozen=True, slots=True)
class SetPulseInputScale(Input):
    """Count this unit at the pulse input, so many thousandths of a pulse each; a fraction of a unit is given up."""

    kind: ClassVar[str] = "set-pulse-input-scale"
    constant_milli: int
    unit: str = ""
    speed: str = "normal"

    def __post_init__(self) -> None:
        """What the meter can be ordered with (configuration number 3, codes NN and P)."""
        within("constant_milli", self.constant_milli, 250, 1_000_000)
        for name, allowed in (("unit", PULSE_INPUT_UNITS), ("speed", PULSE_INPUT_SPEEDS)):
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"{name} is {value!r}; allowed: {', '.join(map(repr, allowed))}")


@dataclass(frozen=True, slots=True)
class SetTargetDay(Input):
    """Stop the bills on this day at 00:00, every so many months (0: never by itself), one of them `start_month`.

    The period that runs ends on the next such day.
    """

    kind: ClassVar[str] = "set-target-day"
    day: int
    interval_months: int = 1
    start_month: int = 1

    def __post_init__(self) -> None:
        """As a meter can be ordered (configuration number 3, codes FF, GG and HH)."""
        within("day", self.day, 1, 28)
        if self.interval_months not in BILLING_INTERVALS:
            allowed = ", ".join(map(str, BILLING_INTERVALS))
            raise ValueError(f"interval_months is {self.interval_months!r}; allowed: {allowed}")
        within("start_month", self.start_month, 1, 12)


@dataclass(frozen=True, slots=True)
class SetPeakTariff(Input):
    """Let periods of this tariff only be candidates for the peaks that are of no tariff, 0 for all of them."""

    kind: ClassVar[str] = "set-peak-tariff"
    tariff: int

    def __post_init__(self) -> None:
        """Configuration number 3, code K."""
        within("tariff", self.tariff, 0, 2)


@dataclass(frozen=True, slots=True)
class SetDisplayList(Input):
    """Show these items of `display/items.csv`, by their keys, in the automatic, the manual or the battery list."""

    kind: ClassVar[str] = "set-display-list"
    list: str
    items: tuple[str, ...]

    def __post_init__(self) -> None:
        """The three lists of a display; which items may be in them is the meter's affair."""
        object.__setattr__(self, "items", tuple(self.items))
        if self.list not in ("automatic", "manual", "battery"):
            raise ValueError(f"list is {self.list!r}; allowed: automatic, manual, battery")
        if not all(isinstance(item, str) for item in self.items):
            raise ValueError(f"items is {self.items!r}; allowed: keys of display/items.csv")


@dataclass(frozen=True, slots=True)
class SetVerificationMode(Input):
    """Show energies with three decimals, so that a short test with a reference meter can be read; or as ordered."""

    kind: ClassVar[str] = "set-verification-mode"
    enabled: bool


@dataclass(frozen=True, slots=True)
class SetRegister(Input):
    """Set an energy register, by its number in `Energy`, to this many mWs: legal data."""

    kind: ClassVar[str] = "set-register"
    legal: ClassVar[bool] = True
    channel: int
    value_mws: int

    def __post_init__(self) -> None:
        """A channel there is, and no more than ten thousand MWh."""
        within("channel", self.channel, 0, len(Energy) - 1)
        within("value_mws", self.value_mws, 0, 36 * 10**15)


@dataclass(frozen=True, slots=True)
class NoteConfiguration(Input):
    """Write into the configuration logger that this was changed: a code of `Configured`, together with the change."""

    kind: ClassVar[str] = "note-configuration"
    setting: int

    def __post_init__(self) -> None:
        """The codes are those of `Configured`."""
        if type(self.setting) is not int and not isinstance(self.setting, Configured):
            raise ValueError(f"setting is {self.setting!r}; allowed: a number of a setting")
        if self.setting not in list(Configured):
            raise ValueError(f"setting is {self.setting!r}; allowed: {', '.join(str(int(one)) for one in Configured)}")
        object.__setattr__(self, "setting", int(self.setting))


@dataclass(frozen=True, slots=True)
class SignOn(Input):
    """Somebody has signed on to a port in programming mode (event status A, "P0 sign-on")."""

    kind: ClassVar[str] = "sign-on"


@dataclass(frozen=True, slots=True)
class ClearEvents(Input):
    """Forget these events: masks of event status A and B (objects 0.1.96.10.1 and .2)."""

    kind: ClassVar[str] = "clear-events"
    a: int = 0
    b: int = 0

    def __post_init__(self) -> None:
        """Two words of 32 bits."""
        within("a", self.a, 0, 2**32 - 1)
        within("b", self.b, 0, 2**32 - 1)


@dataclass(frozen=True, slots=True)
class SetEventMasks(Input):
    """Let these events of event status A and B alarm (objects 1.1.134.0.6 and .7)."""

    kind: ClassVar[str] = "set-event-masks"
    a: int
    b: int

    def __post_init__(self) -> None:
        """Two words of 32 bits."""
        within("a", self.a, 0, 2**32 - 1)
        within("b", self.b, 0, 2**32 - 1)
