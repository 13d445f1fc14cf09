"""The clock object: what it reads through the year, and every way to set it (382M DLMS description 3.2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from cosem.client import AccessFailed
from cosem.data_types import BOOLEAN, DATE_TIME_STRING, INTEGER, LONG, UNSIGNED
from cosem.date_time import STATUS_DST, DateTime
from cosem.errors import ActionResult, DataAccessResult, DecodeError
from metering.inputs import SetSupply

from .clients import result_of
from .conftest import Lab, Reader

CLOCK = "0.1.1.0.0.255"
WINTER = datetime(2026, 3, 2, 12, 0)  # 13:00 in Denmark, a Monday
SUMMER = datetime(2026, 7, 1, 12, 0)  # 14:00 in Denmark, a Wednesday


def time_of(reader: Reader) -> DateTime:
    return DateTime.from_bytes(reader.get(8, CLOCK))


def set_time(reader: Reader, value: DateTime) -> Any:
    return result_of(reader.set, 8, CLOCK, 2, DATE_TIME_STRING, value)


def local(reader: Reader) -> tuple[int, ...]:
    """Hour, minute, second."""
    now = time_of(reader)
    return now.hour, now.minute, now.second


# --- reading --------------------------------------------------------------------------------------------


def test_in_winter_the_clock_is_normal_time_without_deviation(lab: Callable[..., Lab]) -> None:
    reader = lab(WINTER).reader()
    assert reader.octets(8, CLOCK) == bytes.fromhex("090c 07ea0302 01 0d0000 ff 8000 00")
    assert reader.get(8, CLOCK, 4) == 0


def test_in_summer_bit_7_of_the_status_says_so(lab: Callable[..., Lab]) -> None:
    reader = lab(SUMMER).reader()
    assert reader.octets(8, CLOCK) == bytes.fromhex("090c 07ea0701 03 0e0000 ff 8000 80")
    assert reader.get(8, CLOCK, 4) == STATUS_DST


def test_begin_and_end_have_the_documented_form(lab: Callable[..., Lab]) -> None:
    reader = lab(datetime(2013, 10, 25, 12, 0), datetime(2013, 10, 1)).reader()  # 382M DLMS description, figure 11
    assert list(reader.get(8, CLOCK, 5)) == [7, 221, 3, 31, 7, 2, 0, 0, 255, 128, 0, 0]
    end = list(reader.get(8, CLOCK, 6))
    assert end[:8] == [7, 221, 10, 27, 7, 3, 0, 0]
    assert end[9:11] == [128, 0]
    assert [reader.get(8, CLOCK, index) for index in (3, 7, 8, 9)] == [0, 60, 1, 1]


@pytest.mark.parametrize(("year", "begin", "end"), [(2025, 30, 26), (2026, 29, 25), (2027, 28, 31), (2028, 26, 29)])
def test_begin_and_end_are_the_last_sundays_of_the_running_year(
    lab: Callable[..., Lab], year: int, begin: int, end: int
) -> None:
    reader = lab(datetime(year, 6, 1), datetime(year, 5, 1)).reader()
    first, last = (DateTime.from_bytes(reader.get(8, CLOCK, index)) for index in (5, 6))
    assert first[:7] == (year, 3, begin, 7, 2, 0, 0)
    assert last[:7] == (year, 10, end, 7, 3, 0, 0)


def test_at_the_last_second_of_winter_the_clock_jumps_to_three(lab: Callable[..., Lab]) -> None:
    bench = lab(datetime(2026, 3, 29, 0, 59, 59))
    reader = bench.reader()
    assert (local(reader), time_of(reader).is_dst) == ((1, 59, 59), False)
    bench.time.forward(1)
    assert (local(reader), time_of(reader).is_dst) == ((3, 0, 0), True)


def test_at_the_last_second_of_summer_the_clock_goes_back_to_two(lab: Callable[..., Lab]) -> None:
    bench = lab(datetime(2026, 10, 25, 0, 59, 59))
    reader = bench.reader()
    assert (local(reader), time_of(reader).is_dst) == ((2, 59, 59), True)
    bench.time.forward(1)
    assert (local(reader), time_of(reader).is_dst) == ((2, 0, 0), False)


# --- daylight saving off and on -------------------------------------------------------------------------


@pytest.mark.parametrize("object_", [(8, CLOCK, 8, BOOLEAN), (1, "1.1.96.52.11.255", 2, UNSIGNED)])
def test_daylight_saving_is_switched_by_either_object(lab: Callable[..., Lab], object_: tuple[Any, ...]) -> None:
    reader = lab(SUMMER).reader()
    class_id, name, attribute, type_ = object_
    for enabled, hour in ((0, 13), (1, 14)):
        reader.set(class_id, name, attribute, type_, enabled)
        assert time_of(reader).hour == hour
        assert reader.get(8, CLOCK, 4) == enabled * STATUS_DST
        assert reader.get(8, CLOCK, 8) == enabled
        assert reader.get(1, "1.1.96.52.11.255") == enabled


# --- setting --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "written", "shown"),
    [
        (WINTER, DateTime(2026, 3, 2, 1, 13, 5, 0), DateTime(2026, 3, 2, 1, 13, 5, 0)),
        (SUMMER, DateTime(2026, 7, 1, 3, 14, 5, 0, status=0x80), DateTime(2026, 7, 1, 3, 14, 5, 0, status=0x80)),
        # In summer without the bit: taken at its word, it is normal time, an hour later on the clock.
        (SUMMER, DateTime(2026, 7, 1, 3, 14, 5, 0), DateTime(2026, 7, 1, 3, 15, 5, 0, status=0x80)),
        # No status at all: the season decides.
        (SUMMER, DateTime(2026, 7, 1, 3, 14, 5, 0, status=0xFF), DateTime(2026, 7, 1, 3, 14, 5, 0, status=0x80)),
        (WINTER, DateTime(2026, 3, 2, 1, 13, 5, 0, status=0xFF), DateTime(2026, 3, 2, 1, 13, 5, 0)),
        # A deviation names the instant: 12:05 UTC whatever the meter's zone.
        (WINTER, DateTime(2026, 3, 2, 1, 12, 5, 0, deviation=0), DateTime(2026, 3, 2, 1, 13, 5, 0)),
        (WINTER, DateTime(2026, 3, 2, 1, 14, 5, 0, deviation=-120), DateTime(2026, 3, 2, 1, 13, 5, 0)),
        (SUMMER, DateTime(2026, 7, 1, 3, 14, 5, 0, deviation=-120), DateTime(2026, 7, 1, 3, 14, 5, 0, status=0x80)),
        # A weekday that is wrong or open does not matter, the date says it.
        (WINTER, DateTime(2026, 3, 2, 5, 13, 5, 0), DateTime(2026, 3, 2, 1, 13, 5, 0)),
        (WINTER, DateTime(2026, 3, 2, 0xFF, 13, 5, 0), DateTime(2026, 3, 2, 1, 13, 5, 0)),
        # The repeated hour of autumn, both ways.
        (SUMMER, DateTime(2026, 10, 25, 7, 2, 30, 0, status=0x80), DateTime(2026, 10, 25, 7, 2, 30, 0, status=0x80)),
        (SUMMER, DateTime(2026, 10, 25, 7, 2, 30, 0), DateTime(2026, 10, 25, 7, 2, 30, 0)),
    ],
)
def test_the_clock_shows_what_it_was_set_to(
    lab: Callable[..., Lab], at: datetime, written: DateTime, shown: DateTime
) -> None:
    bench = lab(at)
    reader = bench.reader()
    reader.set(8, CLOCK, 2, DATE_TIME_STRING, written)
    assert time_of(reader) == shown
    bench.time.forward(61)
    assert time_of(reader)[5:7] == (shown.minute + 1, 1), "and it goes on from there"


@pytest.mark.parametrize(
    "value",
    [
        DateTime(0xFFFF, 3, 2, 1, 13, 5, 0),
        DateTime(2026, 0xFF, 2, 1, 13, 5, 0),
        DateTime(2026, 3, 0xFF, 1, 13, 5, 0),
        DateTime(2026, 2, 0xFE, 1, 13, 5, 0),
        DateTime(2026, 3, 2, 1, 0xFF, 5, 0),
        DateTime(2026, 3, 2, 1, 13, 0xFF, 0),
        DateTime(2026, 3, 2, 1, 13, 5, 0xFF),
        DateTime(2026, 2, 29, 7, 13, 5, 0),
        DateTime(1900, 1, 1, 1, 0, 0, 0),
        DateTime(65534, 1, 1, 1, 0, 0, 0),
        DateTime(65534, 1, 1, 1, 0, 0, 0, deviation=0),
    ],
)
def test_a_time_that_is_not_whole_or_not_a_time_is_refused(lab: Callable[..., Lab], value: DateTime) -> None:
    bench = lab(WINTER)
    reader = bench.reader()
    assert set_time(reader, value) == DataAccessResult.OTHER_REASON
    assert local(reader) == (13, 0, 0)
    assert not bench.meter.pending


def test_octets_that_are_no_date_time_are_of_the_wrong_type(lab: Callable[..., Lab]) -> None:
    reader = lab(WINTER).reader()

    class Raw:
        """Twelve octets with month 13."""

        def to_bytes(self) -> bytes:
            return bytes.fromhex("07ea0d02 01 0d0000 ff 8000 00")

    assert result_of(reader.set, 8, CLOCK, 2, DATE_TIME_STRING, Raw()) == DataAccessResult.TYPE_UNMATCHED


def test_energy_follows_true_time_not_the_clock(lab: Callable[..., Lab]) -> None:
    bench = lab(WINTER)
    reader = bench.reader()
    before = reader.get(3, "1.1.1.8.0.255")
    assert set_time(reader, DateTime(2026, 3, 9, 1, 13, 0, 0)) == 0
    assert reader.get(3, "1.1.1.8.0.255") == before
    bench.time.forward(3600)
    assert reader.get(3, "1.1.1.8.0.255") == before + 750


# --- methods --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "second", "adjusted"),
    [
        (1, 7 * 60 + 29, (13, 0, 0)),
        (1, 7 * 60 + 30, (13, 15, 0)),
        (1, 3600 - 1, (14, 0, 0)),
        (2, 7 * 60 + 29, (13, 0, 0)),
        (2, 7 * 60 + 30, (13, 15, 0)),
        (3, 29, (13, 0, 0)),
        (3, 30, (13, 1, 0)),
        (3, 125, (13, 2, 0)),
    ],
)
def test_adjusting_goes_to_the_nearest_quarter_measuring_period_or_minute(
    lab: Callable[..., Lab], method: int, second: int, adjusted: tuple[int, int, int]
) -> None:
    bench = lab(WINTER)
    bench.time.forward(second)
    reader = bench.reader()
    reader.action(8, CLOCK, method, INTEGER, 0)
    assert local(reader) == adjusted


def test_the_measuring_period_is_the_integration_period_of_the_order(lab: Callable[..., Lab]) -> None:
    bench = lab(WINTER, metering={"integration_period_s": 3600})
    bench.time.forward(29 * 60)
    reader = bench.reader()
    reader.action(8, CLOCK, 2, INTEGER, 0)
    assert local(reader) == (13, 0, 0)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(900, (13, 15, 0)), (-900, (12, 45, 0)), (0, (13, 0, 0)), (-1, (12, 59, 59))]
)
def test_shift_time_moves_up_to_900_s(lab: Callable[..., Lab], seconds: int, shown: tuple[int, int, int]) -> None:
    reader = lab(WINTER).reader()
    reader.action(8, CLOCK, 6, LONG, seconds)
    assert local(reader) == shown


@pytest.mark.parametrize("seconds", [901, -901, 32767, -32768])
def test_shift_time_refuses_more(lab: Callable[..., Lab], seconds: int) -> None:
    reader = lab(WINTER).reader()
    assert result_of(reader.action, 8, CLOCK, 6, LONG, seconds) == ActionResult.OTHER_REASON
    assert local(reader) == (13, 0, 0)


@pytest.mark.parametrize("method", [4, 5])
def test_the_preset_methods_do_not_exist_in_the_382m(lab: Callable[..., Lab], method: int) -> None:
    reader = lab(WINTER).reader()
    assert result_of(reader.action, 8, CLOCK, method, INTEGER, 0) == ActionResult.READ_WRITE_DENIED


def test_the_public_client_reads_the_clock_and_cannot_set_it(lab: Callable[..., Lab]) -> None:
    reader = lab(WINTER).reader(16, 1, None)
    assert local(reader) == (13, 0, 0)
    with pytest.raises(DecodeError, match="exception-response d8 01 02"):  # SET was not negotiated
        set_time(reader, DateTime(2026, 3, 2, 1, 13, 5, 0))
    assert local(reader) == (13, 0, 0)


@pytest.mark.parametrize(("offset_h", "begin", "end"), [(-2, 23, 0), (-1, 0, 1), (0, 1, 2), (1, 2, 3), (2, 3, 4)])
def test_the_change_is_named_as_the_clock_reads_before_it(
    lab: Callable[..., Lab], offset_h: int, begin: int, end: int
) -> None:
    reader = lab(metering={"gmt_offset_s": offset_h * 3600}).reader()
    day = 28 if begin == 23 else 29  # 2026: 29 March 01:00 UTC
    change = reader.get(8, "0.1.1.0.0.255", 5, DATE_TIME_STRING)
    assert (change.month, change.day, change.hour, change.status) == (3, day, begin, 0)
    change = reader.get(8, "0.1.1.0.0.255", 6, DATE_TIME_STRING)
    assert (change.month, change.day, change.hour) == (10, 25, end)


def test_a_clock_that_outlived_its_backup_is_invalid_until_it_is_set(lab: Callable[..., Lab]) -> None:
    bench = lab()
    reader = bench.reader()
    bench.meter.apply(SetSupply((0, 0, 0)))
    bench.time.forward(5 * 86_400)
    bench.meter.apply(SetSupply())
    bench.time.forward(60)
    assert reader.get(8, "0.1.1.0.0.255", 4) & 1
    assert reader.get(8, "0.1.1.0.0.255", 2, DATE_TIME_STRING).status & 1
    for method, type_, value in ((6, LONG, 0), (1, INTEGER, 0)):
        with pytest.raises(AccessFailed, match="other-reason"):
            reader.action(8, "0.1.1.0.0.255", method, type_, value)
    reader.set(8, "0.1.1.0.0.255", 2, DATE_TIME_STRING, DateTime(2026, 3, 7, 6, 12, 0, 0))
    assert reader.get(8, "0.1.1.0.0.255", 4) & 1 == 0
