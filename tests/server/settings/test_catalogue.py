"""Every setting, one loop over the catalogue: read, written, kept, logged; what is refused and why; legal data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from metering import Configured, Energy, EventLog
from metering.inputs import BreakSeal, Input
from server.assembly import build_meter
from server.config import MeterConfig
from server.settings import CATALOGUE, INDEX, SettingRefused, Settings
from server.settings.setting import Legal
from server.store import Store
from server.time_source import SteppedTime
from server.virtual_meter import VirtualMeter
from tests.server.conftest import Lab

from .examples import EXAMPLES, REGISTERS, TABLE, example

AT = int(datetime(2026, 3, 2, 12).timestamp())
CHANGEABLE = [setting for setting in CATALOGUE.values() if setting.legal is not Legal.FIXED]
FIXED = [setting for setting in CATALOGUE.values() if setting.legal is Legal.FIXED]


@pytest.fixture
def meter(lab: Callable[..., Lab]) -> VirtualMeter:
    return lab(datetime(2026, 3, 2, 12)).meter


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "state.sqlite")
    yield opened
    opened.close()


def write(settings: Settings, number: int, value: Any) -> None:
    octets = json.dumps(value).encode()
    settings.write_part(number, 0, len(octets), octets)


def read(settings: Settings, number: int) -> Any:
    return json.loads(settings.read(number))


def noted(meter: VirtualMeter) -> list[int]:
    return [row.code for row in meter.engine.event_logger(EventLog.CONFIGURATION, meter.now()).rows]


def number_of(name: str) -> int:
    return next(number for number, setting in CATALOGUE.items() if setting.name == name)


def test_numbers_and_names_come_once_and_every_setting_has_an_example_here() -> None:
    names = [setting.name for setting in CATALOGUE.values()]
    assert len(set(names)) == len(names)
    assert all(0 < number < 255 and number == setting.number for number, setting in CATALOGUE.items())
    assert {setting.name for setting in CHANGEABLE} == {*EXAMPLES, "breaker"}


@pytest.mark.parametrize("setting", CHANGEABLE, ids=lambda setting: setting.name)
def test_a_setting_is_written_read_back_logged_and_there_after_a_restart(setting: Any, store: Store) -> None:
    config = MeterConfig.model_validate({"installation": "constant", "commissioned": "2026-03-01"})
    first, _ = build_meter(config, SteppedTime(AT), store)
    if setting.legal is Legal.SEALED:
        first.apply(BreakSeal())
    settings = Settings(first)
    before, value = read(settings, setting.number), example(settings, setting.number)
    assert value != before
    write(settings, setting.number, value)
    assert (read(settings, setting.number), settings.last_result) == (value, "done")
    assert noted(first) == [setting.number]
    store.commit(first.take_pending()).result()
    second, _ = build_meter(config, SteppedTime(AT), store)
    assert read(Settings(second), setting.number) == value
    assert noted(second) == [setting.number]
    assert second.engine.snapshot() == first.engine.snapshot()


@pytest.mark.parametrize("setting", CHANGEABLE, ids=lambda setting: setting.name)
def test_what_a_setting_says_may_be_written_back(setting: Any, meter: VirtualMeter) -> None:
    meter.apply(BreakSeal())
    settings = Settings(meter)
    value = read(settings, setting.number)
    if value is None:  # no tariff table
        with pytest.raises(SettingRefused):
            write(settings, setting.number, value)
    else:
        write(settings, setting.number, value)
        assert read(settings, setting.number) == value


SENSE = {("display_manual", "[]"), ("display_battery", "[]"), ("daylight_saving", "true"), ("pulse_input_unit", '""')}
"""What looks like nonsense and is not."""


@pytest.mark.parametrize("setting", CHANGEABLE, ids=lambda setting: setting.name)
@pytest.mark.parametrize(
    "nonsense", [None, True, -1, 1.5, 2**70, "\u00e6", "", [], [[]], [1, "a"], {}, {"a": 1}, {"mode": [], "tariffs": 1}]
)
def test_nonsense_is_refused_in_words_and_changes_nothing(setting: Any, nonsense: Any, meter: VirtualMeter) -> None:
    settings = Settings(meter)
    meter.apply(BreakSeal())
    meter.take_pending()
    if (setting.name, json.dumps(nonsense)) in SENSE:
        return
    before, snapshot = settings.read(setting.number), meter.engine.snapshot()
    with pytest.raises(SettingRefused, match=r"."):
        write(settings, setting.number, nonsense)
    assert (settings.read(setting.number), meter.engine.snapshot(), meter.pending) == (before, snapshot, [])


REFUSED = [
    ("display_automatic", ["nothing"], "automatic list of display 382M: no item 'nothing'; see items.csv"),
    ("display_automatic", ["A+"] * 17, "automatic list of display 382M has 17 items; allowed: up to 16"),
    ("display_battery", ["A+"] * 9, "battery list of display 382M has 9 items; allowed: up to 8"),
    ("integration_period_s", 600, "period_s is 600; allowed: 300, 900, 1800, 3600"),
    ("load_profile_registers", ["A14", "A14"], None),
    ("load_profile_registers", ["E14"], "flows is ['E14']; allowed: A14, A23, R12, R34, the flows of the energy type"),
    ("analysis_registers", ["1.1.1.8.0.255"] * 2, None),
    ("debiting_2_interval", "yearly", "interval is 'yearly'; allowed: daily, weekly, monthly"),
    ("target_day", 0, "day is 0; allowed: 1..28"),
    ("target_interval_months", 5, "interval_months is 5; allowed: 0, 1, 2, 3, 6, 12"),
    ("target_start_month", 13, "start_month is 13; allowed: 1..12"),
    ("tariff_thresholds_w", [1, 2], "value is [1, 2]; allowed: a list of 8 numbers"),
    ("tariff_mode", "internal",
     "the meter has no tariff table; allowed: a mode besides internal, or set a table first"),
    ("tariff_table", {**TABLE, "week": []}, "week is []; allowed: seven kinds of day, Monday first"),
    ("pulse_input_constant_milli", 249, "value is 249; allowed: 250..1000000"),
    ("pulse_input_unit", "gal", "unit is 'gal'; allowed: '', 'kWh', 'm3', 'l'"),
    ("event_masks", {"a": 1}, "b is missing"),
    ("event_masks", {"a": 1, "b": 2, "c": 3}, "c is unknown; allowed: a, b"),
    ("relay_1", {"mode": "on", "tariffs": []}, "mode is 'on'; allowed: off, command, tariff"),
    ("relay_1", {"mode": "off", "tariffs": [9]}, "value is 9; allowed: 1..8"),
    ("breaker", {"k1": 5, "k2": 100}, "k2 is 100; allowed: 0..99"),
    ("breaker", {"k1": True}, "k1 is True; allowed: 0..99"),
    ("breaker", {"k9": 1}, None),
    ("prepayment_exceptions", {"days": ["2026-02-30"], "start_s": 0, "end_s": 0}, None),
    ("prepayment_exceptions", {"days": [], "start_s": 10, "end_s": 9}, "end_s is 9; allowed: 10..86400"),
    ("energy_registers", REGISTERS | {"A14": 7_001}, "A14 is 7001; allowed: 7000, the sum of its phases"),
    ("energy_registers", REGISTERS | {"A23": 499}, "A14 less A23 is 6501; allowed: 6500, as the phases have it"),
    ("energy_registers", REGISTERS | {"E14": 6_999}, "E14 is less than A14; allowed: at least as much"),
    ("energy_registers", {"A14": 1}, "A23 is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "reason"), REFUSED)
def test_a_value_outside_the_rules_is_refused_with_the_rule(
    name: str, value: Any, reason: str | None, meter: VirtualMeter
) -> None:
    meter.apply(BreakSeal())
    meter.take_pending()
    settings, snapshot = Settings(meter), meter.engine.snapshot()
    with pytest.raises(SettingRefused) as refused:
        write(settings, number_of(name), value)
    assert settings.last_result == str(refused.value)
    assert len(settings.last_result) <= 100
    if reason is not None:
        assert settings.last_result == (reason if len(reason) <= 100 else reason[:97] + "...")
    assert (meter.engine.snapshot(), meter.pending) == (snapshot, [])


def test_a_meter_for_import_only_refuses_what_it_does_not_count(lab: Callable[..., Lab]) -> None:
    meter = lab(metering={"energy_type": "A+"}).meter
    meter.apply(BreakSeal())
    settings = Settings(meter)
    with pytest.raises(SettingRefused, match="A23 is 500; allowed: 0, the meter does not count it"):
        write(settings, Configured.ENERGY_REGISTERS, REGISTERS)
    readings = {channel.name: 0 for channel in Energy} | {"A14": 5, "A14_L2": 5, "E14": 5}
    write(settings, Configured.ENERGY_REGISTERS, readings)
    assert read(settings, Configured.ENERGY_REGISTERS) == readings


# --- legal data -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("setting", FIXED, ids=lambda setting: setting.name)
def test_what_is_never_changed_is_refused_whatever_the_seal(setting: Any, broken: bool, meter: VirtualMeter) -> None:
    if broken:
        meter.apply(BreakSeal())
    settings = Settings(meter)
    value = read(settings, setting.number)
    with pytest.raises(SettingRefused, match=r"^legal data: never changed$"):
        write(settings, setting.number, value)
    assert (read(settings, setting.number), noted(meter)) == (value, [])


def test_registers_are_set_with_a_broken_seal_only(meter: VirtualMeter) -> None:
    settings = Settings(meter)
    before = read(settings, Configured.ENERGY_REGISTERS)
    with pytest.raises(SettingRefused, match=r"^legal data: the verification seal is intact$"):
        write(settings, Configured.ENERGY_REGISTERS, REGISTERS)
    assert (read(settings, Configured.ENERGY_REGISTERS), noted(meter)) == (before, [])
    meter.apply(BreakSeal())
    write(settings, Configured.ENERGY_REGISTERS, REGISTERS)
    assert read(settings, Configured.ENERGY_REGISTERS) == REGISTERS


def test_facts_of_the_order_are_told(meter: VirtualMeter) -> None:
    settings = Settings(meter)
    told = {setting.name: read(settings, setting.number) for setting in FIXED}
    assert told == {
        "serial_number": 12345678,
        "type_number": meter.type_number,
        "configuration_numbers": [11000002, 22201011, 1000, 100, 0],
        "software_number": "50981040-H1",
        "meter_constant": 1000,
    }


# --- the rest -------------------------------------------------------------------------------------------


def test_the_index_says_what_there_is(meter: VirtualMeter) -> None:
    index = read(Settings(meter), INDEX)
    assert [entry["number"] for entry in index] == list(CATALOGUE)
    assert all(entry.keys() == {"number", "name", "description", "legal", "allowed"} for entry in index)
    assert {entry["name"] for entry in index if entry["legal"]} == {s.name for s in FIXED} | {"energy_registers"}
    assert len(Settings(meter).read(INDEX)) < 16 * 1024


def test_parameters_that_are_left_out_stay(meter: VirtualMeter) -> None:
    settings = Settings(meter)
    before = read(settings, Configured.BREAKER)
    write(settings, Configured.BREAKER, {"k1": 12, "coupling": 1})
    assert read(settings, Configured.BREAKER) == before | {"k1": 12, "coupling": 1}
    assert noted(meter) == [Configured.BREAKER]


@pytest.mark.parametrize("profile", ["382-classic", "382BCDE", "382K", "382L"])
def test_every_generation_can_be_asked_everything(profile: str, lab: Callable[..., Lab]) -> None:
    settings = Settings(lab(profile=profile).meter)
    for number in (INDEX, *CATALOGUE):
        json.loads(settings.read(number))


def test_of_the_inputs_of_a_setting_only_the_first_can_be_refused(meter: VirtualMeter) -> None:
    """All or nothing: what comes behind the first input is checked for its values' sake when it is built."""
    meter.apply(BreakSeal())
    settings = Settings(meter)
    for setting in CHANGEABLE:
        changes = setting.plan(meter, example(settings, setting.number))
        inputs = [change for change in changes if isinstance(change, Input)]
        assert len({type(change) for change in inputs}) <= 1
        if len(inputs) > 1:
            assert inputs[0].kind in ("set-breaker-parameter", "set-power-threshold", "set-register")
