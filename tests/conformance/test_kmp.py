"""The clients of KMP and of the 685's hexadecimal protocol against meters in processes of their own, and peers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.endpoint import Endpoint, LinkProtocol
from conformance.errors import CannotConnect, ConnectionLost, NoAnswer, ProtocolFault, RequestRefused
from conformance.kmp_client import KmpClient, KmpOptions, MeterType
from conformance.kmp_hex_client import HexOptions, KmpHexClient
from conformance.kmp_logs import LogInfo, read_log_page
from conformance.kmp_names import register_names, register_number
from conformance.kmp_records import RegisterRecord, Stamp, read_records
from cosem.errors import DecodeError
from cosem.reader import Reader
from transports.kmp import FROM_METER, encode_frame

from .running import (
    PASSWORD,
    SERIAL_NUMBER,
    RunningMeter,
    quick_profile,
    running_meter,
    scripted,
    silent_pty,
    unused_address,
)

GET_TYPE_ANSWER = bytes.fromhex("403F0100041BF90126990D")
"""KMP description: MULTICAL 601, revision F1."""
NO_REGISTERS = bytes.fromhex("403F10079A0D")
DISPLAYED = RegisterRecord(0x0033, 51, 0, bytes(4))
DISCONNECT = 1 << 12
START = Stamp(datetime(2000, 1, 1), 0)


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMeter]:
    folder = tmp_path_factory.mktemp("meter")
    with running_meter(folder, quick_profile(folder)) as running:
        yield running


def client(address: str, timeout_s: float = 2.0) -> KmpClient:
    return KmpClient.connect(Endpoint.parse(f"kmp://{address}"), KmpOptions(timeout_s=timeout_s))


def hasty(address: str) -> KmpClient:
    return client(address, 0.1)


class TestAMeter:
    def test_it_says_what_it_is(self, meter: RunningMeter) -> None:
        with client(meter.address) as kmp:
            assert str(kmp.get_type()) == "6900 H1"
            assert kmp.serial_number() == SERIAL_NUMBER

    def test_on_a_device_it_says_the_same(self, meter: RunningMeter) -> None:
        place = Endpoint.parse(meter.pty).speaking(LinkProtocol.KMP)
        with KmpClient.connect(place, KmpOptions()) as kmp:
            assert kmp.serial_number() == SERIAL_NUMBER

    def test_registers_have_value_and_unit(self, meter: RunningMeter) -> None:
        with client(meter.address) as kmp:
            found = {item.register: item for item in kmp.get_registers([0x0001, 0x041E, 0x03EB, 0x03EA, 0x0422])}
        assert found[0x0001].symbol == "kWh"
        assert found[0x0001].value > 1000
        assert (found[0x041E].value, found[0x041E].symbol) == (230, "V")
        assert found[0x03EB].value == date(2026, 11, 21)
        assert (found[0x03EA].value.hour, found[0x03EA].symbol) == (12, "")
        assert found[0x0422].value == "38BM4C3084"

    def test_more_than_eight_are_asked_for_in_turns_and_unknown_ones_left_out(self, meter: RunningMeter) -> None:
        with client(meter.address) as kmp:
            found = [item.register for item in kmp.get_registers([*range(0x0013, 0x0023), 0x7777])]
        assert found == list(range(0x0013, 0x0023))

    def test_a_register_is_written_with_the_password_only(self, meter: RunningMeter) -> None:
        written = RegisterRecord.of_number(0x0034, 51, 4711, octets=4)
        with client(meter.address, 0.3) as kmp:
            with pytest.raises(RequestRefused, match=r"not acknowledged within 0\.3 s"):
                kmp.put_register(written, 1)
            kmp.put_register(written, int(PASSWORD))
            assert kmp.get_registers([0x0034]) == [written]

    def test_the_clock_is_set(self, meter: RunningMeter) -> None:
        with client(meter.address) as kmp:
            kmp.set_clock(datetime(2026, 11, 21, 12, 6, 30))
            (clock,) = kmp.get_registers([0x03EA])
        assert (clock.value.hour, clock.value.minute) == (12, 6)

    def test_the_breaker_is_switched_and_its_event_read_and_cleared(self, meter: RunningMeter) -> None:
        with client(meter.address) as kmp:
            kmp.clear_event_status()
            assert not kmp.event_status() & DISCONNECT
            states = [kmp.cut_off_state().state]
            for command in (1, 2):
                kmp.set_cut_off_state(command)
                states.append(kmp.cut_off_state().state)
            assert kmp.event_status() & DISCONNECT
        assert states == [4, 1, 8]

    def test_a_logger_is_read_forwards_backwards_and_by_number(self, meter: RunningMeter) -> None:
        with client(meter.address) as kmp:
            newest = kmp.log_newest(6, [0x0417, 0x0001], 3)
            first = kmp.log_from(6, [0x0417, 0x0001], START, 2)
            again = kmp.log_from_id(6, [0x0417, 0x0001], newest.newest, 5)
            before = kmp.log_before(6, [0x0417], Stamp(datetime(2026, 11, 21, 11, 50), 0), 1)
        assert [item.record_id for item in newest.records] == [newest.newest - back for back in range(3)]
        stamps = [str(item.registers[0].value) for item in newest.records]
        assert stamps == sorted(stamps, reverse=True)
        assert len(first.records) == 2
        assert str(first.records[0].registers[0].value) < stamps[-1]
        assert again.records == newest.records[:1]
        assert LogInfo.END_REACHED in again.info
        assert str(before.records[0].registers[0].value) == "2026-11-21 11:45:00"

    def test_an_empty_logger_says_so(self, meter: RunningMeter) -> None:
        with client(meter.address) as kmp:
            page = kmp.log_newest(12, [0x0417])
        assert (page.records, page.info) == ([], LogInfo.EMPTY)

    def test_a_block_comes_in_parts(self, meter: RunningMeter) -> None:
        with client(meter.address) as kmp:
            first = kmp.get_block(0, 0, 100)
            second = kmp.get_block(0, 100, 100)
        assert (first.octets[:2], len(first.octets), len(second.octets)) == (b"[{", 100, 100)
        assert first.total == second.total > 200

    def test_login_takes_the_password_only(self, meter: RunningMeter) -> None:
        with client(meter.address, 0.3) as kmp:
            with pytest.raises(RequestRefused):
                kmp.login(1)
            kmp.login(int(PASSWORD))

    def test_another_destination_is_met_with_silence(self, meter: RunningMeter) -> None:
        place = Endpoint.parse(f"kmp://{meter.address}")
        with KmpClient.connect(place, KmpOptions(0x3E, 0.1)) as kmp, pytest.raises(NoAnswer):
            kmp.get_type()


class TestTrouble:
    def test_a_published_answer_is_understood(self) -> None:
        with scripted(GET_TYPE_ANSWER) as peer, client(peer.address) as kmp:
            assert kmp.get_type() == MeterType(4, 6, 1)

    def test_an_answer_with_a_wrong_check_is_asked_for_once_more(self) -> None:
        bad = GET_TYPE_ANSWER[:-2] + b"\x98\x0d"
        with scripted(bad, GET_TYPE_ANSWER) as peer:
            with hasty(peer.address) as kmp:
                assert str(kmp.get_type()) == "0004 F1"
            assert peer.heard == [bytes.fromhex("803F01058A0D")] * 2

    def test_silence_twice_is_no_answer(self) -> None:
        with (
            scripted(b"", b"") as peer,
            hasty(peer.address) as kmp,
            pytest.raises(NoAnswer, match=r"no answer within 0\.1 s"),
        ):
            kmp.get_type()

    def test_an_answer_to_another_question_is_not_taken(self) -> None:
        with scripted(NO_REGISTERS + GET_TYPE_ANSWER) as peer, client(peer.address) as kmp:
            assert kmp.get_type().meter_type == 4

    def test_an_echo_of_the_optical_head_is_dropped(self) -> None:
        question = bytes.fromhex("803F01058A0D")
        with scripted(question + GET_TYPE_ANSWER) as peer, client(peer.address) as kmp:
            assert kmp.get_type().meter_type == 4

    def test_none_of_the_registers_is_an_empty_answer(self) -> None:
        with scripted(NO_REGISTERS) as peer, client(peer.address) as kmp:
            assert kmp.get_registers([0x7777]) == []

    def test_an_acknowledgement_where_data_belong_is_a_fault(self) -> None:
        with scripted(b"\x06") as peer, client(peer.address) as kmp, pytest.raises(ProtocolFault, match="acknowledged"):
            kmp.serial_number()

    @pytest.mark.parametrize("data", ["", "0004", "0004060101"])
    def test_an_answer_of_another_length_is_a_fault(self, data: str) -> None:
        frame = encode_frame(FROM_METER, 0x3F, b"\x01" + bytes.fromhex(data))
        with scripted(frame) as peer, client(peer.address) as kmp, pytest.raises(ProtocolFault, match="answer"):
            kmp.get_type()

    def test_a_command_is_not_repeated(self) -> None:
        with scripted(b"") as peer:
            with hasty(peer.address) as kmp, pytest.raises(RequestRefused):
                kmp.put_register(DISPLAYED, 1)
            assert len(peer.heard) == 1

    def test_a_connection_that_ends_is_lost(self) -> None:
        with (
            scripted(GET_TYPE_ANSWER[:4], closes=True) as peer,
            client(peer.address) as kmp,
            pytest.raises(ConnectionLost, match="closed the connection"),
        ):
            kmp.get_type()

    def test_a_silent_device_is_no_answer(self) -> None:
        with silent_pty() as device:
            place = Endpoint.parse(device).speaking(LinkProtocol.KMP)
            with KmpClient.connect(place, KmpOptions(timeout_s=0.1)) as kmp, pytest.raises(NoAnswer):
                kmp.get_type()

    def test_nobody_listening(self) -> None:
        with pytest.raises(CannotConnect, match="cannot connect to kmp://"):
            client(unused_address())


RECORDS = [
    ("0001 02 04 41 00000000", 0, "kWh"),
    ("000D 02 04 44 04481488", Decimal("7183.2712"), "kWh"),
    ("0434 22 04 42 000001FF", Decimal("5.11"), "A"),
    ("0001 02 04 C1 00000005", Decimal("-0.5"), "kWh"),
    ("0001 01 02 03 0002", 2000, "Wh"),
    ("0033 33 04 00 001334B7", 1258679, ""),
    ("03EA 2F 04 00 00031AF9", datetime(2014, 7, 27, 20, 35, 13).time(), ""),
    ("03EB 30 04 00 000225B7", date(2014, 7, 27), ""),
    ("0417 35 08 00 83071A23131B070E", Stamp(datetime(2014, 7, 27, 19, 35, 26), 0x83), ""),
    ("0419 35 08 00 0000000000000000", Stamp(None, 0), ""),
    ("0422 36 0A 00 3037303432324A413833", "38AJ224070", ""),
]


@pytest.mark.parametrize(("octets", "value", "symbol"), RECORDS)
def test_records_are_understood_and_written_back(octets: str, value: object, symbol: str) -> None:
    (record,) = read_records(Reader(bytes.fromhex(octets)))
    assert (record.value, record.symbol) == (value, symbol)
    assert record.to_octets() == bytes.fromhex(octets)


def test_a_stamp_says_whether_it_is_summer_and_whether_the_clock_was_right() -> None:
    summer, invalid = (Stamp.from_octets(bytes((status,)) + bytes.fromhex("071A23131B070E")) for status in (0x83, 0x80))
    assert (summer.daylight_saving, summer.valid) == (True, True)
    assert (invalid.daylight_saving, invalid.valid) == (False, False)


NO_RECORDS = ["00", "0001020441000000", "03EB 30 04 00 0002FFFF", "03EA 2F 04 00 000F423F", "0417 35 02 00 0101",
              "0417 35 08 00 83071A23131B0D0E"]  # fmt: skip


@pytest.mark.parametrize("octets", NO_RECORDS)
def test_what_is_no_record_is_refused(octets: str) -> None:
    with pytest.raises(DecodeError):
        [record.value for record in read_records(Reader(bytes.fromhex(octets)))]


@given(st.integers(-(2**31), 2**31), st.integers(0, 9))
def test_numbers_survive_their_record(mantissa: int, decimals: int) -> None:
    number = Decimal(mantissa).scaleb(-decimals)
    record = RegisterRecord.of_number(1, 2, number, 4, decimals)
    (again,) = read_records(Reader(record.to_octets()))
    assert again.value == number


@pytest.mark.parametrize(("number", "decimals"), [(Decimal("0.25"), 1), (2**32, 0)])
def test_a_number_that_does_not_fit_its_record_is_refused(number: int | Decimal, decimals: int) -> None:
    with pytest.raises(ValueError, match=r"has more than|does not fit"):
        RegisterRecord.of_number(1, 2, number, 4, decimals)


@given(st.binary(max_size=60), st.integers(0, 12))
def test_any_octets_are_a_logger_answer_or_refused(octets: bytes, log: int) -> None:
    try:
        page = read_log_page(Reader(octets), log)
    except DecodeError:
        return
    assert all(isinstance(record.record_id, int) for record in page.records)


def test_registers_are_named_by_number_or_name() -> None:
    assert register_number("041E") == register_number("0x041e") == register_number("voltage l1") == 0x041E
    assert register_names()[0x0001] == "Active energy A14"
    for wrong in ("", "10000", "-1", "Voltage L4"):
        with pytest.raises(ValueError, match="is no register of KMP"):
            register_number(wrong)


HELLO_ANSWER = b"HFE0002010701F7\r"
TOTALS_ANSWER = b"HFE950100002348000023470000000196\r"
"""Of a 685 that was read."""


class TestHexadecimalProtocol:
    def test_totals_of_a_capture(self) -> None:
        with scripted(TOTALS_ANSWER) as peer:
            place = Endpoint.parse(f"kmphex://{peer.address}")
            with KmpHexClient.connect(place, HexOptions()) as old:
                assert old.totals() == (9032, 9031, 1)
            assert peer.heard == [b"@FE95006D\r"]

    def test_hello_of_a_capture(self) -> None:
        with scripted(b"H", HELLO_ANSWER) as peer:
            place = Endpoint.parse(f"kmphex://{peer.address}")
            with KmpHexClient.connect(place, HexOptions(timeout_s=0.1)) as old:
                assert old.hello() == bytes.fromhex("02010701")

    def test_a_685_is_read(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        with running_meter(tmp_path_factory.mktemp("classic"), "382-classic", dlms=False) as running:
            place = Endpoint.parse(f"kmphex://{running.address}")
            with KmpHexClient.connect(place, HexOptions()) as old:
                assert old.memory(1, 10) == b"685382OK10"
                assert old.registers().load_w == 750
                assert old.totals().total == old.registers().energy_kwh > 1000
