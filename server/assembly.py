"""From configuration to meters: orders, installations, and what a state file remembers of them."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from metering import EnergyType, Meter, MeterConfiguration
from metering.configuration import PERIODS_S
from metering.display import layout_of
from metering.installation import (
    ConstantInstallation,
    HouseholdInstallation,
    Installation,
    LiveInstallation,
    ReplayInstallation,
)

from .binding import ObjectModel, object_model
from .config import InstallationConfig, MeterConfig, RunConfig
from .device_profile import DeviceProfile, load_profile
from .security.meter_security import MeterSecurity
from .store import Store, StoredMeter, StoreError
from .time_source import Anchor, RunningTime, TimeSource, resume
from .virtual_meter import VirtualMeter

_DEFAULT_HISTORY: Final = timedelta(days=365)
"""A meter nobody gave a commissioning date was installed a year before it first ran: there is something to read."""


def build_installation(config: InstallationConfig, serial_number: int) -> Installation:
    """The premises; raises `ValueError` where a file or value is wrong. Without a seed it is the serial number."""
    if config.kind == "household":
        return HouseholdInstallation(
            seed=serial_number if config.seed is None else config.seed,
            annual_kwh=config.annual_kwh,
            pv_peak_w=config.pv_peak_w,
            car_charger=config.car_charger,
            heat_pump=config.heat_pump,
            grid_s=config.grid_s,
        )
    voltages = _milli(config.voltage_v)
    if config.kind == "constant":
        frequency, temperature = round(config.frequency_hz * 1000), round(config.temperature_degc * 1000)
        powers = _milli(config.active_w), _milli(config.reactive_var)
        return ConstantInstallation(*powers, voltages, frequency, temperature)
    if config.kind == "live":
        return LiveInstallation(voltages)
    assert config.file is not None
    return ReplayInstallation.read(config.file, repeat=config.repeat)


def _milli(values: tuple[float, float, float]) -> tuple[int, int, int]:
    first, second, third = (round(value * 1000) for value in values)
    return first, second, third


def order(profile: DeviceProfile, config: MeterConfig, commissioned_at: int) -> MeterConfiguration:
    """The order of one meter: the profile's, with the changes of the configuration. Raises `ValueError`."""
    metering = profile.metering
    changes = {name: value for name, value in config.metering.model_dump().items() if value is not None}
    energy_type = changes.pop("energy_type", metering.energy_type)
    ordered = MeterConfiguration(
        serial_number=config.serial_number,
        commissioned_at=commissioned_at,
        energy_type=EnergyType(energy_type),
        load_profile_depth_days=metering.depth_days_of(energy_type) or _NO_LOAD_PROFILE,
        basic_current_ma=metering.basic_current_a * 1_000,
        maximum_current_ma=metering.maximum_current_a * 1_000,
        rtc_backup_s=_rtc_backup_s(profile),
        **{name: getattr(metering, name) for name in _ORDERED} | changes,
    )
    layout_of(ordered)  # refuses lists against the rules
    return ordered


_ORDERED: Final = (
    "integration_period_s",
    "load_profile_period_s",
    "gmt_offset_s",
    "dst",
    "billing_day",
    "billing_interval_months",
    "billing_start_month",
    "billing_depth",
    "debiting2_depth",
    "event_logger_depth",
    "peak_tariff",
    "tariffs",
    "tariff_mode",
    "tariff_module",
    "summation",
    "connection",
    "accuracy_class",
    "starting_current_ma",
    "breaker",
    "display",
    "display_decimals",
    "pulse_length_ms",
    "led_lit_idle",
    "pulse_input_unit",
    "hourly_store",
    "power_threshold_w",
)
"""What profile and order call by the same name."""

_NO_LOAD_PROFILE: Final = dict.fromkeys(PERIODS_S, 1)
"""Depths of a generation that has no load profile: the engine keeps a day of it, and nothing reads it."""


def _rtc_backup_s(profile: DeviceProfile) -> int | None:
    """How long the clock runs without supply, fully charged; None without a clock (data sheets, RTC backup)."""
    days = {"none": None, "battery": 10 * 365, "supercap": profile.nameplate.supercap_days}[profile.metering.rtc]
    return None if days is None else days * 86_400


def open_time(config: RunConfig, store: Store | None) -> RunningTime:
    """The time source of a run. The meters of a state file go on from where they were left.

    `start` counts where it is later than that, and for a file that was begun with the same `start` it has counted.
    Raises `StoreError` where it lies before what the meters have lived through.
    """
    wall = time.time()
    kept = store.kept_time() if store is not None else None
    start = None if config.start is None else config.start.timestamp()
    if kept is None or store is None:
        moment = wall if start is None else start
    else:
        moment = resume(kept.anchor, kept.reached, wall)
        if start is not None and start >= moment:
            moment = start
        elif start is not None and start != kept.start:
            raise StoreError(
                f"{store.path}: its meters have already lived until {_text(moment)}; "
                f"start later than that, or use another state file"
            )
    if config.speed == 1 and abs(moment - wall) < 1e-3:
        moment = wall
    running = RunningTime(Anchor(wall, moment, config.speed))
    if store is not None:
        if kept is None and start is not None:
            store.keep_start(start)
        store.keep_time(running.anchor).result()
    return running


def _text(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def build_meter(config: MeterConfig, time_source: TimeSource, store: Store | None) -> tuple[VirtualMeter, ObjectModel]:
    """A meter, new or as the store remembers it.

    Raises `StoreError` where store and configuration disagree, `KeyFileError` where its keys cannot be used.
    """
    profile = load_profile(config.profile, config.type_number, config.configuration_numbers)
    stored = store.load(config.serial_number) if store is not None else None
    commissioned_at = _commissioned(config, profile, time_source, stored)
    configuration = order(profile, config, commissioned_at)
    installation = build_installation(config.installation, config.serial_number)
    identity = {
        "profile": profile.name,
        "type_number": profile.identity.type_number,
        "configuration_numbers": list(profile.identity.configuration_numbers),
        "commissioned_at": commissioned_at,
        "order": configuration.to_dict(),
        "installation": installation.identity(),
    }
    key_file = None if store is None else store.key_file
    if stored is None:
        meter = VirtualMeter(profile, Meter(configuration, installation), time_source, key_file=key_file)
        if store is not None:
            store.create(config.serial_number, identity).result()
    else:
        assert store is not None
        _compare(store.path, config.serial_number, stored.identity, identity)
        if stored.engine is None:
            engine = Meter(configuration, installation)
        else:
            try:
                engine = Meter.restore(configuration, installation, stored.engine)
            except ValueError as error:
                raise StoreError(f"{store.path}: meter {config.serial_number}: {error}") from error
        meter = VirtualMeter(profile, engine, time_source, stored.memory, stored.sequence, key_file)
        for entry in stored.journal:
            meter.replay(entry)
    _check_keys(meter)
    model = object_model(config.profile, configuration.energy_type.value)
    if config.hdlc_address is not None and model.hdlc is not None:
        model.hdlc.set_device_address(meter, config.hdlc_address)
    return meter, model


def _check_keys(meter: VirtualMeter) -> None:
    """The keys of every Security setup are there and fit its suite; raises `KeyFileError`."""
    for setup in meter.profile.security_setups:
        meter.key_file.keep_delivered()
        meter.key_file.delivered(setup.suite)
    if meter.secrets.setups:
        MeterSecurity(meter)  # refuses keys of its own that do not fit


def _commissioned(
    config: MeterConfig, profile: DeviceProfile, time_source: TimeSource, stored: StoredMeter | None
) -> int:
    if config.commissioned is not None:
        return int(config.commissioned.timestamp())
    if stored is not None:
        return int(stored.identity["commissioned_at"])
    day = 86_400
    offset = config.metering.gmt_offset_s
    shift = profile.metering.gmt_offset_s if offset is None else offset
    begin = time_source.now() - int(_DEFAULT_HISTORY.total_seconds())
    return (begin + shift) // day * day - shift  # midnight, normal time


def _compare(path: Path, serial_number: int, stored: dict[str, Any], wanted: dict[str, Any]) -> None:
    """A stored meter is what it is: another profile, order or installation would change its past."""
    for name, value in wanted.items():
        if stored.get(name) != value:
            raise StoreError(
                f"{path}: meter {serial_number} is there with {'' if name.endswith('s') else 'an'}other "
                f"{name.replace('_', ' ')} "
                f"({_short(stored.get(name))} instead of {_short(value)}); "
                "use the same, another serial number, or another state file (--state, --ephemeral)"
            )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 120 else text[:117] + "..."
