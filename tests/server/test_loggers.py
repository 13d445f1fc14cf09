"""The loggers as Profile generic objects: rows, selections and marks as the 382M DLMS description 3.4 has them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from cosem.client import range_parameters
from cosem.data_types import (
    ANY,
    DATE_TIME_STRING,
    DOUBLE_LONG_UNSIGNED,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    UNSIGNED,
    Array,
    Structure,
    decode_all,
)
from cosem.date_time import DateTime
from cosem.errors import DataAccessResult
from cosem.interface_classes import CAPTURE_OBJECT
from cosem.xdlms import Descriptor
from metering import DataQuality, LoadProfileEvent, LoggerStatus
from metering.inputs import SetLoad
from obis import Obis

from .clients import result_of
from .conftest import Lab, Reader

LOAD_PROFILE = "1.1.99.1.0.255"
BILLING = "1.1.98.1.0.255"
RTC_LOG = "1.1.99.98.3.255"
LOAD_PROFILE_EVENTS = "1.1.99.98.10.255"
CLOCK = Obis.parse("0.1.1.0.0.255")
LOGGERS = [BILLING, "1.1.98.2.0.255", LOAD_PROFILE, "1.1.99.1.1.255"] + [
    f"1.1.99.98.{number}.255" for number in (2, 3, 4, 5, 10, 12, 13, 14)
]
QUARTER = 900
WITH_ROWS = {BILLING, "1.1.98.2.0.255", LOAD_PROFILE, "1.1.99.1.1.255", RTC_LOG, LOAD_PROFILE_EVENTS}
"""Loggers that a day, a billing stop, a clock setting and a deleted load profile leave rows in."""


def decode_rows(octets: bytes) -> list[Any]:
    rows: list[Any] = decode_all(Array(ANY), octets)
    return rows


def whole(reader: Reader, name: str = LOAD_PROFILE) -> list[Any]:
    """All rows."""
    return decode_rows(reader.octets(7, name))


def entry(first: int, last: int, first_column: int = 1, last_column: int = 0) -> tuple[int, bytes]:
    """Selector and parameters of an access by entry."""
    fields = Structure(DOUBLE_LONG_UNSIGNED, DOUBLE_LONG_UNSIGNED, LONG_UNSIGNED, LONG_UNSIGNED)
    return 2, fields.encode((first, last, first_column, last_column))


def by_range(begin: DateTime, end: DateTime, *columns: tuple[int, str, int, int]) -> tuple[int, bytes]:
    """Selector and parameters of an access by range."""
    parameters = range_parameters(CLOCK, begin, end)
    if columns:
        objects = [(class_id, Obis.parse(name), index, data_index) for class_id, name, index, data_index in columns]
        parameters = parameters[:-2] + Array(CAPTURE_OBJECT).encode(objects)
    return 1, parameters


def clock_of(row: Any) -> DateTime:
    return DateTime.from_bytes(row[0])


def times(rows: list[Any]) -> list[tuple[int, int]]:
    """Hour and minute of each row."""
    return [(clock_of(row).hour, clock_of(row).minute) for row in rows]


def select(reader: Reader, selection: tuple[int, bytes], name: str = LOAD_PROFILE) -> list[Any]:
    return decode_rows(reader.octets(7, name, 2, *selection))


def refusal(reader: Reader, selection: tuple[int, bytes], name: str = LOAD_PROFILE) -> Any:
    return result_of(reader.octets, 7, name, 2, *selection)


@pytest.fixture
def bench(lab: Callable[..., Lab]) -> Lab:
    """Commissioned at 01:00 local time, now 13:00 of the next day: 144 quarters."""
    return lab()


# --- the load profile -----------------------------------------------------------------------------------


def test_a_row_is_the_documented_structure_of_eight(bench: Lab) -> None:
    reader = bench.reader()
    newest = select(reader, entry(0, 0))[0]
    assert newest == (
        DateTime(2026, 3, 2, 1, 13, 0, 0).to_bytes(),
        0,
        0,
        1,
        27_000,
        0,
        4_320,
        0,
    )
    octets = reader.octets(7, LOAD_PROFILE, 2, *entry(0, 0))
    # 382M DLMS description 4: clock as octet-string, u16, u32, i8, u32 …
    assert octets.hex() == "01010208090c07ea0302010d0000ff8000001200000600000000" + "0f01" + "0600006978" + (
        "0600000000" + "06000010e0" + "0600000000"
    )


def test_capture_objects_are_those_of_the_columns(bench: Lab) -> None:
    columns = [(item[0], str(Obis(item[1])), *item[2:]) for item in bench.reader().get(7, LOAD_PROFILE, 3)]
    assert columns == [
        (8, "0.1.1.0.0.255", 2, 0),
        (7, LOAD_PROFILE, -1, 0),
        (7, LOAD_PROFILE, -2, 0),
        (1, "1.1.134.0.1.255", 2, 0),
        *((3, f"1.1.{group_c}.8.0.255", 2, 0) for group_c in (1, 2, 3, 4)),
    ]


@pytest.mark.parametrize(
    ("profile", "columns", "entries"), [("382M", 8, 175 * 96), ("382L", 5, 597 * 96)], ids=["382M", "382L"]
)
def test_columns_and_depth_are_those_of_the_energy_type(
    lab: Callable[..., Lab], profile: str, columns: int, entries: int
) -> None:
    reader = lab(profile=profile).reader()
    assert len(reader.get(7, LOAD_PROFILE, 3)) == columns
    assert {len(row) for row in whole(reader)} == {columns}
    assert reader.get(7, LOAD_PROFILE, 7) == 144
    assert reader.get(7, LOAD_PROFILE, 8) == entries


def test_a_meter_ordered_with_another_energy_type_has_its_columns(lab: Callable[..., Lab]) -> None:
    reader = lab(metering={"energy_type": "A+A-"}).reader()
    assert len(whole(reader)[0]) == 6
    assert reader.get(7, LOAD_PROFILE, 8) == 231 * 96


def test_all_rows_come_oldest_first_one_a_quarter(bench: Lab) -> None:
    rows = whole(bench.reader())
    assert len(rows) == 144
    moments = [clock_of(row).to_datetime() for row in rows]
    assert moments[0] == datetime(2026, 3, 1, 1, 15)
    assert {(later - earlier).seconds for earlier, later in pairwise(moments)} == {QUARTER}
    assert [row[4] for row in rows] == [(number + 1) * 750 // 4 for number in range(144)]


def test_a_full_logger_lets_the_oldest_rows_go(lab: Callable[..., Lab]) -> None:
    bench = lab(datetime(2026, 3, 1), datetime(2025, 3, 1))
    reader = bench.reader()
    assert reader.get(7, LOAD_PROFILE, 7) == 175 * 96
    bench.time.forward(QUARTER)
    assert reader.get(7, LOAD_PROFILE, 7) == 175 * 96
    oldest = select(reader, entry(175 * 96 - 1, 175 * 96 - 1))
    assert clock_of(oldest[0]).to_datetime() == datetime(2025, 9, 7, 2, 30)  # 175 days before 01:15, in summer time
    assert select(reader, entry(175 * 96, 175 * 96)) == []


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (0, 0, [(13, 0)]),
        (1, 3, [(12, 45), (12, 30), (12, 15)]),
        (3, 1, [(12, 15), (12, 30), (12, 45)]),
        (1, 0, [(12, 45), (13, 0)]),
        (0, 1, [(13, 0), (12, 45)]),
        (143, 143, [(1, 15)]),
        (143, 500, [(1, 15)]),
        (2**32 - 1, 142, [(1, 15), (1, 30)]),
        (144, 200, []),
    ],
)
def test_entry_0_is_the_newest_and_ascending_numbers_go_back(
    bench: Lab, first: int, last: int, expected: list[tuple[int, int]]
) -> None:
    assert times(select(bench.reader(), entry(first, last))) == expected


@pytest.mark.parametrize(
    ("first_column", "last_column", "kept"),
    [(1, 0, slice(0, 8)), (0, 0, slice(0, 8)), (5, 0, slice(4, 8)), (5, 5, slice(4, 5)), (1, 2, slice(0, 2)),
     (1, 8, slice(0, 8))],
)  # fmt: skip
def test_columns_are_counted_from_1_and_0_as_the_last_means_all_that_follow(
    bench: Lab, first_column: int, last_column: int, kept: slice
) -> None:
    reader = bench.reader()
    expected = select(reader, entry(1, 0))
    found = select(reader, entry(1, 0, first_column, last_column))
    assert found == [row[kept] for row in expected]


@pytest.mark.parametrize(("first_column", "last_column"), [(9, 0), (9, 9), (1, 9), (3, 2)])
def test_columns_there_are_not_violate_the_scope(bench: Lab, first_column: int, last_column: int) -> None:
    result = refusal(bench.reader(), entry(0, 0, first_column, last_column))
    assert result == DataAccessResult.SCOPE_OF_ACCESS_VIOLATED


def test_a_range_includes_both_its_ends(bench: Lab) -> None:
    rows = select(bench.reader(), by_range(DateTime(2026, 3, 2, 1, 10, 0, 0), DateTime(2026, 3, 2, 1, 11, 0, 0)))
    assert times(rows) == [(10, 0), (10, 15), (10, 30), (10, 45), (11, 0)]


def test_a_limit_with_only_a_date_is_its_midnight(bench: Lab) -> None:
    rows = select(bench.reader(), by_range(DateTime(2026, 3, 2), DateTime(2026, 3, 3)))
    assert len(rows) == 53
    assert times(rows[:1]) == [(0, 0)]


def test_a_limit_with_a_deviation_names_the_instant(bench: Lab) -> None:
    utc = by_range(DateTime(2026, 3, 2, 1, 9, 0, 0, deviation=0), DateTime(2026, 3, 2, 1, 9, 20, 0, deviation=0))
    assert times(select(bench.reader(), utc)) == [(10, 0), (10, 15)]


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (DateTime(2027, 1, 1), DateTime(2027, 1, 2)),
        (DateTime(2000, 1, 1), DateTime(2001, 1, 1)),
        (DateTime(2026, 3, 3), DateTime(2026, 3, 2)),
    ],
)
def test_a_range_without_rows_is_an_empty_array(bench: Lab, begin: DateTime, end: DateTime) -> None:
    for name in LOGGERS:
        assert select(bench.reader(), by_range(begin, end), name) == [], name


def test_a_range_gives_the_columns_asked_for_in_that_order(bench: Lab) -> None:
    selection = by_range(
        DateTime(2026, 3, 2, 1, 12, 45, 0), DateTime(2026, 3, 2, 1, 13, 0, 0),
        (3, "1.1.3.8.0.255", 2, 0), (8, "0.1.1.0.0.255", 2, 0), (3, "1.1.1.8.0.255", 2, 0),
    )  # fmt: skip
    rows = select(bench.reader(), selection)
    assert [(row[0], DateTime.from_bytes(row[1]).minute, row[2]) for row in rows] == [
        (4_290, 45, 26_812),
        (4_320, 0, 27_000),
    ]


def test_a_range_by_a_column_that_is_no_clock_or_with_a_strange_column_violates_the_scope(bench: Lab) -> None:
    reader = bench.reader()
    strange = by_range(DateTime(2026, 3, 2), DateTime(2026, 3, 3), (3, "1.1.9.8.0.255", 2, 0))
    assert refusal(reader, strange) == DataAccessResult.SCOPE_OF_ACCESS_VIOLATED
    restricted = Structure(LONG_UNSIGNED, LOGICAL_NAME, INTEGER, LONG_UNSIGNED)
    head = b"\x02\x04" + restricted.encode((3, Obis.parse("1.1.1.8.0.255"), 2, 0))
    limits = DATE_TIME_STRING.encode(DateTime(2026, 3, 2)) + DATE_TIME_STRING.encode(DateTime(2026, 3, 3))
    assert refusal(reader, (1, head + limits + b"\x01\x00")) == DataAccessResult.SCOPE_OF_ACCESS_VIOLATED


@pytest.mark.parametrize("name", LOGGERS)
@pytest.mark.parametrize("selector", [0, 3, 255])
def test_other_selectors_are_refused(bench: Lab, name: str, selector: int) -> None:
    result = refusal(bench.reader(), (selector, entry(0, 0)[1]), name)
    assert result in (DataAccessResult.SCOPE_OF_ACCESS_VIOLATED, DataAccessResult.TYPE_UNMATCHED)


@pytest.mark.parametrize("name", LOGGERS)
def test_selection_parameters_of_another_shape_are_refused(bench: Lab, name: str) -> None:
    for selector, parameters in (
        (1, b"\x00"),
        (2, b"\x00"),
        (1, entry(0, 0)[1]),
        (2, b"\x02\x03\x11\x00\x11\x00\x11\x00"),
    ):
        assert refusal(bench.reader(), (selector, parameters), name) == DataAccessResult.TYPE_UNMATCHED


# --- days of the changes --------------------------------------------------------------------------------


def test_the_autumn_day_has_100_quarters_and_its_hour_twice(lab: Callable[..., Lab]) -> None:
    bench = lab(datetime(2026, 10, 26, 12, 0), datetime(2026, 10, 24, 12, 0))
    reader = bench.reader()
    begin = DateTime(2026, 10, 25, 7, 0, 15, 0, status=0x80)
    rows = select(reader, by_range(begin, DateTime(2026, 10, 26)))
    assert len(rows) == 100
    repeated = [(clock_of(row).minute, clock_of(row).is_dst) for row in rows if clock_of(row).hour == 2]
    assert repeated == [(minute, dst) for dst in (True, False) for minute in (0, 15, 30, 45)]
    assert [later[4] - earlier[4] for earlier, later in pairwise(rows)].count(0) == 0


def test_in_the_repeated_hour_the_status_of_a_limit_says_which_passage(lab: Callable[..., Lab]) -> None:
    reader = lab(datetime(2026, 10, 26, 12, 0), datetime(2026, 10, 24, 12, 0)).reader()
    for status in (0x80, 0x00):
        at = DateTime(2026, 10, 25, 7, 2, 30, 0, status=status)
        (row,) = select(reader, by_range(at, at))
        assert (clock_of(row).minute, clock_of(row).status) == (30, status)


def test_the_spring_day_has_92_quarters_and_none_between_two_and_three(lab: Callable[..., Lab]) -> None:
    reader = lab(datetime(2026, 3, 30, 12, 0), datetime(2026, 3, 28, 12, 0)).reader()
    end = DateTime(2026, 3, 30, 1, 0, 0, 0, status=0x80)
    rows = select(reader, by_range(DateTime(2026, 3, 29, 7, 0, 15, 0), end))
    assert len(rows) == 92
    assert times(rows)[6:8] == [(1, 45), (3, 0)]


# --- blocks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_pdu", [64, 125, 512, 0xFFFF])
def test_rows_are_the_same_in_blocks_of_any_size(bench: Lab, max_pdu: int) -> None:
    assert whole(bench.reader(max_pdu=max_pdu)) == whole(bench.reader())
    assert select(bench.reader(max_pdu=max_pdu), entry(30, 0)) == whole(bench.reader())[-31:]


def test_a_row_captured_during_a_block_transfer_is_not_in_it(bench: Lab) -> None:
    reader = bench.reader(max_pdu=512)
    exchange = reader.client.get(Descriptor(7, Obis.parse(LOAD_PROFILE), 2))
    request = next(exchange)
    blocks = 0
    while True:
        response = reader.association.handle(request)
        assert response is not None
        blocks += 1
        bench.time.forward(QUARTER)
        try:
            request = exchange.send(response)
        except StopIteration as done:
            rows = decode_rows(done.value)
            break
    assert blocks > 3
    assert len(rows) == 144
    assert len(whole(reader)) == 144 + blocks


# --- changing the load profile --------------------------------------------------------------------------


@pytest.mark.parametrize(("period", "days"), [(300, 58), (1800, 350), (3600, 700)])
def test_a_new_capture_period_deletes_the_profile_and_says_so(bench: Lab, period: int, days: int) -> None:
    reader = bench.reader()
    reader.set(7, LOAD_PROFILE, 4, DOUBLE_LONG_UNSIGNED, period)
    assert reader.get(7, LOAD_PROFILE, 4) == period
    assert whole(reader) == []
    assert reader.get(7, LOAD_PROFILE, 8) == days * 86_400 // period
    ((stamp, code),) = whole(reader, LOAD_PROFILE_EVENTS)
    assert (DateTime.from_bytes(stamp), code) == (DateTime(2026, 3, 2, 1, 13, 0, 0), LoadProfileEvent.INTERVAL_CHANGED)
    bench.time.forward(2 * period)
    first, second = whole(reader)
    assert (first[1], second[1]) == (LoggerStatus.INTERVAL_CHANGED, 0)


def test_writing_the_present_capture_period_deletes_nothing(bench: Lab) -> None:
    reader = bench.reader()
    reader.set(7, LOAD_PROFILE, 4, DOUBLE_LONG_UNSIGNED, 900)
    assert len(whole(reader)) == 144
    assert whole(reader, LOAD_PROFILE_EVENTS) == []


@pytest.mark.parametrize("name", [LOAD_PROFILE, "1.1.99.1.1.255"])
@pytest.mark.parametrize("period", [0, 1, 60, 600, 899, 901, 7200, 2**32 - 1])
def test_other_capture_periods_are_refused(bench: Lab, name: str, period: int) -> None:
    reader = bench.reader()
    assert result_of(reader.set, 7, name, 4, DOUBLE_LONG_UNSIGNED, period) == DataAccessResult.OTHER_REASON
    assert reader.get(7, name, 4) == 900
    assert not bench.meter.pending


def test_the_analysis_logger_keeps_a_period_of_its_own(bench: Lab) -> None:
    reader = bench.reader()
    reader.set(7, "1.1.99.1.1.255", 4, DOUBLE_LONG_UNSIGNED, 300)
    assert reader.get(7, "1.1.99.1.1.255", 4) == 300
    assert reader.get(7, LOAD_PROFILE, 4) == 900


def test_reset_deletes_by_hand(bench: Lab) -> None:
    reader = bench.reader()
    reader.action(7, LOAD_PROFILE, 1, INTEGER, 0)
    assert whole(reader) == []
    assert [code for _, code in whole(reader, LOAD_PROFILE_EVENTS)] == [LoadProfileEvent.DELETED_MANUALLY]
    bench.time.forward(QUARTER)
    assert len(whole(reader)) == 1


# --- the clock and its marks ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "size"),
    [
        (7, DataQuality.CLOCK_ADJUSTED_7_S),
        (15, DataQuality.CLOCK_ADJUSTED_15_S),
        (30, DataQuality.CLOCK_ADJUSTED_30_S),
        (61, DataQuality.CLOCK_ADJUSTED_60_S),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_clock_set_marks_the_next_row_and_is_logged(bench: Lab, seconds: int, size: DataQuality, sign: int) -> None:
    reader = bench.reader()
    bench.time.forward(450)
    minute, second = divmod(450 + sign * seconds, 60)
    written = DateTime(2026, 3, 2, 1, 13, minute, second)
    reader.set(8, "0.1.1.0.0.255", 2, DATE_TIME_STRING, written)
    bench.time.forward(2 * QUARTER)
    rows = select(reader, entry(1, 0))
    direction = DataQuality.CLOCK_FORWARD if sign > 0 else DataQuality.CLOCK_BACKWARD
    assert [(row[1], row[2]) for row in rows] == [(0, size | direction), (0, 0)]
    ((after, before, state),) = whole(reader, RTC_LOG)
    assert DateTime.from_bytes(after) == written
    assert DateTime.from_bytes(before) == DateTime(2026, 3, 2, 1, 13, 7, 30)
    assert state == 1


def test_a_correction_below_seven_seconds_leaves_no_trace(bench: Lab) -> None:
    reader = bench.reader()
    bench.time.forward(450)
    reader.set(8, "0.1.1.0.0.255", 2, DATE_TIME_STRING, DateTime(2026, 3, 2, 1, 13, 7, 36))
    bench.time.forward(QUARTER)
    assert [row[1:3] for row in select(reader, entry(0, 0))] == [(0, 0)]
    assert whole(reader, RTC_LOG) == []


def test_a_jump_over_slots_leaves_them_out_and_says_discontinuity(bench: Lab) -> None:
    reader = bench.reader()
    bench.time.forward(60)
    reader.set(8, "0.1.1.0.0.255", 2, DATE_TIME_STRING, DateTime(2026, 3, 2, 1, 15, 1, 0))
    bench.time.forward(QUARTER)
    rows = select(reader, entry(1, 0))
    assert times(rows) == [(13, 0), (15, 15)]
    assert rows[1][1] == LoggerStatus.TIME_DISCONTINUITY
    assert rows[1][2] == DataQuality.CLOCK_ADJUSTED_60_S | DataQuality.CLOCK_FORWARD


def test_a_jump_back_repeats_slots(bench: Lab) -> None:
    reader = bench.reader()
    bench.time.forward(60)
    reader.set(8, "0.1.1.0.0.255", 2, DATE_TIME_STRING, DateTime(2026, 3, 2, 1, 12, 31, 0))
    bench.time.forward(QUARTER)
    rows = select(reader, entry(3, 0))
    assert times(rows) == [(12, 30), (12, 45), (13, 0), (12, 45)]
    assert rows[3][4] > rows[2][4], "registers go on whatever the clock says"
    both = by_range(DateTime(2026, 3, 2, 1, 12, 45, 0), DateTime(2026, 3, 2, 1, 12, 45, 0))
    assert times(select(reader, both)) == [(12, 45), (12, 45)]


# --- billing --------------------------------------------------------------------------------------------

BILLING_COLUMNS = [
    (8, "0.1.1.0.0.255", 2),
    *((3, f"1.1.{group_c}.8.0.255", 2) for group_c in (1, 2, 3, 4)),
    *((3, f"1.1.{group_c}.8.{tariff}.255", 2) for group_c in (1, 3) for tariff in (1, 2, 3, 4)),
    *((4, f"1.1.1.6.{tariff}.255", index) for tariff in (1, 2, 0) for index in (2, 5)),
    (3, "1.1.1.2.0.255", 2),
    (3, "0.1.96.8.0.255", 2),
    (1, "1.1.0.1.0.255", 2),
    (1, "1.1.96.51.2.255", 2),
    (1, "1.1.0.128.1.255", 2),
]
"""The registers of debiting logger 1 that the data sheets list."""


def billing_row(reader: Reader, number: int = 0) -> dict[tuple[int, str, int], Any]:
    (row,) = select(reader, entry(number, number), BILLING)
    return dict(zip(BILLING_COLUMNS, row, strict=True))


def test_the_billing_logger_captures_what_the_data_sheets_list(bench: Lab) -> None:
    columns = [(item[0], str(Obis(item[1])), item[2]) for item in bench.reader().get(7, BILLING, 3)]
    assert columns == BILLING_COLUMNS
    assert bench.reader().get(7, BILLING, 8) == 36


def test_a_row_is_written_at_midnight_of_the_target_day(lab: Callable[..., Lab]) -> None:
    bench = lab(
        datetime(2026, 3, 31, 21, 59), datetime(2026, 3, 10, 11, 0)
    )  # 23:59 summer time, midnight is normal time
    reader = bench.reader()
    assert whole(reader, BILLING) == []
    bench.time.forward(3660)
    row = billing_row(reader)
    hours = 21 * 24 + 12
    assert DateTime.from_bytes(row[BILLING_COLUMNS[0]]) == DateTime(2026, 4, 1, 3, 1, 0, 0, status=0x80)
    assert row[3, "1.1.1.8.0.255", 2] == 750 * hours == row[3, "1.1.1.8.1.255", 2]
    assert row[3, "1.1.3.8.0.255", 2] == 120 * hours
    assert row[3, "1.1.1.8.2.255", 2] == 0
    assert row[4, "1.1.1.6.0.255", 2] == row[4, "1.1.1.6.1.255", 2] == 750
    assert row[3, "1.1.1.2.0.255", 2] == 750
    assert row[3, "0.1.96.8.0.255", 2] == hours
    assert row[1, "1.1.0.1.0.255", 2] == 1


def test_the_target_day_is_that_of_the_order(lab: Callable[..., Lab]) -> None:
    bench = lab(datetime(2026, 9, 1), datetime(2026, 1, 1), metering={"billing_day": 15, "billing_interval_months": 3})
    dates = [clock_of(row)[:3] for row in whole(bench.reader(), BILLING)]
    assert all(day == 15 for _, _, day in dates)
    assert len(dates) in (2, 3)
    assert {(later[1] - earlier[1]) for earlier, later in pairwise(dates)} == {3}


@pytest.mark.parametrize("how", ["object", "capture"])
def test_billing_is_stopped_by_command(bench: Lab, how: str) -> None:
    reader = bench.reader()
    bench.meter.apply(SetLoad((2_000_000, 0, 0)))
    bench.time.forward(1000)
    if how == "object":
        reader.set(1, "1.1.0.1.5.128", 2, UNSIGNED, 1)
    else:
        reader.action(7, BILLING, 2, INTEGER, 0)
    row = billing_row(reader)
    assert DateTime.from_bytes(row[BILLING_COLUMNS[0]]) == DateTime(2026, 3, 2, 1, 13, 16, 40)
    assert row[4, "1.1.1.6.0.255", 2] == 2000
    assert DateTime.from_bytes(row[4, "1.1.1.6.0.255", 5]) == DateTime(2026, 3, 2, 1, 13, 15, 0)
    assert row[1, "1.1.0.1.0.255", 2] == 1
    assert reader.get(7, BILLING, 7) == 1


def test_the_37th_row_pushes_the_first_out(bench: Lab) -> None:
    reader = bench.reader()
    for _ in range(37):
        reader.set(1, "1.1.0.1.5.128", 2, UNSIGNED, 1)
        bench.time.forward(60)
    assert reader.get(7, BILLING, 7) == 36
    assert billing_row(reader, 0)[1, "1.1.0.1.0.255", 2] == 37
    assert billing_row(reader, 35)[1, "1.1.0.1.0.255", 2] == 2


def test_the_import_meters_billing_logger_has_no_other_energies(lab: Callable[..., Lab]) -> None:
    columns = [str(Obis(item[1])) for item in lab(profile="382L").reader().get(7, BILLING, 3)]
    assert "1.1.1.8.0.255" in columns
    assert not {"1.1.2.8.0.255", "1.1.3.8.0.255", "1.1.4.8.0.255", "1.1.3.8.1.255"} & set(columns)


# --- all of them ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["382M", "382L"])
@pytest.mark.parametrize("name", LOGGERS)
def test_every_logger_answers_range_entry_and_columns(lab: Callable[..., Lab], profile: str, name: str) -> None:
    bench = lab(profile=profile)
    reader = bench.reader()
    reader.action(7, BILLING, 2, INTEGER, 0)
    reader.action(7, LOAD_PROFILE, 1, INTEGER, 0)
    reader.set(8, "0.1.1.0.0.255", 2, DATE_TIME_STRING, DateTime(2026, 3, 2, 1, 14, 0, 0))
    bench.time.forward(QUARTER)
    rows = whole(reader, name)
    assert len(rows) == reader.get(7, name, 7)
    assert bool(rows) == (name in WITH_ROWS)
    assert select(reader, by_range(DateTime(2026, 3, 1), DateTime(2026, 3, 5)), name) == rows
    assert select(reader, entry(1000, 0), name) == rows
    assert select(reader, entry(0, 1000), name) == rows[::-1]
    assert select(reader, entry(0, 0), name) == rows[-1:]
    columns = len(reader.get(7, name, 3))
    assert {len(row) for row in rows} <= {columns}
    assert select(reader, entry(1000, 0, columns, columns), name) == [row[-1:] for row in rows]
    clock = by_range(DateTime(2026, 3, 1), DateTime(2026, 3, 5), (8, "0.1.1.0.0.255", 2, 0))
    assert select(reader, clock, name) == [row[:1] for row in rows]


@pytest.mark.parametrize("name", LOGGERS)
def test_every_logger_is_a_fifo_without_a_sort_object(bench: Lab, name: str) -> None:
    reader = bench.reader()
    assert reader.get(7, name, 5) == 1
    assert reader.get(7, name, 6) == (0, bytes(6), 0, 0)
    assert reader.get(7, name, 8) > 0
    assert reader.get(7, name, 3)[0][:3] == (8, bytes(CLOCK), 2)


def test_the_loggers_columns_are_in_the_object_list(bench: Lab) -> None:
    reader = bench.reader()
    listed = {(element[0], bytes(element[2])) for element in reader.get(15, "0.0.40.0.0.255")}
    for name in LOGGERS:
        for class_id, logical_name, _, _ in reader.get(7, name, 3):
            assert (class_id, bytes(logical_name)) in listed, name
