"""The generations: every profile that ships is ordered, runs and is read as its documents say."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from datetime import datetime
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any, Literal

import pytest

from metering import EnergyType, MeterConfiguration
from server.config import MeterOverrides, RunConfig, load_config
from server.device_profile import DeviceProfile, available, load_profile
from server.iec62056_21 import Readout
from server.profile_tables import Metering
from transports.iec62056_21 import Iec62056Line

from .conftest import Lab

LabBuilder = Callable[..., Lab]
SIGN_ON = b"/?!\r\n"
CLASSIC, BCDE, K, L, M = "382-classic", "382BCDE", "382K", "382L", "382M"


class Station:
    """A reader with a clock in its hand: what a meter sends, and when."""

    def __init__(self, bench: Lab, line_time: Literal["both", "received", "none"] = "both") -> None:
        self.line = Iec62056Line()
        self.line.attach(bench.meter, Readout(bench.model, bench.meter, line_time=line_time))
        self.now = 0.0
        self.heard: list[tuple[float, bytes]] = []

    def send(self, octets: bytes) -> None:
        """Put octets on the line."""
        self.line.receive_data(octets, self.now)

    def listen(self, seconds: float) -> None:
        """Let time pass, from timer to timer."""
        end = self.now + seconds
        while (deadline := self.line.next_timer()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.line.handle_timer(self.now)
            if data := self.line.data_to_send():
                self.heard.append((self.now, data))
        self.now = end


def read(bench: Lab, acknowledgement: bytes = b"") -> tuple[str, list[str], int]:
    """Sign on and read out: identification, lines, and the block check character."""
    station = Station(bench)
    station.send(SIGN_ON)
    station.listen(1.2)
    if acknowledgement:
        station.send(acknowledgement)
    station.listen(60)
    (_, identification), (_, message) = station.heard
    assert identification.startswith(b"/")
    assert identification.endswith(b"\r\n")
    assert message[:1] == b"\x02"
    body, check = message[1:-1], message[-1]
    assert body.endswith(b"!\r\n\x03")
    return identification[1:-2].decode(), body[:-1].decode().split("\r\n")[:-1], check


def items(lines: list[str]) -> dict[str, str]:
    """Data sets by id."""
    sets = [re.fullmatch(r"([0-9.*]+)\((.*?)\)(?:\([0-9]+\))?!?", line) for line in lines if line != "!"]
    assert None not in sets
    return {found[1]: found[2] for found in sets if found is not None}


def profile(name: str, *numbers: Any) -> DeviceProfile:
    return load_profile(name, *numbers)


# --- every profile --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", available())
def test_every_profile_runs_a_year_and_is_read_in_mode_a(lab: LabBuilder, name: str) -> None:
    bench = lab(profile=name, commissioned=datetime(2025, 3, 1), installation={"kind": "household", "seed": 1})
    identification, lines, check = read(bench)
    sets = items(lines)
    total = next(text for key, text in sets.items() if key in ("1.8.0", "1.20"))
    assert 2_000 < int(total.split("*")[0]) < 6_000
    behaviour = bench.meter.profile.iec62056_21
    assert [
        item.id for item in behaviour.lists[behaviour.user_data - 1 if behaviour.user_data == 2 else 0].items
    ] == list(sets)
    body = ("\r\n".join(lines) + "\r\n\x03").encode()
    assert check == (sum(body) & 0x7F if name == CLASSIC else reduce(xor, body))
    assert identification.startswith("KAM")


@pytest.mark.parametrize("line_time", ["received", "none"])
@pytest.mark.parametrize("name", [CLASSIC, BCDE, K, L])
def test_no_reader_with_a_second_of_patience_loses_the_data_of_mode_a(
    lab: LabBuilder, name: str, line_time: Literal["received", "none"]
) -> None:
    """On a line without pace; and identification and data are two messages to a reader that looks for a pause."""
    station = Station(lab(profile=name), line_time)
    station.send(SIGN_ON)
    station.listen(5)
    (identified, _), (answered, _) = station.heard
    assert identified < 0.9
    assert 0.3 <= answered - identified < 0.9


@pytest.mark.parametrize("line_time", ["received", "none"])
@pytest.mark.parametrize("name", [L, M])
def test_a_reader_that_opens_its_port_anew_loses_no_data_of_mode_c(
    lab: LabBuilder, name: str, line_time: Literal["received", "none"]
) -> None:
    station = Station(lab(profile=name), line_time)
    station.send(SIGN_ON)
    station.listen(0.4)
    asked = station.now
    station.send(b"\x06050\r\n")
    station.listen(5)
    _, (answered, _) = station.heard
    assert 0.6 <= answered - asked < 0.9


@pytest.mark.parametrize("name", available())
def test_every_profile_is_ordered_by_its_own_numbers(lab: LabBuilder, name: str) -> None:
    bench = lab(profile=name)
    ordered, metering = bench.meter.engine.configuration, bench.meter.profile.metering
    facts = bench.meter.profile.identity.type.facts
    assert ordered.energy_type is EnergyType(facts.energy_type)
    assert (ordered.connection, ordered.accuracy_class) == (facts.connection, facts.accuracy_class)
    assert facts.maximum_current_a is not None
    assert ordered.maximum_current_ma == facts.maximum_current_a * 1_000
    assert ordered.breaker is facts.breaker is metering.breaker
    assert ordered.display == name.removesuffix("-secure")
    if (numbers := bench.meter.profile.identity.configuration) is not None:
        assert ordered.integration_period_s == numbers.facts.integration_period_s
        assert ordered.display_decimals == numbers.facts.display_decimals
        assert (ordered.gmt_offset_s, ordered.dst) == (numbers.facts.gmt_offset_s, numbers.facts.dst)


@pytest.mark.parametrize(
    ("name", "generations"), [(CLASSIC, "classic"), (BCDE, "B C D E"), (K, "K J"), (L, "L"), (M, "M")]
)
def test_each_generation_has_its_profile(name: str, generations: str) -> None:
    assert " ".join(profile(name).generations) == generations


@pytest.mark.parametrize(("name", "associations"), [(CLASSIC, 0), (BCDE, 0), (K, 0), (L, 5), (M, 5)])
def test_dlms_is_where_the_documents_have_it(lab: LabBuilder, name: str, associations: int) -> None:
    bench = lab(profile=name)
    assert len(bench.model.definitions) == associations  # four that are documented, and that of the settings
    assert (bench.model.hdlc is not None) == (associations > 0)


# --- how each generation signs on and is read ------------------------------------------------------------


def test_a_classic_is_read_as_the_one_that_was_captured(lab: LabBuilder) -> None:
    bench = lab(profile=CLASSIC, commissioned=datetime(2026, 2, 28))
    identification, lines, check = read(bench)
    assert identification == "KAM 685-382-OK-10"
    assert lines == [
        "0.0(12345678)",
        "1.20(0000045*kWh)",
        "1.20.1(0000045*kWh)",
        "1.20.2(0000000*kWh)",
        "1.31(0000060*h)",
        "1.26(0000000)",
        "1.6(000000,7*kW)",
        "1.6*1(000000,0)!",
    ]
    assert check == sum(("\r\n".join(lines) + "\r\n\x03").encode()) & 0x7F


def test_a_classic_counts_months_of_730_hours(lab: LabBuilder) -> None:
    bench = lab(profile=CLASSIC, commissioned=datetime(2026, 1, 1))
    assert items(read(bench)[1])["1.6*1"] == "000000,7"
    assert bench.meter.engine.hourly_store(bench.meter.now()).months[0].hours == 730


def test_a_382c_is_read_as_the_one_that_was_captured(lab: LabBuilder) -> None:
    identification, lines, _ = read(lab(profile=BCDE, serial_number=14410000, commissioned=datetime(2026, 2, 28)))
    assert identification == "KAM 68438BC450000"
    assert lines == [
        "0.0.0(14410000)",
        "1.8.0(0000045*kWh)",
        "1.8.1(0000045*kWh)",
        "1.8.2(0000000*kWh)",
        "1.8.3(0000000*kWh)",
        "1.8.4(0000000*kWh)",
        "96.8.0(0000060*h)",
        "0.128.1(0000000)",
        "1.6.0(0.750*kW)",
        "!",
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (CLASSIC, "KAM 685-382-OK-10"),
        (BCDE, "KAM 68438BC450000"),
        (K, "KAM 68438BK4C4025"),
        (L, "KAM 68438BL122"),
        (M, "KAM5 68438BM4C3"),
    ],
)
def test_identifications(lab: LabBuilder, name: str, said: str) -> None:
    assert read(lab(profile=name))[0] == said


@pytest.mark.parametrize("name", [CLASSIC, BCDE, K])
def test_mode_a_meters_do_not_hear_an_acknowledgement(lab: LabBuilder, name: str) -> None:
    station = Station(lab(profile=name))
    station.send(SIGN_ON)
    station.listen(0.9)
    station.send(b"\x06050\r\n")
    station.listen(60)
    assert len(station.heard) == 2
    assert station.line.speed == 300


@pytest.mark.parametrize("name", [L, M])
def test_mode_c_meters_send_at_the_speed_of_the_acknowledgement(lab: LabBuilder, name: str) -> None:
    station = Station(lab(profile=name))
    station.send(SIGN_ON)
    while not station.heard:
        station.listen(0.1)
    station.send(b"\x06050\r\n")
    assert station.line.speed == 9600
    station.listen(3)
    assert len(station.heard) == 2


@pytest.mark.parametrize("name", [BCDE, K, L])
def test_data_come_between_0_3_and_1_s_behind_the_identification(lab: LabBuilder, name: str) -> None:
    station = Station(lab(profile=name))
    station.send(SIGN_ON)
    station.listen(60)
    (identified, identification), (sent, _) = station.heard
    pause = sent - identified - len(identification) * 10 / 300
    assert 0.3 <= pause < 1.0


@pytest.mark.parametrize(("decimals", "text"), [("1", "0000045*kWh"), ("2", "000045.0*kWh")])
def test_readings_have_the_decimals_of_configuration_number_1(lab: LabBuilder, decimals: str, text: str) -> None:
    numbers = [f"{decimals}1000002", 22201011, 1000, 100, 349]
    bench = lab(profile=BCDE, commissioned=datetime(2026, 2, 28), configuration_numbers=numbers)
    assert items(read(bench)[1])["1.8.0"] == text


# --- orders ---------------------------------------------------------------------------------------------


def test_a_type_number_chooses_profile_and_hardware(lab: LabBuilder) -> None:
    bench = lab(type_number="684-24AD211010")
    ordered = bench.meter.engine.configuration
    assert bench.meter.profile.name == BCDE
    assert (ordered.connection, ordered.accuracy_class, ordered.energy_type) == (
        "aron",
        "A",
        EnergyType.IMPORT_EXPORT,
    )
    assert (ordered.basic_current_ma, ordered.maximum_current_ma) == (5_000, 65_000)
    assert (ordered.breaker, ordered.rtc_backup_s, ordered.tariffs) == (True, None, 1)
    assert bench.meter.type_number == "68424AD211010"
    assert read(bench)[0] == "KAM 68424AD211010"


@pytest.mark.parametrize(
    ("type_number", "days"),
    [
        ("684-38BM4C4084", 4),
        ("684-38BM4B4084", 3650),
        ("684-38BL4C4010", 7),
        ("684-38BK4C4025", 7),
        ("684-34BD431010", 7),
        ("684-34BD421010", 3650),
        ("684-34BD411010", None),
        ("685-382-OK-10", None),
    ],
)
def test_the_clock_is_backed_up_as_the_hardware_option_says(
    lab: LabBuilder, type_number: str, days: int | None
) -> None:
    backup = lab(type_number=type_number).meter.engine.configuration.rtc_backup_s
    assert backup == (None if days is None else days * 86_400)


@pytest.mark.parametrize(
    ("module", "mode"), [("OK", "command"), ("WK", "module"), ("FK", "module"), ("EK", "ripple"), ("IK", "command")]
)
def test_the_module_of_a_classic_chooses_its_tariff(lab: LabBuilder, module: str, mode: str) -> None:
    ordered = lab(type_number=f"685-382-{module}-10").meter.engine.configuration
    assert (ordered.tariffs, ordered.tariff_mode.value) == (2, mode)
    assert mode != "module" or ordered.tariff_module == 2


def test_configuration_numbers_order_the_rest(lab: LabBuilder) -> None:
    numbers = "2-2-018-00-4,123-15-08-3,00-2-23-0-02,007-000-00,000"
    bench = lab(type_number="684-34BD424010", configuration_numbers=numbers)
    ordered = bench.meter.engine.configuration
    assert (ordered.display_decimals, ordered.led_lit_idle, ordered.pulse_length_ms) == ("6.1", True, 80)
    assert (ordered.integration_period_s, ordered.load_profile_period_s) == (3600, 3600)
    assert (ordered.billing_day, ordered.billing_interval_months, ordered.billing_start_month) == (15, 6, 2)
    assert (ordered.peak_tariff, ordered.gmt_offset_s, ordered.dst) == (2, -3600, False)
    assert (ordered.pulse_input_unit, ordered.tariff_mode.value, ordered.tariff_module) == ("m3", "module", 4)
    assert bench.meter.profile.identity.configuration_numbers == (22018004, 12315083, 223002, 700000, 0)


@pytest.mark.parametrize("kind", ["1", "2", "3", "4", "5"])
def test_a_382m_has_the_load_profile_of_its_energy_type(lab: LabBuilder, kind: str) -> None:
    bench = lab(type_number=f"684-38BM{kind}C4084")
    flows = bench.meter.engine.configuration.energy_type.flows
    columns = bench.reader().get(7, "1.1.99.1.0.255", 3)
    assert len(columns) == 4 + len(flows)
    days = bench.meter.engine.configuration.load_profile_depth_days
    assert dict(days) == bench.meter.profile.metering.depth_days
    assert days[900] == {1: 275, 2: 231, 4: 175}[len(flows)]
    assert bench.reader().get(1, "1.1.96.1.1.255") == f"68438BM{kind}C4084"


def test_the_first_quadrant_has_its_own_column(lab: LabBuilder) -> None:
    columns = lab(type_number="684-38BM5C4084").reader().get(7, "1.1.99.1.0.255", 3)
    assert [bytes(column[1]).hex() for column in columns[4:]] == ["0101010800ff", "0101050800ff"]


@pytest.mark.parametrize(("type_number", "number"), [("684-31BM434084", 68000801), ("684-38BM4C4084", 69000801)])
def test_the_software_revision_is_told_with_the_meter_type(lab: LabBuilder, type_number: str, number: int) -> None:
    assert lab(type_number=type_number).reader().get(1, "1.1.0.2.1.128") == number


def test_the_numbers_of_the_order_stand_in_their_objects(lab: LabBuilder) -> None:
    bench = lab(profile=M, configuration_numbers=["3-1-000-00-1", 22228011, 2000, 0, 0])
    reader = bench.reader()
    found = [reader.get(1, f"1.1.0.129.{number}.255") for number in range(1, 6)]
    assert found == [31000001, 22228011, 2000, 0, 0]


def test_every_field_of_the_engines_order_can_be_ordered() -> None:
    of_every_meter = {"serial_number", "commissioned_at", "energy_type", "load_profile_depth_days"}
    by_type = {"basic_current_ma", "maximum_current_ma", "rtc_backup_s", "connection", "accuracy_class", "breaker"}
    by_profile, by_configuration = set(Metering.model_fields), set(MeterOverrides.model_fields)
    fixed = {"meter_constant"}  # 1000 imp/kWh in every 382
    fields = {item.name for item in dataclasses.fields(MeterConfiguration)}
    assert fields == (by_profile | by_configuration | of_every_meter | by_type | fixed) & fields
    assert by_configuration <= fields


def test_a_configuration_changes_what_has_no_code(lab: LabBuilder) -> None:
    changes = {
        "tariff_mode": "ripple", "error_seed": 7, "rtc_drift": True, "display_lists": {"automatic": ["A+"]},
        "debiting2_interval": "weekly", "pulse_input_constant_milli": 250_000,
    }  # fmt: skip
    ordered = lab(metering=changes).meter.engine.configuration.to_dict()
    assert {name: ordered[name] for name in changes} == changes


TARIFF_TABLE = """
[[meters]]
type_number = "684-38BL424010"
metering.tariff_mode = "internal"

[meters.metering.tariff_table]
name = "day and night"
week = ["day", "day", "day", "day", "day", "day", "day"]
seasons = [{ name = "all year", from = "01-01", days = { day = { "00:00" = 2, "06:00" = 1, "22:00" = 2 } } }]
"""


def test_a_tariff_table_stands_in_a_configuration_file(lab: LabBuilder, tmp_path: Path) -> None:
    path = tmp_path / "meters.toml"
    path.write_text(TARIFF_TABLE)
    (config,) = load_config(path).meters
    bench = lab(at=datetime(2026, 3, 3, 0), **config.model_dump(exclude_unset=True))  # commissioned 48 h before
    sets = items(read(bench)[1])
    assert bench.meter.profile.name == L
    total, first, second = (int(sets[key].split("*")[0]) for key in ("1.8.0", "1.8.1", "1.8.2"))
    assert (total, first, second) == (36, 24, 12)


REFUSED = [
    ({"type_number": "684-38XM4C4084"}, "is 'X'; allowed: A (class A"),
    ({"type_number": "684-38BM4C4084", "profile": "382L"}, "is of generation M, profile 382L stands for L"),
    ({"type_number": "6841138BN143002084"}, "no device profile stands for generation N"),
    ({"profile": CLASSIC, "configuration_numbers": [1, 2, 3, 4, 5]}, "a 382-classic has no configuration numbers"),
    ({"configuration_numbers": [21000002, 22201011, 1000, 100]}, "5 are needed, 4 are there"),
    ({"configuration_numbers": [91000002, 22201011, 1000, 100, 0]}, "(A, digit 1) is '9'; allowed: 1 (7.0), 2 (6.1)"),
    ({"configuration_numbers": [21000002, 22201011, 1000, 100, 310]}, "(RRR, digits 1 to 3) is '310'; allowed: 000"),
    ({"profile": K, "hdlc_address": 33}, "hdlc_address: a 382K is read by IEC 62056-21 only"),
]


@pytest.mark.parametrize(("order", "said"), REFUSED)
def test_an_order_that_cannot_be_is_refused(lab: LabBuilder, order: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        lab(**order)


def test_udp_carries_dlms_only() -> None:
    with pytest.raises(ValueError, match=r"endpoints\.0: UDP carries DLMS"):
        RunConfig.model_validate(
            {"meters": [{"profile": K}], "endpoints": [{"kind": "udp", "address": "127.0.0.1:0"}], "ephemeral": True}
        )
