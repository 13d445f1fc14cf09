"""The nameplate: what a 382 is physically, read from its data sheet. Nothing here changes what is measured.

`NameplateData` is what a device profile says of its generation; `nameplate` picks what belongs to the meter ordered.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from .configuration_numbers import ConfigurationNumbers
from .type_number import TypeNumber

_VOLTAGES: Final = {"1-phase": "1x230", "2-phase": "2x230/400", "3-phase": "3x230/400", "aron": "3x230"}
_BREAKER_TEXT: Final = {True: "with breaker", False: "without breaker"}


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BreakerVariant(_Table):
    """What differs between meters with and without breaker; own consumption is per phase, and is not registered."""

    currents: tuple[str, ...]
    weight_g: int
    current_circuit_va: float
    voltage_circuit_va: float
    voltage_circuit_w: float


class NameplateData(_Table):
    """A generation's physical data. Ranges are (lowest, highest); tolerances in percent of the nominal value."""

    nominal_voltages: tuple[str, ...]
    voltage_tolerance_percent: tuple[int, int]
    frequencies_hz: tuple[int, ...]
    frequency_tolerance_percent: int
    classes: tuple[str, ...]
    approvals: tuple[str, ...]
    standards: tuple[str, ...]
    phase_shift: str
    operating_temperature_c: tuple[int, int]
    storage_temperature_c: tuple[int, int]
    display_temperature_c: tuple[int, int] | tuple[()] = ()
    relative_humidity: tuple[str, ...]
    ip_code: str
    protection_class: str
    application: str
    impulse_voltage_kv: tuple[int, ...]
    burst_kv: int | None = None
    short_circuit: str
    meter_constant: int
    pulse_length_ms: int
    pulse_length_tolerance_percent: int
    s0_voltage_v: int
    s0_current_ma: int
    pulse_limits_a: dict[int, dict[int, float]] = Field(default_factory=dict)
    materials: tuple[str, ...]
    memory: str
    display: tuple[str, ...]
    rtc_accuracy_ppm: int | None = None
    supercap_days: int | None = None
    module_slots: tuple[str, ...]
    optical_port: str
    terminals: tuple[str, ...]
    without_breaker: BreakerVariant | None = None
    with_breaker: BreakerVariant | None = None


@dataclass(frozen=True)
class Nameplate:
    """One meter's nameplate: its order, and the physical data of its generation. Texts carry their units."""

    model: str
    type_number: str
    measuring_principle: str
    nominal_voltage: str
    voltages_offered: str
    voltage_range: str
    currents: str
    currents_offered: str
    accuracy_class: str
    classes_offered: str
    frequency: str
    phase_shift: str
    meter_constant: str
    pulses: str
    s0_output: str
    pulse_limits: str
    own_consumption: str
    weight: str
    operating_temperature: str
    storage_temperature: str
    display_temperature: str
    relative_humidity: str
    ip_code: str
    protection_class: str
    application: str
    impulse_voltage: str
    burst: str
    short_circuit: str
    materials: str
    memory: str
    display: str
    clock: str
    clock_backup: str
    breaker: str
    radio: str
    module: str
    module_slots: str
    optical_port: str
    terminals: str
    approvals: str
    standards: str

    def rows(self) -> list[tuple[str, str]]:
        """What there is, as (name, text) in order; a row that does not apply to this meter is left out."""
        pairs = [(item.name.replace("_", " "), getattr(self, item.name)) for item in fields(self)]
        return [(name.replace("ip code", "IP code").replace("s0", "S0"), text) for name, text in pairs if text]


def nameplate(number: TypeNumber, data: NameplateData, configuration: ConfigurationNumbers | None = None) -> Nameplate:
    """The nameplate of a meter, as configured.

    Raises `ValueError` where this generation has no meter with breaker, or none without.
    """
    facts = number.facts
    model = "685-382" if facts.generation == "classic" else f"382{facts.generation}"
    variant = data.with_breaker if facts.breaker else data.without_breaker
    if variant is None:
        raise ValueError(f"type number {number}: a {model} comes only {_BREAKER_TEXT[not facts.breaker]}")
    low, high = data.voltage_tolerance_percent
    frequencies = "/".join(map(str, data.frequencies_hz))
    return Nameplate(
        model=model,
        type_number=str(number),
        measuring_principle="current by one shunt a phase, voltage by a resistive divider",
        nominal_voltage=f"{_VOLTAGES[facts.connection]} V",
        voltages_offered=", ".join(data.nominal_voltages),
        voltage_range=f"{230 * (100 + low) / 100:g} to {230 * (100 + high) / 100:g} V ({_tolerance(low, high)})",
        currents=f"{facts.basic_current_a}({facts.maximum_current_a}) A, terminals {facts.terminals_mm2} mm2",
        currents_offered=", ".join(variant.currents),
        accuracy_class=facts.accuracy_class,
        classes_offered=", ".join(data.classes),
        frequency=f"{frequencies} Hz +/- {data.frequency_tolerance_percent} %",
        phase_shift=data.phase_shift,
        meter_constant=f"{data.meter_constant} imp/kWh",
        pulses=f"LED and S0 together, {data.pulse_length_ms} ms +/- {data.pulse_length_tolerance_percent} %",
        s0_output=f"up to {data.s0_voltage_v} V DC, {data.s0_current_ma} mA",
        pulse_limits=_limits(data.pulse_limits_a),
        own_consumption=f"a phase: current circuit {variant.current_circuit_va:g} VA, voltage circuit "
        f"{variant.voltage_circuit_va:g} VA, {variant.voltage_circuit_w:g} W; not registered",
        weight=f"{variant.weight_g} g",
        operating_temperature=_range(data.operating_temperature_c),
        storage_temperature=_range(data.storage_temperature_c),
        display_temperature=_range(data.display_temperature_c),
        relative_humidity="; ".join(data.relative_humidity),
        ip_code=data.ip_code,
        protection_class=data.protection_class,
        application=data.application,
        impulse_voltage=", ".join(f"{value} kV" for value in data.impulse_voltage_kv),
        burst=f"{data.burst_kv} kV" if data.burst_kv else "",
        short_circuit=data.short_circuit,
        materials="; ".join(data.materials),
        memory=data.memory,
        display="; ".join(data.display),
        clock=f"typically {data.rtc_accuracy_ppm} ppm at 23 C" if facts.rtc else "none: hour counter only",
        clock_backup=_backup(number, data),
        breaker="integrated, bistable; no safety function" if facts.breaker else "none",
        radio=_radio(number, configuration),
        module="" if configuration is None else f"{configuration.module.code}, {configuration.module.text}",
        module_slots=", ".join(data.module_slots),
        optical_port=data.optical_port,
        terminals="; ".join(data.terminals),
        approvals="; ".join(data.approvals),
        standards="; ".join(data.standards),
    )


def _tolerance(low: int, high: int) -> str:
    return f"+/- {high} %" if low == -high else f"{low} to +{high} %"


def _range(value: tuple[int, int] | tuple[()]) -> str:
    return "" if not value else f"{value[0]} to {value[1]} C"


def _limits(limits: dict[int, dict[int, float]]) -> str:
    """The highest load at each number of pulses per kWh, by length of pulse and pause."""
    return "; ".join(
        f"{length} ms: " + ", ".join(f"{pulses} imp/kWh {amperes:g} A" for pulses, amperes in by_pulses.items())
        for length, by_pulses in limits.items()
    )


def _radio(number: TypeNumber, configuration: ConfigurationNumbers | None) -> str:
    """The built-in radio; another communication module switches it off (data sheets, built-in radio)."""
    kind = number.facts.radio
    off = configuration is not None and configuration.facts.module_communicates
    return f"{kind}, built in" + (", switched off by the module" if off else "") if kind else "none"


def _backup(number: TypeNumber, data: NameplateData) -> str:
    if number.facts.rtc == "supercap":
        return f"supercap (life > 10 years), {data.supercap_days} days fully charged"
    return "lithium battery, > 10 years" if number.facts.rtc == "battery" else ""
