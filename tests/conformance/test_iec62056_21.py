"""The client of IEC 62056-21 against a meter in a process of its own, and against peers that say what a test wants."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conformance.endpoint import Endpoint, LinkProtocol
from conformance.errors import CannotConnect, ConnectionLost, LoginRefused, NoAnswer, ProtocolFault, RequestRefused
from conformance.iec_client import IecClient, IecOptions
from conformance.iec_data import logger_rows, name_of, parsed
from conformance.iec_loggers import check_selection, read_logger
from conformance.reading import Selection
from transports.iec62056_21.meter_messages import (
    Challenge,
    Data,
    Error,
    Identification,
    Value,
    readout_of,
)

from .running import PASSWORD, SERIAL_NUMBER, RunningMeter, quick_profile, running_meter, scripted, unused_address

MODE_A = Identification("KAM", " ", "68438BC450000")
MODE_C = Identification("KAM", "5", " 68438BM4C3")
BLOCK = "0.0.1(12345678)\r\n1.6.0(1.078*kW)(01261121110000)\r\n"
ACK = b"\x06"
NAK = b"\x15"
BREAK = b"\x01B0\x03q"


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMeter]:
    folder = tmp_path_factory.mktemp("meter")
    with running_meter(folder, quick_profile(folder)) as running:
        yield running


def client(address: str, options: IecOptions | None = None) -> IecClient:
    return IecClient.connect(Endpoint.parse(f"iec://{address}"), options or IecOptions())


def hasty(address: str) -> IecClient:
    return client(address, IecOptions(timeout_s=0.2))


def programming(meter: RunningMeter) -> IecClient:
    dialogue = client(meter.address)
    dialogue.program(PASSWORD)
    return dialogue


class TestReadout:
    def test_over_tcp_mode_c_gives_identification_and_data_sets(self, meter: RunningMeter) -> None:
        with client(meter.address) as reader:
            identification, found = reader.readout()
        assert (identification.manufacturer, identification.baud) == ("KAM", "5")
        values = {item.address: item.values for item in found}
        assert values["0.0.1"] == (Value(str(SERIAL_NUMBER)),)
        assert values["1.8.0"][0].unit == "kwh"
        assert [value.unit for value in values["1.6.0"]] == ["kW", ""]

    def test_on_a_device_the_speed_changes_with_the_acknowledgement(self, meter: RunningMeter) -> None:
        place = Endpoint.parse(meter.pty).speaking(LinkProtocol.IEC)
        with IecClient.connect(place, IecOptions()) as reader:
            assert ("0.0.1", (Value(str(SERIAL_NUMBER)),)) in reader.readout().data_sets

    def test_an_offer_left_unanswered_gives_the_same_in_mode_a(self, meter: RunningMeter) -> None:
        with client(meter.address, IecOptions(mode="A")) as reader:
            assert reader.readout().data_sets[0].values == (Value(str(SERIAL_NUMBER)),)

    @pytest.mark.parametrize("address", [str(SERIAL_NUMBER), f"00{SERIAL_NUMBER}"])
    def test_the_meter_that_is_named_answers(self, meter: RunningMeter, address: str) -> None:
        with client(meter.address, IecOptions(address)) as reader:
            assert reader.sign_on().manufacturer == "KAM"

    def test_another_meter_is_not_there(self, meter: RunningMeter) -> None:
        options = IecOptions("87654321", timeout_s=0.3)
        with client(meter.address, options) as reader, pytest.raises(NoAnswer, match=r"no answer within 0\.3 s"):
            reader.readout()

    def test_even_parity_is_answered_with_even_parity(self, meter: RunningMeter) -> None:
        with client(meter.address, IecOptions(even_parity=True)) as reader:
            assert reader.readout().data_sets[0].values == (Value(str(SERIAL_NUMBER)),)


class TestProgramming:
    def test_registers_and_clock_are_read(self, meter: RunningMeter) -> None:
        with programming(meter) as dialogue:
            ((address, (clock,)),) = dialogue.read_sets("R5", "1.0.0")
            assert (address, clock.text[2:8]) == ("1.0.0", "261121")
            assert dialogue.read_sets("R5", "1.8.0")[0].values[0].unit.lower() == "kwh"

    def test_the_clock_is_set(self, meter: RunningMeter) -> None:
        with programming(meter) as dialogue:
            (before,) = dialogue.read_sets("R5", "1.0.0")[0].values
            dialogue.write("W5", "1.0.0", before.text[0] + before.text[2:])
            (after,) = dialogue.read_sets("R5", "1.0.0")[0].values
        assert after.text[:10] == before.text[:10]

    def test_a_logger_comes_in_blocks_and_is_one_table(self, meter: RunningMeter) -> None:
        with programming(meter) as dialogue:
            blocks = dialogue.read("R6", "98.1.0")
        columns, rows = logger_rows(blocks, "98.1.0")
        assert len(blocks) > 1
        assert columns[0] == Value("1.0.0")
        assert len(rows) > 6
        assert {len(row) for row in rows} == {len(columns)}

    @pytest.mark.parametrize(
        ("begin", "end", "stamps"),
        [
            (datetime(2026, 11, 21, 11, 30), None, ["01261121113000", "01261121114500", "01261121120000"]),
            (datetime(2026, 7, 1, 12), datetime(2026, 7, 1, 12, 15), ["11260701120000", "11260701121500"]),
            (datetime(2026, 11, 1, 12), datetime(2026, 11, 1, 12, 14, 59), ["01261101120000"]),
            (datetime(2026, 10, 25, 2, 45), datetime(2026, 10, 25, 2, 45), ["11261025024500", "01261025024500"]),
            (datetime(2026, 3, 29, 2), datetime(2026, 3, 29, 2, 59), []),
        ],
        ids=["open end", "summer", "winter", "an hour that was twice", "an hour that never was"],
    )
    def test_rows_are_chosen_by_the_meters_own_time_in_every_season(
        self, meter: RunningMeter, begin: datetime, end: datetime | None, stamps: list[str]
    ) -> None:
        with programming(meter) as dialogue:
            assert [row[0] for row in read_logger(dialogue, "99.1.0", Selection(begin, end)).rows] == stamps

    def test_an_end_without_a_start_begins_with_the_first_row(self, meter: RunningMeter) -> None:
        with programming(meter) as dialogue:
            everything = read_logger(dialogue, "98.1.0", Selection()).rows
            found = read_logger(dialogue, "98.1.0", Selection(end=datetime(2026, 6, 15))).rows
        assert 0 < len(found) < len(everything)
        assert found == everything[: len(found)]
        assert all(row[0][2:8] <= "260615" for row in found)
        assert all(row[0][2:8] > "260615" for row in everything[len(found) :])

    @pytest.mark.parametrize("count", [1, 5, 100])
    @pytest.mark.parametrize("code", ["98.1.0", "99.98.3"])
    def test_the_newest_rows_are_the_last_ones(self, meter: RunningMeter, code: str, count: int) -> None:
        with programming(meter) as dialogue:
            everything = read_logger(dialogue, code, Selection())
            newest = read_logger(dialogue, code, Selection(last=count))
        assert newest.rows == everything.rows[-count:]
        assert newest.columns == everything.columns

    def test_of_a_load_profile_the_newest_rows_need_not_the_others(self, meter: RunningMeter) -> None:
        with programming(meter) as dialogue:
            newest = read_logger(dialogue, "99.1.0", Selection(last=3))
        assert [row[0] for row in newest.rows] == ["01261121113000", "01261121114500", "01261121120000"]

    def test_an_end_without_a_start_and_time_zones_are_no_r6(self, meter: RunningMeter) -> None:
        with programming(meter) as dialogue, pytest.raises(RequestRefused, match=r"R6 99\.1\.0: ER03"):
            dialogue.read("R6", "99.1.0", ";0261121120000;")
        with pytest.raises(ValueError, match="has no time zones"):
            check_selection(Selection(datetime(2026, 1, 1, tzinfo=UTC)))
        with pytest.raises(ValueError, match="two digits for the years"):
            check_selection(Selection(None, datetime(2100, 1, 1)))

    def test_what_is_refused_leaves_the_dialogue_open(self, meter: RunningMeter) -> None:
        with programming(meter) as dialogue:
            with pytest.raises(RequestRefused, match=r"R5 77\.7\.7: ER"):
                dialogue.read("R5", "77.7.7")
            with pytest.raises(RequestRefused, match=r"W5 1\.8\.0: ER"):
                dialogue.write("W5", "1.8.0", "1")
            assert dialogue.read_sets("R5", "1.0.0")

    def test_a_wrong_password_ends_it_and_the_next_client_is_welcome(self, meter: RunningMeter) -> None:
        with client(meter.address) as dialogue, pytest.raises(LoginRefused, match="the password is wrong, or the port"):
            dialogue.program("54321")
        with programming(meter) as dialogue:
            assert dialogue.read_sets("R5", "1.0.0")

    @pytest.mark.parametrize(
        ("profile", "password"), [("382L", "12345"), ("382BCDE", "12345"), ("382-classic", "123456")]
    )
    def test_meters_that_offer_no_speed_are_programmed_too(self, tmp_path: Path, profile: str, password: str) -> None:
        quick = quick_profile(tmp_path, profile)
        with running_meter(tmp_path, quick, dlms=profile == "382L") as running, client(running.address) as dialogue:
            dialogue.program(password)
            with pytest.raises(RequestRefused, match="ER"):
                dialogue.read("R5", "77.7.7")

    def test_breaking_off_frees_the_port_at_once(self, meter: RunningMeter) -> None:
        for _ in range(2):
            with programming(meter) as dialogue:
                assert dialogue.read("R5", "1.0.0")


class TestTrouble:
    def test_a_damaged_message_is_asked_for_once_more(self) -> None:
        good = readout_of(BLOCK).encode()
        with scripted(MODE_C.encode(), good.replace(b"123", b"923"), good) as peer:
            with client(peer.address) as reader:
                assert reader.readout().data_sets == parsed(BLOCK)
            assert peer.heard == [b"/?!\r\n", b"\x06050\r\n", NAK]

    def test_a_message_damaged_twice_is_a_fault(self) -> None:
        bad = readout_of(BLOCK).encode()[:-1] + b"?"
        with (
            scripted(MODE_C.encode(), bad, bad) as peer,
            client(peer.address) as reader,
            pytest.raises(ProtocolFault, match="wrong block check or parity, twice"),
        ):
            reader.readout()

    def test_a_wrong_parity_damages_a_message(self) -> None:
        good = readout_of(BLOCK).encode()
        even = bytes(octet | (octet.bit_count() & 1) << 7 for octet in good)
        bad = even[:5] + bytes((even[5] ^ 0x80,)) + even[6:]
        named = bytes(octet | (octet.bit_count() & 1) << 7 for octet in MODE_C.encode())
        with scripted(named, bad, even) as peer, client(peer.address, IecOptions(even_parity=True)) as reader:
            assert reader.readout().data_sets == parsed(BLOCK)

    def test_mode_a_may_come_in_one_burst(self) -> None:
        with scripted(MODE_A.encode() + readout_of(BLOCK).encode()) as peer, client(peer.address) as reader:
            assert reader.readout() == (MODE_A, parsed(BLOCK))

    def test_a_letter_as_speed_is_mode_b_and_needs_no_acknowledgement(self) -> None:
        mode_b = Identification("KAM", "E", "68438BC450000")
        with scripted(mode_b.encode() + readout_of(BLOCK).encode(), ACK) as peer:
            with client(peer.address) as reader:
                reader.program("12345")
            assert peer.heard[0] == b"/?!\r\n"
            assert peer.heard[1][:3] == b"\x01P1"

    def test_no_higher_speed_is_asked_for_than_wanted(self) -> None:
        with scripted(MODE_C.encode(), readout_of(BLOCK).encode()) as peer:
            with client(peer.address, IecOptions(max_speed="3")) as reader:
                assert reader.readout().data_sets == parsed(BLOCK)
            assert peer.heard[1] == b"\x06030\r\n"

    def test_the_sum_of_the_685_is_a_check_too_and_stays_one(self) -> None:
        burst = MODE_A.encode() + readout_of(BLOCK, own_line=False).encode("sum")
        with scripted(burst, ACK, Data("0.0(1)").encode("sum")) as peer:
            with client(peer.address, IecOptions(mode="A")) as reader:
                reader.program("123456")
                assert reader.read("R1", "0.0") == ["0.0(1)"]
            assert sum(peer.heard[1][1:-1]) & 0x7F == peer.heard[1][-1]

    def test_an_echo_of_the_optical_head_is_dropped(self) -> None:
        sign_on, select = b"/?!\r\n", b"\x06050\r\n"
        with scripted(sign_on + MODE_C.encode(), select + readout_of(BLOCK).encode()) as peer:
            with client(peer.address) as reader:
                assert reader.readout().data_sets == parsed(BLOCK)
            assert peer.heard == [sign_on, select]

    def test_noise_before_a_message_does_no_harm(self) -> None:
        script = b"\x00\xff?" + MODE_C.encode(), b"xyz" + readout_of(BLOCK).encode()
        with scripted(*script) as peer, client(peer.address) as reader:
            assert reader.readout().data_sets == parsed(BLOCK)

    def test_a_meter_that_asks_for_the_command_again_gets_it_again(self) -> None:
        with scripted(MODE_C.encode(), Challenge("").encode(), NAK, ACK) as peer:
            with client(peer.address) as dialogue:
                dialogue.program("12345")
            command = b"\x01P1\x02(12345)\x03"
            assert [octets[:-1] for octets in peer.heard[2:4]] == [command, command]
        assert peer.heard[-1] == BREAK

    def test_a_block_that_came_damaged_is_repeated_and_the_others_follow(self) -> None:
        first, last = (
            Data("99.1.0(1)(1.0.0)()\r\n(1)\r\n", more=True).encode(),
            Data("99.1.0(1)(1.0.0)()\r\n(2)").encode(),
        )
        script = (MODE_C.encode(), Challenge("").encode(), ACK, first[:-1] + b"?", first, last)
        with scripted(*script) as peer:
            with client(peer.address) as dialogue:
                dialogue.program("12345")
                assert logger_rows(dialogue.read("R6", "99.1.0"), "99.1.0").rows == [("1",), ("2",)]
            assert peer.heard[4:6] == [NAK, ACK]

    def test_of_a_meter_without_clock_the_whole_logger_is_read(self) -> None:
        rows = Data("99.1.0(1)(1.8.0)(kWh)\r\n(1)\r\n(2)\r\n(3)\r\n").encode()
        for no_clock in (Error("ER01").encode(), Data("1.0.0(00000000000000)").encode(), Data("").encode()):
            with scripted(MODE_C.encode(), Challenge("").encode(), ACK, no_clock, rows) as peer:
                with client(peer.address) as dialogue:
                    dialogue.program("12345")
                    assert read_logger(dialogue, "99.1.0", Selection(last=2)).rows == [("2",), ("3",)]
                assert peer.heard[4].startswith(b"\x01R6\x0299.1.0(;;50)\x03")

    @pytest.mark.parametrize("header", ["99.1.0(0)", "99.1.0(1)(1.8.0)(kWh)"])
    def test_a_logger_without_a_column_of_times_is_given_whole(self, header: str) -> None:
        columns = header.count("kWh")
        script = MODE_C.encode(), Challenge("").encode(), ACK, Data(f"{header}\r\n{'(1)' * columns}").encode()
        with scripted(*script) as peer, client(peer.address) as dialogue:
            dialogue.program("12345")
            found = read_logger(dialogue, "99.1.0", Selection(begin=datetime(2026, 1, 1)))
        assert found.rows == [("1",)] * columns

    def test_half_a_message_is_silence(self) -> None:
        script = MODE_C.encode(), readout_of(BLOCK).encode()[:20]
        with (
            scripted(*script) as peer,
            hasty(peer.address) as reader,
            pytest.raises(NoAnswer, match=r"no answer within 0\.2 s"),
        ):
            reader.readout()

    def test_a_connection_that_ends_in_the_middle_is_lost(self) -> None:
        script = MODE_C.encode(), readout_of(BLOCK).encode()[:20]
        with (
            scripted(*script, closes=True) as peer,
            client(peer.address) as reader,
            pytest.raises(ConnectionLost, match="closed the connection"),
        ):
            reader.readout()

    def test_a_break_in_the_middle_of_a_dialogue_is_the_end_of_it(self) -> None:
        script = MODE_C.encode(), Challenge("").encode(), ACK, BREAK
        with scripted(*script) as peer, client(peer.address) as dialogue:
            dialogue.program("12345")
            with pytest.raises(ConnectionLost, match="broke off"):
                dialogue.read("R5", "1.0.0")

    def test_a_password_refused_by_an_error_message_says_so(self) -> None:
        script = MODE_C.encode(), Challenge("").encode(), Error("ER11 LOCKED").encode()
        with (
            scripted(*script) as peer,
            client(peer.address) as dialogue,
            pytest.raises(LoginRefused, match="ER11 LOCKED"),
        ):
            dialogue.program("12345")

    def test_a_meter_that_goes_on_with_its_data_has_no_programming(self) -> None:
        with (
            scripted(MODE_C.encode(), readout_of(BLOCK).encode()) as peer,
            client(peer.address) as dialogue,
            pytest.raises(LoginRefused, match="no programming mode"),
        ):
            dialogue.program("12345")

    def test_somebody_who_speaks_otherwise_is_no_meter(self) -> None:
        with (
            scripted(b"HTTP/1.1 400 Bad Request\r\n") as peer,
            hasty(peer.address) as reader,
            pytest.raises(NoAnswer),
        ):
            reader.readout()

    def test_nobody_listening(self) -> None:
        with pytest.raises(CannotConnect, match="cannot connect to iec://"):
            client(unused_address())


NOT_DATA = ["1.8.0", "1.8.0(1", "(1)(2)x", "1.8.0)1("]


@pytest.mark.parametrize("text", NOT_DATA)
def test_what_is_no_data_set_is_refused(text: str) -> None:
    with pytest.raises(ProtocolFault, match="no data sets"):
        parsed(text)


NOT_ROWS = [
    ("98.1.0(1)(1.0.0)()\r\n(1)", "the header of logger 99.1.0 expected"),
    ("99.1.0(1)(1.0.0)\r\n(1)", "the header of logger 99.1.0 expected"),
    ("99.1.0(2)(1.0.0)()(1.8.0)(kWh)\r\n(1)", "a row of 2 columns expected"),
    ("99.1.0(1)(1.0.0)()\r\n1.0.0(1)", "a row of 1 columns expected"),
    ("", "the header of logger 99.1.0 expected"),
]


@pytest.mark.parametrize(("block", "reason"), NOT_ROWS)
def test_what_is_no_logger_is_refused(block: str, reason: str) -> None:
    with pytest.raises(ProtocolFault, match=reason):
        logger_rows([block], "99.1.0")


def test_blocks_of_one_logger_have_the_same_columns() -> None:
    with pytest.raises(ProtocolFault, match="other columns"):
        logger_rows(["99.1.0(1)(1.0.0)()\r\n(1)", "99.1.0(1)(1.8.0)(kWh)\r\n(1)"], "99.1.0")


def test_addresses_have_the_names_of_their_codes() -> None:
    assert name_of("1.8.0") == "Active energy import (A+), total"
    assert name_of("F.F") == ""
