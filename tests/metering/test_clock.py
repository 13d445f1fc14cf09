"""Calendar arithmetic: EU daylight saving time, leap years, and columns that agree with single values."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering import LocalTime, Zone
from metering.clock import eu_summer, in_summer, seconds_of

DENMARK = Zone(3_600)
FINLAND = Zone(7_200)
WINTER_ONLY = Zone(3_600, dst=False)

instants = st.integers(seconds_of(1990, 1, 1), seconds_of(2099, 12, 31))

# Start and end of daylight saving time as published by the EU (2018/C 61/02 and earlier communications).
SUMMERS = [
    (2013, (3, 31), (10, 27)),
    (2019, (3, 31), (10, 27)),
    (2020, (3, 29), (10, 25)),
    (2021, (3, 28), (10, 31)),
    (2024, (3, 31), (10, 27)),
    (2026, (3, 29), (10, 25)),
]


@pytest.mark.parametrize(("year", "start", "end"), SUMMERS)
def test_summer_lasts_from_the_last_sunday_of_march_to_that_of_october(
    year: int, start: tuple[int, int], end: tuple[int, int]
) -> None:
    assert eu_summer(year) == (seconds_of(year, *start, 1), seconds_of(year, *end, 1))


def test_in_spring_the_clock_skips_an_hour() -> None:
    start, _ = eu_summer(2024)
    assert DENMARK.local(start - 1) == LocalTime(2024, 3, 31, 7, 1, 59, 59, False)
    assert DENMARK.local(start) == LocalTime(2024, 3, 31, 7, 3, 0, 0, True)
    assert FINLAND.local(start) == LocalTime(2024, 3, 31, 7, 4, 0, 0, True)


def test_in_autumn_an_hour_comes_twice_and_the_flag_tells_them_apart() -> None:
    _, end = eu_summer(2024)
    assert DENMARK.local(end - 1) == LocalTime(2024, 10, 27, 7, 2, 59, 59, True)
    assert DENMARK.local(end) == LocalTime(2024, 10, 27, 7, 2, 0, 0, False)
    assert DENMARK.utc(2024, 10, 27, 2, dst=True) == end - 3_600
    assert DENMARK.utc(2024, 10, 27, 2, dst=False) == end


def test_without_a_flag_the_repeated_hour_is_the_first_and_the_missing_hour_is_normal_time() -> None:
    assert DENMARK.utc(2024, 10, 27, 2, 30) == DENMARK.utc(2024, 10, 27, 2, 30, dst=True)
    missing = DENMARK.utc(2024, 3, 31, 2, 30)
    assert missing == DENMARK.utc(2024, 3, 31, 2, 30, dst=False)
    assert DENMARK.local(missing)[:6] == (2024, 3, 31, 7, 3, 30)


def test_a_meter_without_daylight_saving_shows_normal_time_all_year() -> None:
    assert WINTER_ONLY.local(seconds_of(2024, 7, 1)) == LocalTime(2024, 7, 1, 1, 1, 0, 0, False)
    assert WINTER_ONLY.utc(2024, 7, 1, 1) == seconds_of(2024, 7, 1)
    assert (WINTER_ONLY.deviation_s(0), DENMARK.deviation_s(seconds_of(2024, 7, 1))) == (3_600, 7_200)


@pytest.mark.parametrize("fields", [(2023, 2, 29), (2024, 13, 1), (2024, 1, 1, 24), (2024, 1, 1, 0, 60)])
def test_a_day_or_time_there_is_not_is_refused(fields: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"(day|month|hour|minute)"):
        DENMARK.utc(*fields)  # type: ignore[arg-type]


def test_leap_days_are_days() -> None:
    assert DENMARK.local(seconds_of(2024, 2, 29, 12))[:4] == (2024, 2, 29, 4)
    assert DENMARK.local(seconds_of(2000, 2, 29, 12))[:4] == (2000, 2, 29, 2)


@given(instants, st.sampled_from([DENMARK, FINLAND, WINTER_ONLY, Zone(-3_600), Zone(20_700)]))
def test_local_fields_lead_back_to_their_instant(utc: int, zone: Zone) -> None:
    local = zone.local(utc)
    fields = (local.year, local.month, local.day, local.hour, local.minute, local.second)
    assert zone.utc(*fields, dst=local.dst) == utc
    assert datetime.fromtimestamp(utc + zone.deviation_s(utc), UTC).timetuple()[:6] == fields


@given(st.lists(instants, max_size=40), st.sampled_from([DENMARK, WINTER_ONLY, Zone(-18_000)]))
def test_a_column_of_local_times_is_each_local_time(utc: list[int], zone: Zone) -> None:
    columns = zone.local_columns(np.array(utc, dtype=np.int64))
    rows = [LocalTime(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    assert rows == [zone.local(one) for one in utc]


def test_the_column_changes_season_to_the_second() -> None:
    edges = np.array(
        [edge + off for year in (2019, 2024) for edge in eu_summer(year) for off in (-1, 0)], dtype=np.int64
    )
    assert in_summer(edges).tolist() == [False, True, True, False] * 2
