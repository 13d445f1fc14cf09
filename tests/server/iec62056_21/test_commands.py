"""Programming and manufacturer mode: what each command answers, and every refusal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosem.data_types import DOUBLE_LONG_UNSIGNED, UNSIGNED
from metering.inputs import ClearEvents, SetLoad
from metering.status import EventA
from server.device_profile import available
from server.iec62056_21.errors import Fault
from server.iec62056_21.registers import registers_of
from tests.server.conftest import Lab

from .desk import Desk

LabBuilder = Callable[..., Lab]


# --- the password ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["R1", "R5", "R6", "W1", "W5", "R2", "W4", "E2", "P2"])
def test_nothing_is_served_before_the_password(lab: LabBuilder, command: str) -> None:
    desk = Desk(lab(), admitted=False)
    assert desk.ask(command, "1.0.0", "0260302120000") is Fault.PASSWORD
    assert not desk.bench.meter.pending


def test_a_wrong_password_is_answered_with_a_break_and_counts(lab: LabBuilder) -> None:
    desk = Desk(lab(), admitted=False)
    assert [desk.ask("P1", "", "54321") for _ in range(3)] == ["B0"] * 3
    assert desk.ask("P1", "", "12345") == "B0", "the port is locked"
    assert desk.ask("R1", "1.8.0") is Fault.PASSWORD
    assert Desk(desk.bench, interface="module").ask("R1", "0.1.0") == "0.1.0(0)"


def test_a_wrong_password_later_takes_the_rights_away(lab: LabBuilder) -> None:
    desk = Desk(lab())
    assert desk.ask("P1", "", "") == "B0"
    assert desk.ask("R1", "1.8.0") is Fault.PASSWORD


def test_the_classic_has_a_password_of_six_digits(lab: LabBuilder) -> None:
    desk = Desk(lab(profile="382-classic"), "A", admitted=False)
    assert desk.ask("P1", "", "12345") == "B0"
    assert desk.ask("P1", "", "123456") == "ACK"
    assert desk.ask("R1", "1.20") == "1.20(0000027*kWh)"


@pytest.mark.parametrize("profile", ["382M", "382L"])
def test_behind_a_mode_a_readout_of_a_meter_with_mode_c_there_is_no_programming(lab: LabBuilder, profile: str) -> None:
    """IEC 1107 description 3.3."""
    desk = Desk(lab(profile=profile), "A", admitted=False)
    assert desk.ask("P1", "", "12345") == "B0"
    assert desk.ask("R1", "1.8.0") == "B0"
    assert not desk.bench.meter.pending


@pytest.mark.parametrize("command", ["P0", "P2", "R2", "R3", "R4", "W2", "W3", "W4", "E2", "B1"])
def test_other_commands_are_not_supported(lab: LabBuilder, command: str) -> None:
    assert Desk(lab()).ask(command, "1.8.0") is Fault.COMMAND


def test_a_sign_on_in_programming_mode_is_an_event_until_it_is_cleared(lab: LabBuilder) -> None:
    bench = lab()

    def noted() -> bool:
        return bool(bench.meter.engine.status(bench.meter.now()).event_a & EventA.SIGN_ON)

    Desk(bench, "A", admitted=False)
    assert not noted(), "there is no programming behind a readout of mode A"
    Desk(bench)
    assert noted()
    sequence = bench.meter.sequence
    Desk(bench)
    assert bench.meter.sequence == sequence, "it is noted once"
    bench.meter.apply(ClearEvents(a=EventA.SIGN_ON))
    assert not noted()


# --- reading --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["R1", "R5"])
def test_a_register_is_read_in_the_format_of_the_display(lab: LabBuilder, command: str) -> None:
    bench = lab()
    bench.reader().set(1, "1.1.0.0.1.255", 2, DOUBLE_LONG_UNSIGNED, 4711)
    bench.meter.apply(SetLoad((4_000_000, 0, 0), (-2_000_000, 0, 0)))
    bench.time.forward(24 * 3600)
    desk = Desk(bench)
    found = {code: desk.ask(command, code) for code in (
        "0.0.1", "1.8.0", "1.8.5", "1.7.0", "31.7.0", "32.7.0", "1.6.0", "2.6.0", "96.8.0", "1.0.0", "0.2.0",
        "96.1.0", "1.8.0*128", "4.8.1", "129.0.0",
    )}  # fmt: skip
    assert list(found.values()) == [
        "0.0.1(00004711)", "1.8.0(0000123*kwh)", "1.8.5(0000000*kWh)", "1.7.0(4.000*kW)", "31.7.0(19.44*A)",
        "32.7.0(230*V)", "1.6.0(4.000*kW)(01260302131500)", "2.6.0(0.000*kW)(00000101000000)", "96.8.0(60)",
        "1.0.0(01260303130000)", "0.2.0(50981040-H1)", "96.1.0(12345678)", "1.8.0*128(123.0000*kWh)",
        "4.8.1(0000048*kwh)", "129.0.0(1)",
    ]  # fmt: skip


@pytest.mark.parametrize("profile", available())
def test_every_data_set_and_register_of_every_profile_is_read(lab: LabBuilder, profile: str) -> None:
    bench = lab(profile=profile)
    desk = Desk(bench, "A" if profile in ("382-classic", "382BCDE", "382K") else "1")
    listed = {item.id for items in bench.meter.profile.iec62056_21.lists for item in items.items}
    codes = {*listed, *registers_of(bench.model).objects}
    assert len(codes) >= (150 if profile != "382-classic" else 8)
    for code in codes:
        answer = desk.ask("R1", code)
        assert isinstance(answer, str), (code, answer)
        assert re.fullmatch(re.escape(code) + r"\([^()*/!]{0,32}(\*[A-Za-z]{1,16})?\)(\(\d{14}\))?", answer), answer


@pytest.mark.parametrize(
    ("address", "data", "fault"),
    [
        ("1.8.9", "", Fault.UNKNOWN),
        ("", "", Fault.UNKNOWN),
        ("1.1.1.8.0.255", "", Fault.UNKNOWN),
        ("99.1.0", "", Fault.UNKNOWN),
        ("0.4.2", "", Fault.UNKNOWN),
        ("131.0.0", "", Fault.UNKNOWN),
        ("131.0.18", "", Fault.UNKNOWN),
        ("1.8.0", "x", Fault.FORMAT),
        ("1.8.0", "-1", Fault.FORMAT),
        ("131.0.1", "1;1", Fault.FORMAT),
    ],
)
def test_what_cannot_be_read_is_an_error(lab: LabBuilder, address: str, data: str, fault: Fault) -> None:
    assert Desk(lab()).ask("R1", address, data) is fault


def test_the_number_of_locations_that_the_standard_wants_is_taken(lab: LabBuilder) -> None:
    assert Desk(lab()).ask("R1", "0.1.0", "1") == "0.1.0(0)"


def test_the_classic_knows_its_own_list_only(lab: LabBuilder) -> None:
    desk = Desk(lab(profile="382-classic"), "A")
    assert desk.ask("R5", "1.0.0") is Fault.UNKNOWN, "it has no clock"
    assert desk.ask("W5", "1.0.0", "0260302120000") is Fault.UNKNOWN
    assert desk.ask("R6", "98.1.0") is Fault.UNKNOWN
    assert desk.ask("R1", "131.0.1") is Fault.UNKNOWN
    assert desk.ask("W1", "1.20", "0") is Fault.READ_ONLY


# --- writing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["W1", "W5"])
@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0260321073800", "01260321073800"),  # IEC 1107 description 8.1.2, in another year
        ("1260321003800", "01260320233800"),  # summer time in winter: an hour earlier
        ("1260701120000", "11260701120000"),
        ("0260701120000", "11260701130000"),
    ],
)
def test_the_clock_is_set(lab: LabBuilder, command: str, written: str, read: str) -> None:
    desk = Desk(lab())
    assert desk.ask(command, "1.0.0", written) == "ACK"
    assert desk.ask("R5", "1.0.0") == f"1.0.0({read})"
    assert len(desk.bench.meter.pending) == 1


@pytest.mark.parametrize("command", ["W1", "W5"])
def test_tariff_and_operating_state_are_written(lab: LabBuilder, command: str) -> None:
    bench = lab()
    desk = Desk(bench)
    assert [desk.ask(command, "129.0.0", "2"), desk.ask(command, "96.5.1", "7")] == ["ACK", "ACK"]
    assert [desk.ask("R1", "129.0.0"), desk.ask("R1", "96.5.1")] == ["129.0.0(2)", "96.5.1(7)"]
    assert bench.reader().get(1, "1.1.129.0.0.255", type_=UNSIGNED) == 2
    assert bench.reader().get(1, "1.1.96.5.1.255", type_=UNSIGNED) == 7


REFUSED = [
    ("1.0.0", "", Fault.FORMAT),
    ("1.0.0", "260321073800", Fault.FORMAT),
    ("1.0.0", "2260321073800", Fault.FORMAT),
    ("1.0.0", "01260321073800", Fault.FORMAT),
    ("1.0.0", "0260231073800", Fault.FORMAT),
    ("1.0.0", "0260321246000", Fault.FORMAT),
    ("129.0.0", "", Fault.FORMAT),
    ("129.0.0", "T1", Fault.FORMAT),
    ("129.0.0", "0", Fault.VALUE),
    ("129.0.0", "9", Fault.VALUE),
    ("96.5.1", "256", Fault.VALUE),
    ("96.5.1", "4294967296", Fault.VALUE),
    ("0.4.2", "1", Fault.UNKNOWN),  # in meters with current transformers only
    ("1.8.0", "0000000", Fault.READ_ONLY),
    ("0.0.1", "1", Fault.READ_ONLY),
    ("96.8.0", "1", Fault.READ_ONLY),
    ("99.1.0", "1", Fault.READ_ONLY),
    ("1.8.9", "1", Fault.UNKNOWN),
    ("", "", Fault.UNKNOWN),
    ("131.0.17", "1)(1.8.0", Fault.MODE),
]


@pytest.mark.parametrize("command", ["W1", "W5"])
@pytest.mark.parametrize(("address", "data", "fault"), REFUSED)
def test_what_cannot_be_written_is_an_error_and_changes_nothing(
    lab: LabBuilder, command: str, address: str, data: str, fault: Fault
) -> None:
    desk = Desk(lab())
    assert desk.ask(command, address, data) is fault
    assert not desk.bench.meter.pending


def test_all_other_registers_are_read_only(lab: LabBuilder) -> None:
    desk = Desk(lab())
    for code in registers_of(desk.bench.model).objects:
        if code not in ("1.0.0", "129.0.0", "96.5.1"):
            assert desk.ask("W1", code, "1") is Fault.READ_ONLY, code
    assert not desk.bench.meter.pending


def test_a_tariff_that_the_meter_has_not_is_refused(lab: LabBuilder) -> None:
    desk = Desk(lab(metering={"tariffs": 2}))
    assert [desk.ask("W1", "129.0.0", tariff) for tariff in "23"] == ["ACK", Fault.VALUE]


# --- texts ----------------------------------------------------------------------------------------------


def test_error_texts_are_what_the_document_allows() -> None:
    assert all(re.fullmatch(r"ER\d\d [A-Z ]+", fault.value) and len(fault.value) <= 32 for fault in Fault)
    assert len({fault.value[:4] for fault in Fault}) == len(Fault)


# --- settings -------------------------------------------------------------------------------------------


def read_setting(desk: Desk, number: int, count: int = 50) -> bytes:
    octets, total = b"", 1
    while len(octets) < total:
        answer = desk.ask("R5", f"131.128.{number}", f"{len(octets)};{count}")
        match = re.fullmatch(rf"131\.128\.{number}\((\d+);([0-9A-F]*)\)", str(answer))
        assert match is not None, answer
        total = int(match[1])
        octets += bytes.fromhex(match[2])
    return octets


def write_setting(desk: Desk, number: int, octets: bytes, size: int = 50) -> list[str | Fault]:
    parts = range(0, len(octets), size)
    return [
        desk.ask("W5", f"131.128.{number}", f"{at};{len(octets)};{octets[at : at + size].hex().upper()}")
        for at in parts
    ]


@pytest.mark.parametrize("profile", available())
def test_the_index_of_the_settings_is_read_in_parts(lab: LabBuilder, profile: str) -> None:
    desk = Desk(lab(profile=profile), "A" if profile in ("382-classic", "382BCDE", "382K") else "1")
    index = json.loads(read_setting(desk, 0))
    assert {"number", "name", "description", "legal", "allowed"} == set(index[0])


def test_a_setting_is_written_in_parts_and_the_last_one_changes_it(lab: LabBuilder) -> None:
    bench = lab()
    desk = Desk(bench)
    assert write_setting(desk, 2, b"4711", 3)[:1] == ["ACK"]
    assert read_setting(desk, 2) == b"4711"
    assert read_setting(desk, 255) == b"done"
    assert desk.ask("R1", "0.0.2") == "0.0.2(4711)"


def test_the_last_result_says_why_a_setting_was_refused(lab: LabBuilder) -> None:
    desk = Desk(lab())
    assert write_setting(desk, 2, b'"no number"') == [Fault.SETTING]
    assert b"allowed" in read_setting(desk, 255)
    assert not desk.bench.meter.pending


@pytest.mark.parametrize(
    ("command", "number", "data", "fault"),
    [
        ("R5", "199", "0;10", Fault.UNKNOWN),
        ("R5", "2", "", Fault.FORMAT),
        ("R5", "2", "0", Fault.FORMAT),
        ("R5", "2", "0;0", Fault.FORMAT),
        ("R5", "2", "0;256", Fault.FORMAT),
        ("R5", "2", "-1;10", Fault.FORMAT),
        ("R5", "02", "0;10", Fault.UNKNOWN),
        ("R5", "1000", "0;10", Fault.UNKNOWN),
        ("W5", "199", "0;1;31", Fault.UNKNOWN),
        ("W5", "0", "0;1;31", Fault.UNKNOWN),
        ("W5", "255", "0;1;31", Fault.UNKNOWN),
        ("W5", "2", "0;1", Fault.FORMAT),
        ("W5", "2", "0;1;3", Fault.FORMAT),
        ("W5", "2", "0;1;", Fault.FORMAT),
        ("W5", "2", "0;1;3G", Fault.FORMAT),
        ("W5", "2", "1;2;31", Fault.SETTING),
        ("W5", "2", "0;1;3132", Fault.SETTING),
    ],
)
def test_parts_of_settings_that_are_refused(
    lab: LabBuilder, command: str, number: str, data: str, fault: Fault
) -> None:
    desk = Desk(lab())
    assert desk.ask(command, f"131.128.{number}", data) is fault
    assert not desk.bench.meter.pending


# --- anything -------------------------------------------------------------------------------------------

CODES = st.sampled_from(["1.0.0", "129.0.0", "96.5.1", "131.0.3", "131.0.17", "131.128.2", "131.128.255", "99.1.0"])
TEXTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40) | st.from_regex(
    r"\d{0,4};?\d{0,4};?[0-9A-F]{0,8}", fullmatch=True
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=st.lists(
        st.tuples(st.sampled_from(["R1", "R5", "R6", "W1", "W5", "P1", "P2"]), CODES | TEXTS, TEXTS), max_size=8
    ),
    mode=st.sampled_from("16"),
)
def test_whatever_is_asked_is_answered(shared: Lab, asked: list[tuple[str, str, str]], mode: str) -> None:
    desk = Desk(shared, mode, admitted=False)
    desk.commands._admitted = True
    for command, address, data in asked:
        try:
            desk.blocks(command, address, data)
        except AssertionError:
            pass
        except Exception:
            assert desk.ask(command, address, data) is not Fault.INTERNAL
    shared.meter.take_pending()


@pytest.fixture(scope="module")
def shared() -> Lab:
    """One meter for many questions."""
    from datetime import UTC

    from server.assembly import build_meter
    from server.config import MeterConfig
    from server.time_source import SteppedTime

    time = SteppedTime(int(datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()))
    config = MeterConfig.model_validate({"installation": "constant", "commissioned": datetime(2026, 3, 1)})
    return Lab(*build_meter(config, time, None), time)
