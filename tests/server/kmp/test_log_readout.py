"""Loggers as a client of KMP reads them: the requests of head-ends, directions, limits, and what the end says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import pytest

from metering.inputs import SetAnalysisLogger, SetCover, SetLoad, SetSupply
from tests.server.conftest import Lab

from .wire import KmpWire

PASSWORD = (12345).to_bytes(2, "big")
HOUR = 3600
DAY = 24 * HOUR
EMPTY, NOT_IN_RANGE, LENGTH_REACHED, END_REACHED = 0x01, 0x04, 0x08, 0x10
RTC, A14, A23, R12, R34 = "0417", "0001", "0002", "0003", "0004"


class Page(NamedTuple):
    """An answer taken apart: rows by LogID with their mantissas, and what stands behind them."""

    registers: list[int]
    rows: dict[int, list[bytes]]
    last: int
    newest: int
    info: int

    def column(self, place: int) -> list[int]:
        """The numbers of a column, in the order they came."""
        return [int.from_bytes(row[place], "big") for row in self.rows.values()]


def taken_apart(answer: bytes, id_octets: int) -> Page:
    """Read what follows CID and LID."""
    number, rest = answer[0], answer[1:]
    tail = 2 * id_octets + (1 if id_octets == 2 else 2)
    body, end = rest[:-tail], rest[-tail:]
    registers: list[int] = []
    widths: list[int] = []
    rows: dict[int, list[bytes]] = {}
    while body:
        log_id, body = int.from_bytes(body[:id_octets], "big"), body[id_octets:]
        row = []
        for place in range(number):
            if len(widths) < number:
                registers.append(int.from_bytes(body[:2], "big"))
                widths.append(body[3])
                body = body[5:]
            row.append(body[: widths[place]])
            assert len(row[-1]) == widths[place]
            body = body[widths[place] :]
        rows[log_id] = row
    numbers = [int.from_bytes(end[at : at + id_octets], "big") for at in (0, id_octets)]
    return Page(registers, rows, *numbers, int.from_bytes(end[2 * id_octets :], "big"))


def read(wire: KmpWire, cid: int, request: str) -> Page:
    """A0 to A3."""
    answer = wire.ask(cid, request)
    assert answer is not None
    assert answer[0] == int(request[:2], 16), "the LID comes back"
    return taken_apart(answer[1:], 2)


def read_wide(wire: KmpWire, request: str) -> Page:
    """B8."""
    answer = wire.ask(0xB8, request)
    assert answer is not None
    assert answer[:2] == bytes.fromhex(request.replace(" ", "")[:4])
    return taken_apart(answer[2:], 4)


def stamp(octets: bytes) -> tuple[int, ...]:
    """Year, month, day, hour, minute, second."""
    return tuple(octets[:1:-1])


@pytest.fixture
def wire(lab: Callable[..., Lab]) -> KmpWire:
    """36 hours at 750 W: 144 rows of a load profile; three debiting periods after that."""
    return KmpWire(lab())


@pytest.fixture
def billed(wire: KmpWire) -> KmpWire:
    for _ in range(3):
        wire.bench.time.forward(DAY)
        assert wire.ask(0x88) == b""
    return wire


# --- what head-ends ask ---------------------------------------------------------------------------


def test_a_head_end_looks_up_the_first_debiting_row_and_reads_on_from_it(billed: KmpWire) -> None:
    first = read(billed, 0xA0, "01 01 0417 02 FF 00 01 01 00 00 00 00 00")
    assert first.registers == [0x0417]
    assert list(first.rows) == [1, 2]
    assert (first.last, first.newest, first.info) == (2, 3, 0)
    assert stamp(first.rows[1][0])[:4] == (26, 3, 3, 13)
    rows = read(billed, 0xA2, "01 05 0417 0001 0013 0017 001F 04 FF 0001")
    assert list(rows.rows) == [1, 2, 3]
    assert rows.column(1) == [450, 630, 810] == rows.column(2)
    assert rows.column(3) == [0, 0, 0]
    assert (rows.last, rows.newest, rows.info) == (3, 3, END_REACHED)
    peaks = read(billed, 0xA2, "01 03 0419 0027 002B 05 FF 0002")
    assert peaks.column(1) == [750, 750]
    assert peaks.column(2) == [1500, 2250]


def test_a_head_end_reads_the_load_profile(wire: KmpWire) -> None:
    first = read(wire, 0xA0, "06 01 0417 02 FF 00 01 01 00 00 00 00 00")
    assert list(first.rows) == [1, 2]
    rows = read(wire, 0xA2, "06 05 0417 0001 0002 0003 0004 06 FF 0001")
    assert list(rows.rows) == [1, 2, 3, 4, 5, 6]
    assert [stamp(row[0]) for row in rows.rows.values()][:2] == [(26, 3, 1, 1, 15, 0), (26, 3, 1, 1, 30, 0)]
    assert rows.column(1) == [1, 3, 5, 7, 9, 11], "187.5 Wh in a quarter of an hour"
    assert rows.info == 0


def test_a_head_end_of_an_omnipower_reads_with_wide_numbers(billed: KmpWire) -> None:
    first = read_wide(billed, "00 06 01 0417 0001 00000000")
    assert list(first.rows) == [1]
    assert first.info == 0x0080, "the oldest row is among them"
    rows = read_wide(billed, "02 06 05 0417 0001 0002 0003 0004 0006 00000002")
    assert list(rows.rows) == [2, 3, 4, 5, 6, 7]
    assert rows.info == 0
    debiting = read_wide(billed, "02 01 05 0417 0001 0013 0017 001F 0006 00000001")
    assert list(debiting.rows) == [1, 2, 3]
    assert (debiting.last, debiting.newest) == (3, 3)
    assert debiting.info == 0x0010 | 0x0040 | 0x0080


def test_earlier_generations_have_no_wide_readout(lab: Callable[..., Lab]) -> None:
    assert KmpWire(lab(profile="382K")).ask(0xB8, "00 06 01 0417 0001 00000000") is None


# --- directions and limits ------------------------------------------------------------------------


def test_the_newest_rows_come_backwards(wire: KmpWire) -> None:
    page = read(wire, 0xA1, "06 01 0417 03 FF")
    assert list(page.rows) == [144, 143, 142]
    assert (page.last, page.newest, page.info) == (142, 144, 0)
    assert stamp(page.rows[144][0]) == (26, 3, 2, 13, 0, 0)


def test_backwards_the_oldest_row_is_the_end(billed: KmpWire) -> None:
    page = read(billed, 0xA1, "01 01 0417 FF FF")
    assert list(page.rows) == [3, 2, 1]
    assert page.info == END_REACHED


@pytest.mark.parametrize(
    ("cid", "time", "first"),
    [
        (0xA0, "1A 03 02 00 00 00", 92),
        (0xA3, "1A 03 02 00 00 00", 92),
        (0xA0, "1A 03 02 00 00 01", 93),
        (0xA3, "1A 03 02 00 0E 3B", 92),
        (0xA3, "63 0C 1F 17 3B 3B", 144),
    ],
)
def test_a_time_is_normal_time_and_finds_the_row_on_its_side(wire: KmpWire, cid: int, time: str, first: int) -> None:
    page = read(wire, cid, f"06 01 05B2 02 FF {time} 00 00")
    assert next(iter(page.rows)) == first
    assert page.column(0)[0] == first


@pytest.mark.parametrize(
    ("cid", "operand"),
    [
        (0xA0, "63 01 01 00 00 00 00 00"),
        (0xA3, "00 01 01 00 00 00 00 00"),
        (0xA0, "1A 0D 01 00 00 00 00 00"),
        (0xA0, "00 00 00 00 00 00 00 00"),
        (0xA2, "0000"),
        (0xA2, "0091"),
        (0xA2, "FFFF"),
    ],
)
def test_where_there_is_no_such_row_nothing_comes_and_the_end_says_so(wire: KmpWire, cid: int, operand: str) -> None:
    page = read(wire, cid, f"06 01 0417 02 FF {operand}")
    assert page.rows == {}
    assert (page.last, page.newest, page.info) == (0, 144, NOT_IN_RANGE)


@pytest.mark.parametrize(("cid", "operand"), [(0xA0, "00" * 8), (0xA1, ""), (0xA2, "0001"), (0xA3, "00" * 8)])
def test_an_empty_logger_says_that_it_is(wire: KmpWire, cid: int, operand: str) -> None:
    page = read(wire, cid, f"01 01 0417 02 FF {operand}")
    assert page == Page([], {}, 0, 0, EMPTY)


def test_an_empty_logger_says_so_with_wide_numbers(wire: KmpWire) -> None:
    assert read_wide(wire, "02 01 01 0417 0001 00000001") == Page([], {}, 0, 0, 0x0001)


def test_what_does_not_fit_is_read_with_the_next_request(wire: KmpWire) -> None:
    seen: dict[int, list[bytes]] = {}
    start = 1
    while True:
        page = read(wire, 0xA2, f"06 05 0417 0001 0002 0003 0004 FF FF {start:04X}")
        seen |= page.rows
        assert page.last == max(seen)
        if page.info == END_REACHED:
            break
        assert page.info == LENGTH_REACHED
        assert len(page.rows) == 8, "rows of 26 octets in 255"
        start = page.last + 1
    assert list(seen) == list(range(1, 145))


def test_one_row_always_fits(wire: KmpWire) -> None:
    page = read(wire, 0xA2, "06 01 0417 02 00 0001")
    assert list(page.rows) == [1]
    assert page.info == LENGTH_REACHED


def test_no_row_asked_for_is_none(wire: KmpWire) -> None:
    page = read(wire, 0xA2, "06 01 0417 00 FF 0001")
    assert (page.rows, page.last, page.info) == ({}, 0, 0)


@pytest.mark.parametrize("registers", [f"05 {RTC} {A14} 041E 0080 {R34}", f"03 {RTC} {A14} {R34}"])
def test_registers_the_logger_does_not_hold_are_left_out(wire: KmpWire, registers: str) -> None:
    assert read(wire, 0xA1, f"06 {registers} 01 FF").registers == [0x0417, 0x0001, 0x0004]


def test_wide_numbers_tell_of_registers_left_out_and_of_requests_not_understood(wire: KmpWire) -> None:
    assert read_wide(wire, "02 06 02 0417 041E 0001 00000005").info == 0x0008
    assert read_wide(wire, "02 06 02 0417 0001 00000005").info == 0x0200


def test_a_long_readout_with_wide_numbers_ends_where_a_frame_does(wire: KmpWire) -> None:
    page = read_wide(wire, f"02 06 05 {RTC} {A14} {A23} {R12} {R34} FFFF 00000001")
    assert 8 < len(page.rows) < 20
    assert page.info == 0x0010 | 0x0080


def test_row_numbers_go_on_when_the_oldest_rows_are_gone(lab: Callable[..., Lab]) -> None:
    wire = KmpWire(lab(datetime(2026, 12, 31), commissioned=datetime(2024, 1, 1)))
    newest = read(wire, 0xA1, "06 03 05B2 05B0 05B1 01 FF")
    (row,) = newest.rows.values()
    number = int.from_bytes(row[0], "big")
    assert number == 1095 * 96
    assert newest.newest == number % 65_536, "the low half"
    assert newest.column(1) == newest.column(2) == [175 * 96]
    again = read(wire, 0xA2, f"06 01 05B2 01 FF {newest.newest:04X}")
    assert again.column(0) == [number]
    wide = read_wide(wire, f"02 06 01 0417 0001 {number:08X}")
    assert list(wide.rows) == [number]


# --- what each logger holds -----------------------------------------------------------------------


def test_the_load_profile_says_what_happened_in_a_row(wire: KmpWire) -> None:
    wire.bench.meter.apply(SetSupply(voltage_mv=(0, 0, 0)))
    wire.bench.time.forward(HOUR)
    wire.bench.meter.apply(SetSupply(voltage_mv=(230_000, 230_000, 230_000)))
    wire.bench.time.forward(HOUR)
    page = read(wire, 0xA1, "06 02 05AF 05AE 05 FF")
    assert any(quality & 0x400 for quality in page.column(0)), "power outage"


def test_the_load_profile_after_a_change_of_its_interval_says_so(wire: KmpWire) -> None:
    assert wire.ask(0xA9, PASSWORD + bytes((0x0F, 60))) == b""
    wire.bench.time.forward(HOUR)
    page = read_wide(wire, f"02 06 01 0417 0001 {145:08X}")
    assert page.info & 0x0004


def test_the_load_profile_records_what_it_was_told_to(wire: KmpWire) -> None:
    assert wire.ask(0xA9, PASSWORD + bytes((0x01, 15))) == b""
    wire.bench.time.forward(HOUR)
    assert read(wire, 0xA1, f"06 05 {RTC} {A14} {A23} {R12} {R34} 01 FF").registers == [0x0417, 0x0001]


def test_the_status_logger_holds_the_status(wire: KmpWire) -> None:
    wire.bench.meter.apply(SetCover(open=True))
    page = read(wire, 0xA1, "02 02 0417 0032 01 FF")
    assert page.column(1) == [wire.value(0x0032)]
    assert page.column(1)[0] & 0x40


def test_the_rtc_logger_holds_the_time_before_and_after(wire: KmpWire) -> None:
    date, clock = (260_302).to_bytes(4, "big"), (140_000).to_bytes(4, "big")
    assert wire.ask(0x09, date + clock) == b""
    page = read(wire, 0xA1, "03 03 0417 0418 0415 01 FF")
    ((after, before, state),) = page.rows.values()
    assert (stamp(after), stamp(before)) == ((26, 3, 2, 14, 0, 0), (26, 3, 2, 13, 0, 0))
    assert state == b"\x82"


def test_the_disconnect_logger_holds_state_and_feedback(wire: KmpWire) -> None:
    assert wire.ask(0x97, "01") == b""
    wire.bench.time.forward(10)
    page = read(wire, 0xA1, "05 03 0417 043F 0440 01 FF")
    assert page.column(1) == [1]


def test_the_voltage_quality_logger_holds_the_event_and_its_voltages(wire: KmpWire) -> None:
    wire.bench.meter.apply(SetLoad((0, 0, 0), (0, 0, 0), (230_000, 260_000, 230_000)))
    wire.bench.time.forward(60)
    page = read(wire, 0xA1, "04 05 043D 05B4 05B5 05B7 05B8 01 FF")
    ((event, phase, number, highest, _),) = page.rows.values()
    assert event == bytes((0x82,)), "over, L2"
    assert (phase, number) == (b"\x02", b"\x08")
    assert int.from_bytes(highest, "big") == 260


def test_load_profile_events_and_neutral_faults_have_loggers(wire: KmpWire) -> None:
    assert wire.ask(0xA9, PASSWORD + bytes((0x01, 15))) == b""
    assert read(wire, 0xA1, "10 02 0417 04C6 01 FF").column(1) == [2]
    wire.bench.meter.apply(SetLoad((0, 0, 0), (0, 0, 0), (260_000, 260_000, 180_000)))
    wire.bench.time.forward(120)
    assert read(wire, 0xA1, "0C 02 0417 04DA 01 FF").column(1) == [1]


def test_debiting_logger_2_has_a_row_at_the_end_of_each_day(lab: Callable[..., Lab]) -> None:
    wire = KmpWire(lab(datetime(2026, 3, 4, 12, 0)))
    assert wire.write(0x0497, 0)
    wire.bench.time.forward(2 * DAY)
    page = read(wire, 0xA1, "08 04 0417 0001 0013 03EC 02 FF")
    assert [stamp(row[0])[:4] for row in page.rows.values()] == [(26, 3, 6, 0), (26, 3, 5, 0)]
    assert page.column(1) == page.column(2)
    assert page.column(1)[0] - page.column(1)[1] == 180
    assert page.column(3)[0] - page.column(3)[1] == 24


def test_the_analysis_logger_gives_its_registers_by_their_kmp_numbers(wire: KmpWire) -> None:
    codes = ("1.1.1.8.0.255", "1.1.1.25.0.255", "1.1.21.7.0.255", "1.1.32.25.0.255", "1.1.51.25.0.255",
             "1.1.13.25.0.255", "0.1.96.8.0.255", "1.1.1.8.1.255")  # fmt: skip
    wire.bench.meter.apply(SetAnalysisLogger(900, codes))
    wire.bench.time.forward(HOUR)
    page = read(wire, 0xA1, "11 08 0001 0023 0438 04BF 04C3 0564 03EC 0013 01 FF")
    assert page.registers == [0x0001, 0x0023, 0x0438, 0x04BF, 0x04C3, 0x0564, 0x03EC, 0x0013]
    (row,) = page.rows.values()
    assert [int.from_bytes(octets, "big") for octets in row] == [277, 750, 350, 230, 110, 98, 37, 277]
