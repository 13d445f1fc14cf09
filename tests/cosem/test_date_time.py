"""COSEM date-time: vectors both ways, wildcards, ranges, and what a person reads."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.date_time import DEVIATION_UNSPECIFIED, DateTime
from cosem.errors import DecodeError

from .samples import octets, vectors
from .values import date_times

PUBLIC = {
    "V382": (DateTime(2020, 1, 1, 255, 0, 3, 0, 0, -120, 0), "2020-01-01 00:03:00 +02:00"),
    "V383": (DateTime(2020, 1, 6, 255, 0, 3, 0, 0, -60, 0), "2020-01-06 00:03:00 +01:00"),
    "V384": (DateTime(2018, 2, 12, 255, 0, 0, 0, 0), "2018-02-12 00:00:00"),
    "V386": (DateTime(2021, 1, 24, 255, 14, 48, 57, 80, -60, 0), "2021-01-24 14:48:57 +01:00"),
    "V387": (DateTime(2002, 12, 4, 3, 10, 6, 11, 255, 120, 0), "2002-12-04 10:06:11 -02:00"),
    "V389": (DateTime(2017, 10, 1, 7, 0, 0, 0, 0, -60, 0x80), "2017-10-01 00:00:00 +01:00 DST"),
    "V390": (DateTime(2021, 6, 3, 4, 14, 9, 23, 0, -60, 0), "2021-06-03 14:09:23 +01:00"),
}
OUT_OF_RANGE = "V388"
"""Its source's arithmetic test: month 25, day 243, hour 112. The Blue Book allows none of them."""


def test_every_public_date_time_is_in_the_table() -> None:
    whole = {vector["id"] for vector in vectors("date-time") if len(vector["hex_in"]) == 24}
    assert whole == PUBLIC.keys() | {OUT_OF_RANGE}


@pytest.mark.parametrize("identifier", PUBLIC)
def test_a_public_date_time_is_read_written_and_printed(identifier: str) -> None:
    value, text = PUBLIC[identifier]
    assert DateTime.from_bytes(octets(identifier)) == value
    assert value.to_bytes() == octets(identifier)
    assert str(value) == text


def test_a_date_time_out_of_every_range_is_refused() -> None:
    with pytest.raises(DecodeError, match="month 25"):
        DateTime.from_bytes(octets(OUT_OF_RANGE))


GOOD = DateTime(2024, 2, 29, 4, 23, 59, 59, 99, 840, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"month": 0}, {"month": 13}, {"month": 0xFC},
        {"day": 0}, {"day": 30}, {"day": 0xFC}, {"month": 4, "day": 31}, {"month": 0xFF, "day": 32},
        {"weekday": 8}, {"hour": 24}, {"minute": 60}, {"second": 60}, {"hundredths": 100}, {"hour": 0xFE},
        {"deviation": 841}, {"deviation": -721}, {"deviation": 0x7FFF},
    ],
    ids=str,
)  # fmt: skip
def test_a_field_outside_its_range_is_refused(fields: dict[str, int]) -> None:
    assert DateTime.from_bytes(GOOD.to_bytes()) == GOOD
    with pytest.raises(DecodeError):
        DateTime.from_bytes(GOOD._replace(**fields).to_bytes())


@pytest.mark.parametrize("size", [0, 11, 13])
def test_another_size_than_twelve_is_refused(size: int) -> None:
    with pytest.raises(DecodeError, match="12 octets"):
        DateTime.from_bytes(bytes(size))


def test_all_wildcards_is_nothing_known() -> None:
    value = DateTime()
    assert value.to_bytes().hex() == "ffff" + "ff" * 7 + "800000"
    assert not value.is_complete
    assert str(value) == "****-**-** **:**:**"
    assert value.to_utc() is None
    with pytest.raises(DecodeError, match="not a date"):
        value.to_datetime()


@pytest.mark.parametrize("open_field", ["hour", "minute", "second"])
def test_an_open_time_of_day_reads_as_zero_and_is_not_complete(open_field: str) -> None:
    value = DateTime(2013, 10, 25, 255, 1, 1, 1)._replace(**{open_field: 0xFF})
    assert not value.is_complete
    assert getattr(value.to_datetime(), open_field) == 0


def test_deviation_is_added_to_come_to_utc() -> None:
    assert DateTime(2024, 1, 15, 1, 12, 0, 0, 0, -60).to_utc() == datetime(2024, 1, 15, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", [DateTime(9999, 12, 31, 255, 23, 59, 59, 0, 60), DateTime(1, 1, 1, 255, 0, 0, 0, 0, -1)]
)
def test_an_instant_outside_the_calendar_is_a_decode_error(value: DateTime) -> None:
    with pytest.raises(DecodeError, match="outside the years"):
        value.to_utc()


@pytest.mark.parametrize(("deviation", "text"), [(90, "-01:30"), (-90, "+01:30"), (0, "+00:00"), (-330, "+05:30")])
def test_a_zone_of_half_hours_is_printed_right(deviation: int, text: str) -> None:
    assert str(GOOD._replace(deviation=deviation)).endswith(text)


@pytest.mark.parametrize(("status", "text"), [(0x00, ""), (0x80, " DST"), (0x01, " invalid"), (0xFF, "")])
def test_status_is_printed_unless_it_is_unspecified(status: int, text: str) -> None:
    assert str(GOOD._replace(status=status, deviation=DEVIATION_UNSPECIFIED)) == "2024-02-29 23:59:59" + text


@given(st.datetimes(min_value=datetime(1, 1, 1)).map(lambda moment: moment.replace(microsecond=0)))
def test_a_python_moment_comes_back(moment: datetime) -> None:
    value = DateTime.from_datetime(moment, status=0x80)
    assert value.to_datetime() == moment
    assert value.weekday == moment.isoweekday()
    assert value.is_complete
    assert value.is_dst
    assert DateTime.from_bytes(value.to_bytes()) == value


@given(date_times())
def test_every_allowed_date_time_comes_back_and_prints(value: DateTime) -> None:
    assert DateTime.from_bytes(value.to_bytes()) == value
    assert str(value)


@given(st.binary(min_size=12, max_size=12))
def test_twelve_octets_are_a_date_time_or_refused(sent: bytes) -> None:
    try:
        value = DateTime.from_bytes(sent)
    except DecodeError:
        return
    assert value.to_bytes() == sent
