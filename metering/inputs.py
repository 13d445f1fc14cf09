"""Everything that changes a meter from outside. A meter is its configuration, its inputs and time; nothing else.

Inputs are journaled: `to_dict` gives plain JSON values, `from_dict` reads them back. Old journals must stay
readable, so a field may be added with a default but never renamed. Values are checked when an input is
built, so a journal never holds one that cannot be applied for its values' sake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, ClassVar, Final

from .breaker_states import PARAMETERS
from .clock import EARLIEST_CLOCK, LATEST_CLOCK
from .configuration import PERIODS_S, DebitingInterval
from .quantities import TARIFFS, Energy, Flow
from .selectable import analysis_registers
from .tariff_control import TariffMode
from .tariff_table import TariffTable

NOMINAL_VOLTAGE_MV: Final = 230_000
Phases = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Input:
    """One change from outside; raises `ValueError` where a value is not allowed."""

    kind: ClassVar[str]
    physical: ClassVar[bool] = False
    """Whether it happens to the meter even when that is off; all else reaches a running meter only."""

    legal: ClassVar[bool] = False
    """Whether it changes legal data, which takes a broken verification seal."""

    def to_dict(self) -> dict[str, object]:
        """`{"kind": …}` and the fields, as JSON knows them."""
        values: dict[str, object] = {"kind": self.kind}
        for item in fields(self):
            value = getattr(self, item.name)
            values[item.name] = list(value) if isinstance(value, tuple) else value
        return values


@dataclass(frozen=True, slots=True)
class SetLoad(Input):
    """The premises draw this, whatever the installation says: mW and mvar per phase, import positive, and mV."""

    kind: ClassVar[str] = "set-load"
    physical: ClassVar[bool] = True
    active_mw: Phases
    reactive_mvar: Phases = (0, 0, 0)
    voltage_mv: Phases = (NOMINAL_VOLTAGE_MV,) * 3

    def __post_init__(self) -> None:
        """Three phases each, within what a 3 x 100 A meter can meet a few times over."""
        for name, limit in (("active_mw", 10**9), ("reactive_mvar", 10**9), ("voltage_mv", 10**6)):
            value = tuple(getattr(self, name))
            low = 0 if name == "voltage_mv" else -limit
            if len(value) != 3 or not all(isinstance(one, int) and low <= one <= limit for one in value):
                raise ValueError(f"{name} is {value!r}; allowed: three integers {low}..{limit}")
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True)
class ReleaseLoad(Input):
    """The premises draw what the installation says again."""

    kind: ClassVar[str] = "release-load"
    physical: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class SetSupply(Input):
    """The network supplies this voltage to each phase, mV; None is what the installation says.

    A phase at 0 V draws nothing. `SetSupply((0, 0, 0))` is a power cut, `SetSupply()` ends it.
    """

    kind: ClassVar[str] = "set-supply"
    physical: ClassVar[bool] = True
    voltage_mv: tuple[int | None, int | None, int | None] = (None, None, None)

    def __post_init__(self) -> None:
        """Three phases."""
        value = tuple(self.voltage_mv)
        if len(value) != 3 or not all(one is None or (isinstance(one, int) and 0 <= one <= 10**6) for one in value):
            raise ValueError(f"voltage_mv is {value!r}; allowed: three integers 0..{10**6} or None")
        object.__setattr__(self, "voltage_mv", value)


@dataclass(frozen=True, slots=True)
class SetMagnet(Input):
    """A magnetic field is near the meter, or gone; the measurement does not notice."""

    kind: ClassVar[str] = "set-magnet"
    physical: ClassVar[bool] = True
    present: bool


@dataclass(frozen=True, slots=True)
class SetCover(Input):
    """The meter's cover is open, or closed again."""

    kind: ClassVar[str] = "set-cover"
    physical: ClassVar[bool] = True
    open: bool


@dataclass(frozen=True, slots=True)
class SetTerminalCover(Input):
    """The cover of the terminals is open, or closed again."""

    kind: ClassVar[str] = "set-terminal-cover"
    physical: ClassVar[bool] = True
    open: bool


@dataclass(frozen=True, slots=True)
class SetAlarmInput(Input):
    """The external alarm input is active, or at rest."""

    kind: ClassVar[str] = "set-alarm-input"
    physical: ClassVar[bool] = True
    active: bool


@dataclass(frozen=True, slots=True)
class BreakSeal(Input):
    """The verification seal is broken: for good, and from now on legal data can be changed."""

    kind: ClassVar[str] = "break-seal"
    physical: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class PressButton(Input):
    """The push button has been pressed for so many seconds and is released now; 6 s make it do something."""

    kind: ClassVar[str] = "press-button"
    physical: ClassVar[bool] = True
    length_s: int = 1

    def __post_init__(self) -> None:
        """Whole seconds; a finger does not stay an hour."""
        _within("length_s", self.length_s, 0, 3_600)


@dataclass(frozen=True, slots=True)
class AddPulses(Input):
    """So many pulses have arrived at the pulse input; without supply they are lost.

    Contact closed and open for so many milliseconds each: what is too short is a bounce and does not count.
    """

    kind: ClassVar[str] = "add-pulses"
    physical: ClassVar[bool] = True
    count: int
    length_ms: int = 2_000
    pause_ms: int = 2_000

    def __post_init__(self) -> None:
        """An Unsigned32 at most."""
        _within("count", self.count, 0, 2**32 - 1)
        _within("length_ms", self.length_ms, 1, 10**9)
        _within("pause_ms", self.pause_ms, 1, 10**9)


@dataclass(frozen=True, slots=True)
class OperateBreaker(Input):
    """Write object 1.1.128.0.0: 1 disconnects, 2 releases after that, 3 reconnects after a release."""

    kind: ClassVar[str] = "operate-breaker"
    command: int

    def __post_init__(self) -> None:
        """Three commands."""
        _within("command", self.command, 1, 3)


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
        _within(self.name, self.value, PARAMETERS[self.name].low, PARAMETERS[self.name].high)


@dataclass(frozen=True, slots=True)
class TopUp(Input):
    """Energy has been paid for in advance, Wh (object 1.1.130.0.0)."""

    kind: ClassVar[str] = "top-up"
    energy_wh: int

    def __post_init__(self) -> None:
        """Up to a million kWh."""
        _within("energy_wh", self.energy_wh, 1, 10**9)


@dataclass(frozen=True, slots=True)
class SetPrepaymentAlarm(Input):
    """Alarm when no more than this is left, Wh (object 1.1.130.0.7)."""

    kind: ClassVar[str] = "set-prepayment-alarm"
    limit_wh: int

    def __post_init__(self) -> None:
        """Up to 65535 kWh."""
        _within("limit_wh", self.limit_wh, 0, 65_535_000)


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
        _within("start_s", self.start_s, 0, 86_400)
        _within("end_s", self.end_s, self.start_s, 86_400)

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
        _within("relay", self.relay, 1, 2)
        if self.mode not in ("off", "command", "tariff"):
            raise ValueError(f"mode is {self.mode!r}; allowed: off, command, tariff")
        for tariff in self.tariffs:
            _within("tariffs (a tariff)", tariff, 1, TARIFFS)


@dataclass(frozen=True, slots=True)
class SwitchRelay(Input):
    """Command relay 1 or 2 to close or open, after its delay (objects 1.1.96.52.1 and .3)."""

    kind: ClassVar[str] = "switch-relay"
    relay: int
    closed: bool

    def __post_init__(self) -> None:
        """Two relays."""
        _within("relay", self.relay, 1, 2)


@dataclass(frozen=True, slots=True)
class SetRelayDelay(Input):
    """The longest delay of the relays (object 1.1.96.52.5)."""

    kind: ClassVar[str] = "set-relay-delay"
    delay_s: int

    def __post_init__(self) -> None:
        """Three hours at most (382M technical description, load control)."""
        _within("delay_s", self.delay_s, 0, 10_800)


@dataclass(frozen=True, slots=True)
class SetRegister(Input):
    """Set an energy register, by its number in `Energy`, to this many mWs: legal data."""

    kind: ClassVar[str] = "set-register"
    legal: ClassVar[bool] = True
    channel: int
    value_mws: int

    def __post_init__(self) -> None:
        """A channel there is, and no more than ten thousand MWh."""
        _within("channel", self.channel, 0, len(Energy) - 1)
        _within("value_mws", self.value_mws, 0, 36 * 10**15)


@dataclass(frozen=True, slots=True)
class ClearEvents(Input):
    """Forget these events: masks of event status A and B (objects 0.1.96.10.1 and .2)."""

    kind: ClassVar[str] = "clear-events"
    a: int = 0
    b: int = 0

    def __post_init__(self) -> None:
        """Two words of 32 bits."""
        _within("a", self.a, 0, 2**32 - 1)
        _within("b", self.b, 0, 2**32 - 1)


@dataclass(frozen=True, slots=True)
class SetEventMasks(Input):
    """Let these events of event status A and B alarm (objects 1.1.134.0.6 and .7)."""

    kind: ClassVar[str] = "set-event-masks"
    a: int
    b: int

    def __post_init__(self) -> None:
        """Two words of 32 bits."""
        _within("a", self.a, 0, 2**32 - 1)
        _within("b", self.b, 0, 2**32 - 1)


@dataclass(frozen=True, slots=True)
class SetClock(Input):
    """Set the meter's clock to this UTC second."""

    kind: ClassVar[str] = "set-clock"
    clock: int

    def __post_init__(self) -> None:
        """A clock counts 1990 to 2099."""
        _within("clock", self.clock, EARLIEST_CLOCK, LATEST_CLOCK)


@dataclass(frozen=True, slots=True)
class SetVerificationMode(Input):
    """Show energies with three decimals, so that a short test with a reference meter can be read; or as ordered."""

    kind: ClassVar[str] = "set-verification-mode"
    enabled: bool


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
        _within("tariff", self.tariff, 1, TARIFFS)


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
class SetTariffInputs(Input):
    """The 230 V inputs of the tariff module have voltage, or not."""

    kind: ClassVar[str] = "set-tariff-inputs"
    port1: bool
    port2: bool = False


@dataclass(frozen=True, slots=True)
class SetRipple(Input):
    """The ripple control receiver has had a telegram for this tariff."""

    kind: ClassVar[str] = "set-ripple"
    tariff: int

    def __post_init__(self) -> None:
        """Tariffs are 1 to 8; the meter refuses those above its own number."""
        _within("tariff", self.tariff, 1, TARIFFS)


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
class StopBilling(Input):
    """End the billing period now (object 1.1.0.1.5.128, or the push button)."""

    kind: ClassVar[str] = "stop-billing"


@dataclass(frozen=True, slots=True)
class ResetTripCounter(Input):
    """Both trip counters start again from zero."""

    kind: ClassVar[str] = "reset-trip-counter"


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
        _within("power_w", self.power_w, 0, 2**32 - 1)
        _within("tariff", self.tariff, 0, TARIFFS)


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


@dataclass(frozen=True, slots=True)
class SetPulseInput(Input):
    """Preset the pulse input counter (object 1.1.0.128.1.255)."""

    kind: ClassVar[str] = "set-pulse-input"
    count: int

    def __post_init__(self) -> None:
        """An Unsigned32 on the wire."""
        _within("count", self.count, 0, 2**32 - 1)


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


INPUT_KINDS: Final[Mapping[str, type[Input]]] = {
    kind.kind: kind
    for kind in (
        SetLoad,
        ReleaseLoad,
        SetSupply,
        SetMagnet,
        SetCover,
        SetTerminalCover,
        SetAlarmInput,
        BreakSeal,
        PressButton,
        AddPulses,
        OperateBreaker,
        SetBreakerParameter,
        TopUp,
        SetPrepaymentAlarm,
        SetPrepaymentExceptions,
        SetDisplayList,
        SetRelayMode,
        SwitchRelay,
        SetRelayDelay,
        SetRegister,
        ClearEvents,
        SetEventMasks,
        SetClock,
        SetVerificationMode,
        SetDaylightSaving,
        SetTariff,
        SetTariffMode,
        SetTariffTable,
        SetTariffInputs,
        SetRipple,
        SetIntegrationPeriod,
        StopBilling,
        ResetTripCounter,
        SetPowerThreshold,
        SetAnalysisLogger,
        ClearAnalysisLogger,
        SetDebitingInterval,
        SetPulseInput,
        SetLoadProfilePeriod,
        SetLoadProfileRegisters,
        ClearLoadProfile,
    )
}
"""Every kind of input by its name in a journal."""


def input_from_dict(values: Mapping[str, Any]) -> Input:
    """Read back what `Input.to_dict` gave; raises `ValueError` naming the kind or field at fault."""
    kind = INPUT_KINDS.get(values.get("kind", ""))
    if kind is None:
        raise ValueError(f"input kind is {values.get('kind')!r}; allowed: {', '.join(INPUT_KINDS)}")
    arguments = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name != "kind"
    }
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ValueError(f"input {kind.kind}: {error}") from None


def _within(name: str, value: int, low: int, high: int) -> None:
    if not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} is {value!r}; allowed: {low}..{high}")
