"""What a meter was ordered as: the settings fixed before it runs. What can change later is an input (`inputs/`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from types import MappingProxyType
from typing import Final, Literal

from .clock import EARLIEST_CLOCK, LATEST_CLOCK
from .quantities import TARIFFS, Energy, Flow
from .selectable import DEFAULT_REGISTERS, analysis_registers
from .tariff_control import TariffControl, TariffMode
from .tariff_table import TariffTable

PERIODS_S: Final = (300, 900, 1800, 3600)
"""Integration and load profile periods: 5, 15, 30, 60 minutes (data sheets, integration period 1-4)."""

BILLING_INTERVALS: Final = (0, 1, 2, 3, 6, 12)
"""Months between target days; 0 is none, by command only (data sheet 004, code HH)."""

PULSE_INPUT_UNITS: Final = ("", "kWh", "m3", "l")
PULSE_INPUT_SPEEDS: Final = ("normal", "quick")


class EnergyType(Enum):
    """Which energies the meter is approved for: those it counts, and so which columns its load profile has.

    `A+R1` counts reactive energy in the first quadrant only, so its R+ is R1.
    """

    IMPORT = "A+"
    IMPORT_EXPORT = "A+A-"
    IMPORT_REACTIVE = "A+R+"
    IMPORT_FIRST_QUADRANT = "A+R1"
    FOUR_QUADRANT = "A+A-R+R-"

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The flows recorded, in column order."""
        return _FLOWS[self]

    @property
    def not_counted(self) -> tuple[Energy, ...]:
        """The channels that stay zero."""
        return _NOT_COUNTED[self]


class DebitingInterval(Enum):
    """When debiting logger 2 writes a row; their order is that of the object's numbers 0, 1, 2."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


_FLOWS: Final = {
    EnergyType.IMPORT: (Flow.A14,),
    EnergyType.IMPORT_EXPORT: (Flow.A14, Flow.A23),
    EnergyType.IMPORT_REACTIVE: (Flow.A14, Flow.R12),
    EnergyType.IMPORT_FIRST_QUADRANT: (Flow.A14, Flow.R12),
    EnergyType.FOUR_QUADRANT: (Flow.A14, Flow.A23, Flow.R12, Flow.R34),
}

_EXPORT: Final = (Energy.A23, Energy.A23_L1, Energy.A23_L2, Energy.A23_L3, Energy.E23)
_NOT_COUNTED: Final[dict[EnergyType, tuple[Energy, ...]]] = {
    EnergyType.IMPORT: (*_EXPORT, Energy.R1, Energy.R2, Energy.R3, Energy.R4),
    EnergyType.IMPORT_EXPORT: (Energy.R1, Energy.R2, Energy.R3, Energy.R4),
    EnergyType.IMPORT_REACTIVE: (*_EXPORT, Energy.R3, Energy.R4),
    EnergyType.IMPORT_FIRST_QUADRANT: (*_EXPORT, Energy.R2, Energy.R3, Energy.R4),
    EnergyType.FOUR_QUADRANT: (),
}


def _depths(*days: int) -> Mapping[int, int]:
    return MappingProxyType(dict(zip(PERIODS_S, days, strict=True)))


LOAD_PROFILE_DEPTH_DAYS_382M: Final[Mapping[EnergyType, Mapping[int, int]]] = MappingProxyType(
    {
        EnergyType.IMPORT: _depths(92, 275, 550, 1100),
        EnergyType.IMPORT_EXPORT: _depths(77, 231, 462, 924),
        EnergyType.IMPORT_REACTIVE: _depths(77, 231, 462, 924),
        EnergyType.IMPORT_FIRST_QUADRANT: _depths(77, 231, 462, 924),
        EnergyType.FOUR_QUADRANT: _depths(58, 175, 350, 700),
    }
)
"""Days of load profile by energy type and period, 382M data sheet; two columns are two columns (OMNIPOWER technical
description, table 11)."""

LOAD_PROFILE_DEPTH_DAYS_382L: Final[Mapping[EnergyType, Mapping[int, int]]] = MappingProxyType(
    {
        EnergyType.IMPORT: _depths(199, 597, 1194, 2388),
        EnergyType.IMPORT_EXPORT: _depths(113, 341, 682, 1364),
        EnergyType.IMPORT_REACTIVE: _depths(113, 341, 682, 1364),
        EnergyType.IMPORT_FIRST_QUADRANT: _depths(113, 341, 682, 1364),
        EnergyType.FOUR_QUADRANT: _depths(61, 183, 367, 734),
    }
)
"""Days of load profile by energy type and period, 382K and 382L data sheets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterConfiguration:
    """The order of one meter. Raises `ValueError` naming the field, its value and what is allowed."""

    serial_number: int
    commissioned_at: int
    """True time at which the meter was first powered, everything zero."""
    energy_type: EnergyType = EnergyType.FOUR_QUADRANT
    integration_period_s: int = 900
    load_profile_period_s: int = 900
    load_profile_depth_days: Mapping[int, int] = field(
        default_factory=lambda: LOAD_PROFILE_DEPTH_DAYS_382M[EnergyType.FOUR_QUADRANT]
    )
    """Period in seconds to days kept; has every period that may be set."""
    gmt_offset_s: int = 3_600
    dst: bool = True
    billing_day: int = 1
    billing_interval_months: int = 1
    billing_start_month: int = 1
    billing_depth: int = 36
    debiting2_interval: DebitingInterval = DebitingInterval.DAILY
    debiting2_depth: int = 45
    """Rows of debiting logger 2 (382M; OMNIPOWER 175)."""
    analysis_period_s: int = 900
    analysis_registers: tuple[str, ...] = DEFAULT_REGISTERS
    """OBIS codes of what the analysis logger records, at first."""
    hourly_store: bool = False
    """Whether hours of operation are the meter's time: hourly store and monthly values of 730 hours (type 685)."""
    pulse_input_constant_milli: int = 1_000
    """Thousandths of a pulse per unit of the pulse input: 0.25 to 1000 pulses (data sheets, pulse input)."""
    pulse_input_unit: Literal["", "kWh", "m3", "l"] = ""
    """Configuration number 3, code NN."""
    pulse_input_speed: Literal["normal", "quick"] = "normal"
    """Pulses longer than 1 s at 0.5 Hz at most, or of 30 ms at 16 Hz at most."""
    tariffs: int = TARIFFS
    tariff_mode: TariffMode = TariffMode.COMMAND
    tariff_table: TariffTable | None = None
    """The internal table; may be given as plain values."""
    tariff_module: Literal[2, 4] = 4
    """Tariffs of the tariff module, if one is fitted (OMNIPOWER technical description, 230 V input module)."""
    tariff_module_inverted: bool = False
    """Whether its inputs count backwards: none T4, both T1."""
    summation: Literal["vector", "individual"] = "vector"
    """Three-phase summation, fixed at ordering (OMNIPOWER technical description, table 7)."""
    connection: Literal["1-phase", "2-phase", "3-phase", "aron"] = "3-phase"
    """Which phases are fitted; Aron is three wires, two elements, lines of 3x230 V (data sheets, Un)."""
    accuracy_class: Literal["A", "B", "1", "2"] = "B"
    """MID class A or B (EN 50470-3), IEC class 1 or 2 (IEC 62053-21)."""
    basic_current_ma: int = 5_000
    maximum_current_ma: int = 85_000
    starting_current_ma: int | None = 10
    """Below it nothing is counted; 10 mA is the 382M's 2.3 W. None is what the class allows at most."""
    error_seed: int | None = None
    """Seed of this meter's measuring errors; None measures exactly."""
    meter_constant: int = 1_000
    """LED and S0 pulses per kWh and kvarh; current transformer meters have 10000."""
    pulse_length_ms: Literal[30, 80] = 30
    led_lit_idle: bool = False
    """Whether the LED is lit while nothing is drawn (configuration number 1, code B = 2)."""
    peak_tariff: Literal[0, 1, 2] = 0
    """The tariff whose periods the peaks are of, 0 for all (configuration number 3, code K)."""
    power_threshold_w: int = 99_000
    event_logger_depth: int = 200
    rtc_backup_s: int | None = 4 * 86_400
    """How long the clock runs without supply: 382M supercap 4 days, others 7, battery 10 years; None: no clock."""
    display: Literal["382-classic", "382BCDE", "382K", "382L", "382M"] = "382M"
    """Which display is fitted; `display/layouts.toml` has its fields and lists."""
    display_decimals: Literal["7.0", "6.1", "7.2", "6.3"] = "7.0"
    """Digits of an energy on it before and after the point (configuration number 1, code A)."""
    display_lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Lists in place of the display's own, `automatic`, `manual` and `battery`: keys of `display/items.csv`."""
    rtc_drift: bool = False
    """Whether the clock runs wrong by what its crystal and the temperature make of it (`crystal.py`)."""
    breaker: bool = True
    button_disconnects: bool = False
    """Whether a press of 6 s opens the breaker, unless what is on the display or the breaker wants something else."""
    fill_outages: bool = True
    """Whether load profile rows of a power cut are written when supply is back (WELMEC 11.2)."""

    def __post_init__(self) -> None:
        """Check every field; energy type may be given by its text, such as `"A+"`."""
        object.__setattr__(self, "energy_type", EnergyType(self.energy_type))
        object.__setattr__(self, "load_profile_depth_days", MappingProxyType(dict(self.load_profile_depth_days)))
        _check("serial_number", self.serial_number, range(100_000_000), "0..99999999")
        _check("commissioned_at", self.commissioned_at, range(EARLIEST_CLOCK, LATEST_CLOCK), "1990 to 2099")
        _check("integration_period_s", self.integration_period_s, PERIODS_S)
        _check("load_profile_period_s", self.load_profile_period_s, tuple(self.load_profile_depth_days))
        for period, days in self.load_profile_depth_days.items():
            _check("load_profile_depth_days (a period)", period, PERIODS_S)
            _check(f"load_profile_depth_days[{period}]", days, range(1, 10_000), "1..9999")
        _check("gmt_offset_s", self.gmt_offset_s, range(-12 * 3_600, 14 * 3_600 + 1, 900), "-12 h..+14 h in quarters")
        _check("billing_day", self.billing_day, range(1, 29), "1..28")
        _check("billing_interval_months", self.billing_interval_months, BILLING_INTERVALS)
        _check("billing_start_month", self.billing_start_month, range(1, 13), "1..12")
        _check("billing_depth", self.billing_depth, range(1, 1_000), "1..999")
        _check("tariffs", self.tariffs, range(1, TARIFFS + 1), "1..8")
        object.__setattr__(self, "debiting2_interval", DebitingInterval(self.debiting2_interval))
        _check("debiting2_depth", self.debiting2_depth, range(1, 1_000), "1..999")
        _check("analysis_period_s", self.analysis_period_s, PERIODS_S)
        object.__setattr__(self, "analysis_registers", tuple(self.analysis_registers))
        analysis_registers(self.analysis_registers)
        _check("pulse_input_constant_milli", self.pulse_input_constant_milli, range(250, 1_000_001), "250..1000000")
        _check("pulse_input_unit", self.pulse_input_unit, PULSE_INPUT_UNITS)
        _check("pulse_input_speed", self.pulse_input_speed, PULSE_INPUT_SPEEDS)
        object.__setattr__(self, "tariff_mode", TariffMode(self.tariff_mode))
        if isinstance(self.tariff_table, Mapping):
            object.__setattr__(self, "tariff_table", TariffTable.from_dict(self.tariff_table))
        _check("tariff_module", self.tariff_module, (2, 4))
        highest = TariffControl(self).highest_tariff(self.tariff_mode, self.tariff_table)
        _check("tariffs", self.tariffs, range(highest, TARIFFS + 1), f"{highest}..8, which the tariff mode needs")
        _check("summation", self.summation, ("vector", "individual"))
        _check("connection", self.connection, ("1-phase", "2-phase", "3-phase", "aron"))
        if self.connection == "aron":
            _check("summation of an Aron meter", self.summation, ("vector",))
        _check("accuracy_class", self.accuracy_class, ("A", "B", "1", "2"))
        _check("basic_current_ma", self.basic_current_ma, range(1_000, 20_001), "1000..20000")
        _check("maximum_current_ma", self.maximum_current_ma, range(5_000, 200_001), "5000..200000")
        if self.starting_current_ma is not None:
            _check("starting_current_ma", self.starting_current_ma, range(201), "0..200, or None")
        if self.error_seed is not None:
            _check("error_seed", self.error_seed, range(2**64), "0..2^64-1, or None")
        _check("meter_constant", self.meter_constant, (1_000, 10_000))
        _check("pulse_length_ms", self.pulse_length_ms, (30, 80))
        _check("peak_tariff", self.peak_tariff, (0, 1, 2))
        _check("power_threshold_w", self.power_threshold_w, range(2**32), "0..4294967295")
        _check("event_logger_depth", self.event_logger_depth, range(1, 10_000), "1..9999")
        if self.rtc_backup_s is not None:
            _check("rtc_backup_s", self.rtc_backup_s, range(2**31), "0..2147483647, or None")
        lists = {name: tuple(keys) for name, keys in self.display_lists.items()}
        object.__setattr__(self, "display_lists", MappingProxyType(lists))
        for name in lists:
            _check("display_lists (a list)", name, ("automatic", "manual", "battery"))
        _check("display", self.display, ("382-classic", "382BCDE", "382K", "382L", "382M"))
        _check("display_decimals", self.display_decimals, ("7.0", "6.1", "7.2", "6.3"))
        _check("rtc_drift", self.rtc_drift, (True, False))
        _check("breaker", self.breaker, (True, False))
        _check("button_disconnects", self.button_disconnects, (True, False))
        _check("fill_outages", self.fill_outages, (True, False))

    @property
    def starts_at_ma(self) -> int:
        """The starting current: as ordered, or Ib / 250 in class B and 1 and Ib / 200 in A and 2.

        EN 50470-3 has 0.04 and 0.05 of a transition current that is a tenth of Ib; IEC 62053-21 the same of Ib.
        """
        if self.starting_current_ma is not None:
            return self.starting_current_ma
        return self.basic_current_ma // (250 if self.accuracy_class in ("B", "1") else 200)

    def load_profile_entries(self, period_s: int) -> int:
        """How many rows the load profile holds with this period."""
        return self.load_profile_depth_days[period_s] * 86_400 // period_s

    @property
    def phases(self) -> slice:
        """Which of L1, L2, L3 have a measuring system."""
        return {"1-phase": slice(0, 1), "2-phase": slice(0, 2), "aron": slice(0, 3, 2)}.get(
            self.connection, slice(0, 3)
        )

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values, for storage and for the fingerprint of a snapshot."""
        plain: dict[str, object] = {item.name: getattr(self, item.name) for item in fields(self)}
        plain["energy_type"] = self.energy_type.value
        plain["display_lists"] = {name: list(keys) for name, keys in self.display_lists.items()}
        plain["analysis_registers"] = list(self.analysis_registers)
        plain["debiting2_interval"] = self.debiting2_interval.value
        plain["tariff_mode"] = self.tariff_mode.value
        plain["tariff_table"] = None if self.tariff_table is None else self.tariff_table.to_dict()
        plain["load_profile_depth_days"] = {str(period): days for period, days in self.load_profile_depth_days.items()}
        return plain


def _check(name: str, value: object, allowed: range | tuple[object, ...], text: str = "") -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; allowed: {text or ', '.join(map(str, allowed))}")
