"""What happens around a meter: load, supply, hands, pulses and signals on its terminals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from ..quantities import TARIFFS
from .base import Input, within

NOMINAL_VOLTAGE_MV: Final = 230_000
Phases = tuple[int, int, int]


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
        within("length_s", self.length_s, 0, 3_600)


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
        within("count", self.count, 0, 2**32 - 1)
        within("length_ms", self.length_ms, 1, 10**9)
        within("pause_ms", self.pause_ms, 1, 10**9)


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
        within("tariff", self.tariff, 1, TARIFFS)
