"""The commands of KMP from the client's side of the wire: frames of public programs, refusals, and what is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from metering.inputs import BreakSeal, SetCover, SetRegister
from tests.server.conftest import Lab
from transports.kmp import TO_METER, encode_frame

from .wire import KmpWire

HOUR = 3600
PASSWORD = "3039"  # 12345


@pytest.fixture
def wire(lab: Callable[..., Lab]) -> KmpWire:
    return KmpWire(lab())


# --- frames of public programs --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_frame", "answer"),
    [
        ("80 3F 01 05 8A 0D", b"\x01" + bytes.fromhex("6900 08 01")),
        ("80 3F 02 35 E9 0D", b"\x02" + (12345678).to_bytes(4, "big")),
        ("80 3F 98 17 1A 0D", bytes.fromhex("98 04 3F")),
        ("80 3F 9B 27 79 0D", None),
    ],
)
def test_requests_as_head_ends_send_them_are_answered(wire: KmpWire, request_frame: str, answer: bytes | None) -> None:
    octets = bytes.fromhex(request_frame)
    assert encode_frame(TO_METER, 0x3F, octets[2:3]) == octets
    if answer is not None:
        assert wire.ask(octets[2]) == answer[1:]
    assert wire.exchange(octets)


def test_a_register_at_zero_is_the_frame_that_was_published(lab: Callable[..., Lab]) -> None:
    wire = KmpWire(lab(installation={"kind": "constant", "active_w": (0, 0, 0)}))
    answer = wire.exchange(bytes.fromhex("80 3F 10 01 00 01 55 A1 0D"))
    assert answer == bytes.fromhex("40 3F 10 00 01 02 04 41 00 00 00 00") + answer[-3:]


def test_the_serial_number_of_the_meter_that_was_read(lab: Callable[..., Lab]) -> None:
    wire = KmpWire(lab(serial_number=15085488))
    assert wire.exchange(bytes.fromhex("80 3F 02 35 E9 0D")) == bytes.fromhex("40 3F 02 00 E6 2F B0 1B F2 9E 0D")


@pytest.mark.parametrize(
    ("profile", "meter_type"), [("382BCDE", 0x5300), ("382K", 0x5503), ("382L", 0x6200), ("382M", 0x6900)]
)
def test_the_meter_type_is_that_of_the_generation(lab: Callable[..., Lab], profile: str, meter_type: int) -> None:
    answer = KmpWire(lab(profile=profile)).ask(0x01)
    assert answer is not None
    assert int.from_bytes(answer[:2], "big") == meter_type


@pytest.mark.parametrize(
    "numbers",
    ["03E9", "000D 0001 0013 0017 001B 001F", "003A", "041E 041F 0420 0434 0435 0436", "0419 0409 041A 040C 041B",
     "03EB 03EA 03EC 0417 0415", "03F2 0033 0034 0035", "0422 0032 03ED 0408", "043F 0440", "00C7"],
)  # fmt: skip
def test_a_head_end_reads_what_it_asks_for_in_its_order(wire: KmpWire, numbers: str) -> None:
    wanted = [int(number, 16) for number in numbers.split()]
    assert list(wire.read(*wanted)) == wanted


# --- silence and omission -------------------------------------------------------------------------


def test_an_unknown_register_is_left_out(wire: KmpWire) -> None:
    assert list(wire.read(0x0001, 0x0080, 0x0007, 0x0002)) == [0x0001, 0x0002]


def test_with_nothing_but_unknown_registers_the_answer_is_empty(wire: KmpWire) -> None:
    assert wire.exchange(bytes.fromhex("80 3F 10 01 00 1B 7F D4 08 0D")) == bytes.fromhex("40 3F 10 07 9A 0D")


def test_what_only_stands_in_loggers_is_no_register(wire: KmpWire) -> None:
    assert wire.read(0x0418, 0x05B2, 0x043D) == {}


def test_a_generation_does_not_have_the_registers_of_a_later_one(lab: Callable[..., Lab]) -> None:
    assert list(KmpWire(lab(profile="382K")).read(0x0540, 0x04F7, 0x0495)) == [0x0495]


@pytest.mark.parametrize(
    "octets", ["80 3F 01 05 8B 0D", "80 3E 01 05 8A 0D", "80 7F 02 35 E9 0D", "80 3F 01 0D", "80 0D", "FF 00 0D"]
)
def test_a_wrong_check_or_address_gets_silence(wire: KmpWire, octets: str) -> None:
    assert wire.exchange(bytes.fromhex(octets)) == b""
    assert wire.ask(0x01) is not None, "and the meter can be read again"


@pytest.mark.parametrize(
    ("cid", "data"),
    [
        (0x00, ""), (0x01, "00"), (0x02, "00"), (0x03, ""), (0x07, "01"), (0x10, ""), (0x10, "00"), (0x10, "01 00"),
        (0x10, "01 0001 00"), (0x10, "09" + "0001" * 9), (0x10, "FF"), (0x09, ""), (0x09, "00 03 F8 CE"),
        (0x09, "0003F8CE 0009EB0F"), (0x09, "000F423F 00000000"), (0x11, PASSWORD), (0x12, ""), (0x85, ""),
        (0x88, "01"), (0x92, ""), (0x92, "303930"), (0x97, ""), (0x97, "00"), (0x97, "04"), (0x97, "0101"),
        (0x98, "00"), (0x9B, "00"), (0x9C, "00"), (0x9C, "0000000000"), (0xA0, ""), (0xA1, "01"),
        (0xA2, "01 01 0417 01 FF 00"), (0xA3, "06 01 0417 02 FF"), (0xA1, "63 01 0417 01 FF"),
        (0xA9, ""), (0xA9, "01"), (0xA9, "000F"),
        (0xA9, f"{PASSWORD} 400F"), (0xA9, f"{PASSWORD} 0107"), (0xAA, "00"), (0xB6, PASSWORD), (0xB7, "0000 0000"),
        (0xB7, "00FF 0000 10"),
        (0xB8, ""), (0xB8, "01 06 00 0001 00000000"), (0xB8, "00 63 00 0001 00000000"), (0xFF, "00" * 100),
    ],
)  # fmt: skip
def test_what_the_meter_does_not_understand_or_refuses_gets_silence(wire: KmpWire, cid: int, data: str) -> None:
    assert wire.ask(cid, data) is None
    assert not wire.bench.meter.pending, "nothing was changed"
    assert wire.value(0x0001) == 270


# --- clock ----------------------------------------------------------------------------------------


def test_the_clock_is_set_in_local_time(wire: KmpWire) -> None:
    date, clock = (260_704).to_bytes(4, "big"), (141_530).to_bytes(4, "big")
    assert wire.ask(0x09, date + clock) == b""
    assert (wire.value(0x03EB), wire.value(0x03EA)) == (260_704, 141_530)
    assert wire.read(0x0417)[0x0417][1] == bytes((0x83, 6, 30, 15, 13, 4, 7, 26)), "in summer, normal time"


def test_clock_and_date_can_be_written_as_registers(wire: KmpWire) -> None:
    assert wire.write(0x03EA, 235_959)
    assert (wire.value(0x03EB), wire.value(0x03EA)) == (260_302, 235_959)
    assert wire.write(0x03EB, 270_101)
    assert (wire.value(0x03EB), wire.value(0x03EA)) == (270_101, 235_959)
    assert not wire.write(0x03EB, 270_230)
    assert not wire.write(0x03EA, 240_000)


# --- writing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "mantissa"),
    [
        (0x0033, 87654321), (0x0034, 7), (0x0035, 8), (0x0039, 9), (0x03FD, 10), (0x003A, 4711), (0x040F, 5_000),
        (0x1778, 6_000), (0x00C7, 60), (0x0408, 3), (0x044E, 2), (0x0454, 80), (0x0455, 20), (0x0458, 40), (0x045B, 90),
        (0x045C, 10), (0x045D, 1), (0x045F, 16), (0x0460, 32), (0x0497, 1), (0x04D0, 60), (0x04D1, 31), (0x04D4, 1),
        (0x04D6, 2), (0x04D8, 0), (0x07DA, 2), (0x179B, 100), (0x1812, 0),
        (0x1817, 17), (0x181B, 2), (0x1820, 2_000), (0x1821, 60),
    ],
)  # fmt: skip
def test_a_register_that_was_written_reads_as_written(wire: KmpWire, number: int, mantissa: int) -> None:
    assert wire.write(number, mantissa)
    assert wire.value(number) == mantissa
    assert wire.bench.meter.pending, "the journal has it before the acknowledgement"


def test_what_is_written_is_counted_as_a_change_of_the_configuration(wire: KmpWire) -> None:
    before = wire.value(0x00DE)
    assert wire.write(0x0034, 4711)
    assert wire.write(0x0458, 40)
    assert wire.value(0x00DE) == before + 2


def test_a_meter_number_is_one_number_for_kmp_and_dlms(wire: KmpWire) -> None:
    assert wire.write(0x0034, 4711)
    assert wire.bench.reader().get(1, "1.1.0.0.2.255") == 4711


@pytest.mark.parametrize("number", [0x0001, 0x0013, 0x0027, 0x0036, 0x03E9, 0x03EC, 0x03ED, 0x0422, 0x0462, 0x0417])
def test_legal_data_and_what_the_meter_counts_cannot_be_written(wire: KmpWire, number: int) -> None:
    before = wire.read(number)
    assert not wire.write(number, 1)
    assert wire.read(number) == before


@pytest.mark.parametrize(
    ("number", "mantissa"),
    [
        (0x00C7, 7),
        (0x07DA, 0),
        (0x07DA, 9),
        (0x0455, 100),
        (0x0497, 3),
        (0x045D, 2),
        (0x04F7, 0),
        (0x04D0, 20_000),
        (0x1820, 999),
        (0x1814, 2),
    ],
)
def test_a_value_there_is_not_is_refused(wire: KmpWire, number: int, mantissa: int) -> None:
    before = wire.value(number)
    assert not wire.write(number, mantissa)
    assert wire.value(number) == before


@pytest.mark.parametrize(
    "record",
    ["0034 33 04 00 000001", "0034 33 04 00 0000000001", "0034 02 04 00 00000001", "0034 33 04 41 00000001",
     "0034 33 03 00 000001", "0034", "0007 02 04 41 00000001"],
)  # fmt: skip
def test_a_record_in_another_format_is_refused(wire: KmpWire, record: str) -> None:
    assert wire.ask(0x11, PASSWORD + record.replace(" ", "")) is None
    assert wire.value(0x0034) == 0


def test_cut_off_basis_and_credit_are_written_at_the_module_port_only(wire: KmpWire) -> None:
    assert not wire.write(0x045E, 1)
    module = KmpWire(wire.bench, "module")
    assert module.write(0x045E, 2)
    assert module.write(0x0461, 1_000)
    assert wire.value(0x0461) == 1_000
    assert wire.bench.reader().get(3, "1.1.130.0.0.255") == 100_000


def test_from_then_on_the_meter_answers_to_the_address_written(wire: KmpWire) -> None:
    assert wire.write(0x04F7, 0x21)
    assert wire.ask(0x02) is None
    assert wire.ask(0x02, destination=0x21) == (12345678).to_bytes(4, "big")


# --- password -------------------------------------------------------------------------------------


def test_a_wrong_password_writes_nothing(wire: KmpWire) -> None:
    assert not wire.write(0x0034, 4711, password=12346)
    assert wire.value(0x0034) == 0


def test_a_password_is_checked_on_its_own(wire: KmpWire) -> None:
    assert wire.ask(0x92, PASSWORD) == b""
    assert wire.ask(0x92, "303A") is None


def test_after_three_wrong_passwords_the_right_one_is_refused_for_ten_minutes(wire: KmpWire) -> None:
    for _ in range(3):
        assert wire.ask(0x92, "0000") is None
    assert wire.ask(0x92, PASSWORD) is None
    assert not wire.write(0x0034, 4711)
    assert KmpWire(wire.bench, "module").write(0x0034, 4712), "the other port is not locked"
    wire.bench.time.forward(601)
    assert wire.write(0x0034, 4711)


# --- breaker, debiting, events, load profile ------------------------------------------------------


def test_the_breaker_opens_is_released_and_closes(wire: KmpWire) -> None:
    states = [(1, 1), (2, 8), (3, 4)]
    for command, state in states:
        assert wire.ask(0x97, bytes((command,))) == b""
        wire.bench.time.forward(60)
        answer = wire.ask(0x98)
        assert answer is not None
        assert answer[0] == state == wire.value(0x043F)
        assert answer[1] == wire.value(0x0440)


def test_a_meter_without_breaker_switches_nothing(lab: Callable[..., Lab]) -> None:
    wire = KmpWire(lab(profile="382BCDE"))
    assert [wire.ask(0x97, bytes((command,))) for command in (1, 2, 3)] == [None] * 3
    assert wire.value(0x043F) == 4


def test_a_debiting_stop_ends_the_period(wire: KmpWire) -> None:
    assert wire.ask(0x88) == b""
    assert wire.value(0x002F) == 1
    assert wire.value(0x002B) == 750
    assert wire.value(0x0027) == 0


def test_the_events_are_read_and_forgotten(wire: KmpWire) -> None:
    wire.ask(0x9C)
    assert wire.ask(0x9B) == bytes(4)
    wire.bench.meter.apply(SetCover(open=True))
    events = wire.ask(0x9B)
    assert events is not None
    assert events[0] & 0x40, "cover"
    assert events[2] & 0x04, "status logger"
    assert int.from_bytes(events, "little") == wire.value(0x04D3)
    assert wire.ask(0x9D, "40000000") == b""
    assert wire.value(0x04D3) == int.from_bytes(events, "little") & ~0x40
    assert wire.ask(0x9C) == b""
    assert wire.ask(0x9B) == bytes(4)


def test_the_load_profile_can_be_configured(wire: KmpWire) -> None:
    assert wire.ask(0xAA) == bytes((0x0F, 15)) + (175 * 96).to_bytes(4, "big")
    assert wire.ask(0xA9, bytes.fromhex(PASSWORD) + bytes((0x03, 60))) == b""
    answer = wire.ask(0xAA)
    assert answer is not None
    assert answer[:2] == bytes((0x03, 60))
    assert wire.value(0x00C7) == 60


def test_without_the_password_the_load_profile_stays(wire: KmpWire) -> None:
    assert wire.ask(0xA9, "0001 033C") is None
    assert wire.value(0x00C7) == 15


def test_a_reset_loses_nothing(wire: KmpWire) -> None:
    assert wire.ask(0x07) == b""
    assert wire.value(0x0001) == 270


# --- settings -------------------------------------------------------------------------------------


def whole(wire: KmpWire, number: int) -> bytes:
    text = b""
    while True:
        head = number.to_bytes(2, "big") + len(text).to_bytes(2, "big")
        answer = wire.ask(0xB7, head + b"\x40")
        assert answer is not None
        assert answer[:4] == head
        text += answer[6:]
        if len(text) >= int.from_bytes(answer[4:6], "big"):
            return text


def put(wire: KmpWire, number: int, text: bytes, password: str = PASSWORD) -> bytes | None:
    head = bytes.fromhex(password) + b"".join(item.to_bytes(2, "big") for item in (number, 0, len(text)))
    return wire.ask(0xB6, head + text)


def test_the_index_of_the_settings_comes_in_parts(wire: KmpWire) -> None:
    index = whole(wire, 0)
    assert len(index) > 0x40
    assert index.startswith(b"[")


def test_a_setting_that_is_refused_says_why(wire: KmpWire) -> None:
    assert whole(wire, 0xFFFF) == b""
    assert put(wire, 1, b'"nonsense"') is None
    assert whole(wire, 0xFFFF)
    assert not wire.bench.meter.pending


def test_a_setting_is_written_with_the_password_only(wire: KmpWire) -> None:
    text = whole(wire, 1)
    assert put(wire, 1, text, "0000") is None
    assert put(wire, 1, text) == b""
    assert whole(wire, 0xFFFF) == b"done"
    assert whole(wire, 1) == text


def test_a_meter_without_clock_of_its_own_speaks_kmp_too(lab: Callable[..., Lab]) -> None:
    wire = KmpWire(lab(datetime(2026, 3, 2, 12, 0), profile="382BCDE"))
    assert wire.ask(0xAA) is None, "it has no load profile"
    wire.bench.meter.apply(BreakSeal())
    wire.bench.meter.apply(SetRegister(0, 71_832_712 * 360_000))
    assert wire.value(0x000D) == 71_832_712
