"""Internal tariff tables: seasons, kinds of day, special days, daylight saving time; and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.clock import Zone, seconds_of
from metering.tariff_control import module_tariff
from metering.tariff_table import TariffCalendar, TariffTable

DENMARK = Zone(3_600, dst=True)


def table(**changes: Any) -> dict[str, Any]:
    """Winter and summer, working and free days, an hour of the night that daylight saving time meddles with."""
    values: dict[str, Any] = {
        "name": "winter and summer",
        "week": ["working"] * 5 + ["free"] * 2,
        "special_days": {"12-25": "free", "2026-04-03": "free"},
        "seasons": [
            {
                "name": "A",
                "from": "10-01",
                "days": {"working": {"00:00": 2, "06:00": 1, "22:00": 2}, "free": {"00:00": 2}},
            },
            {
                "name": "B",
                "from": "03-01",
                "days": {"working": {"00:00": 4, "07:00": 3}, "free": {"00:00": 4, "02:15": 3, "02:45": 4}},
            },
        ],
    }
    return values | changes


def calendar(zone: Zone = DENMARK, **changes: Any) -> TariffCalendar:
    return TariffCalendar(TariffTable.from_dict(table(**changes)), zone)


def local(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, *, dst: bool | None = None
) -> int:
    return DENMARK.utc(year, month, day, hour, minute, second, dst)


@pytest.mark.parametrize(
    ("fields", "tariff", "why"),
    [
        ((2026, 1, 5, 5, 59, 59), 2, "a winter Monday before six"),
        ((2026, 1, 5, 6), 1, "and at six"),
        ((2026, 1, 5, 21, 59, 59), 1, "until ten in the evening"),
        ((2026, 1, 10, 12), 2, "a Saturday is free"),
        ((2026, 12, 25, 12), 2, "Christmas 2026 is a Friday, and special every year"),
        ((2028, 12, 25, 12), 2, "2028 as well"),
        ((2026, 4, 3, 12), 4, "Good Friday 2026, that year only"),
        ((2025, 4, 3, 12), 3, "the same date a year before is a Thursday"),
        ((2026, 2, 28, 12), 2, "the last day of winter, a Saturday"),
        ((2026, 3, 2, 12), 3, "the first working day of summer"),
        ((2026, 9, 30, 12), 3, "the last one"),
        ((2026, 10, 1, 12), 1, "and winter again"),
    ],
)
def test_the_tariff_follows_season_kind_of_day_and_time(fields: tuple[int, ...], tariff: int, why: str) -> None:
    assert calendar().tariff(local(*fields)) == tariff, why


def test_switching_times_are_local_so_they_move_with_daylight_saving_time() -> None:
    assert calendar().next_switch(local(2026, 7, 1)) == seconds_of(2026, 7, 1, 5)  # 07:00 in summer is 05:00 UTC
    assert calendar(Zone(3_600, dst=False)).next_switch(local(2026, 7, 1, 2)) == seconds_of(2026, 7, 1, 6)


def test_the_hour_that_autumn_repeats_has_its_tariffs_twice() -> None:
    summer_only = [table()["seasons"][1] | {"from": "01-01"}]
    night = calendar(seasons=summer_only)
    instants, tariffs = night.switches(local(2026, 10, 25) - 1, local(2026, 10, 26))
    assert instants.tolist() == [
        local(2026, 10, 25, 2, 15, dst=True),
        local(2026, 10, 25, 2, 45, dst=True),
        local(2026, 10, 25, 2, 15, dst=False),
        local(2026, 10, 25, 2, 45, dst=False),
    ]
    assert tariffs.tolist() == [3, 4, 3, 4]


def test_what_spring_leaves_out_is_passed_over() -> None:
    night = calendar(seasons=[table()["seasons"][1] | {"from": "01-01"}])
    instants, _ = night.switches(local(2026, 3, 29) - 1, local(2026, 3, 30))
    assert instants.size == 0


def test_a_table_of_one_tariff_never_switches() -> None:
    one = [{"from": "01-01", "days": {"always": {"00:00": 5}}}]
    lonely = calendar(week=["always"] * 7, special_days={}, seasons=one)
    assert lonely.next_switch(local(2026, 1, 1)) is None
    assert lonely.tariff(local(2026, 1, 1)) == 5


def test_a_special_day_years_away_is_found() -> None:
    one = [{"from": "01-01", "days": {"always": {"00:00": 5}, "feast": {"00:00": 6}}}]
    patient = calendar(week=["always"] * 7, special_days={"2035-05-05": "feast"}, seasons=one)
    assert patient.next_switch(local(2026, 1, 1)) == local(2035, 5, 5)


@pytest.mark.parametrize(
    ("fields", "leap_year"),
    [((2024, 2, 28), 2024), ((2024, 3, 1), 2028), ((2025, 3, 1), 2028), ((2026, 6, 1), 2028), ((2096, 3, 1), 2104)],
)
def test_a_29_february_of_every_year_is_found_in_the_next_leap_year(fields: tuple[int, ...], leap_year: int) -> None:
    one = [{"from": "01-01", "days": {"always": {"00:00": 5}, "leap": {"00:00": 6}}}]
    patient = calendar(week=["always"] * 7, special_days={"02-29": "leap"}, seasons=one)
    assert patient.next_switch(local(*fields)) == local(leap_year, 2, 29)
    assert patient.next_switch(local(leap_year, 2, 29)) == local(leap_year, 3, 1)


def test_a_date_that_must_fall_on_a_monday_is_found_however_long_it_takes() -> None:
    days = {"other": {"00:00": 5}, "monday": {"00:00": 6}}
    one_day = [{"from": "02-29", "days": days}, {"from": "03-01", "days": days | {"monday": {"00:00": 5}}}]
    patient = calendar(week=["monday"] + ["other"] * 6, special_days={}, seasons=one_day)
    assert patient.next_switch(local(2025, 1, 1)) == local(2044, 2, 29)
    assert patient.next_switch(local(2072, 3, 1)) == local(2112, 2, 29)


def test_a_special_day_after_the_last_one_of_the_clock_never_comes() -> None:
    one = [{"from": "01-01", "days": {"always": {"00:00": 5}, "feast": {"00:00": 6}}}]
    patient = calendar(week=["always"] * 7, special_days={"9999-12-31": "feast"}, seasons=one)
    assert patient.next_switch(local(2026, 1, 1)) is None


def test_plain_values_and_back() -> None:
    built = TariffTable.from_dict(table())
    assert TariffTable.from_dict(built.to_dict()) == built


@given(st.integers(seconds_of(2000, 1, 1), seconds_of(2090, 1, 1)), st.booleans())
def test_every_switch_is_where_the_local_time_says(clock: int, dst: bool) -> None:
    night = calendar(Zone(3_600, dst))

    def by_the_book(at: int) -> int:
        shown = night.zone.local(at)
        season = night.table.season_of(shown.month, shown.day)
        programme = dict(night.table.seasons[season].days)[night.table.kind_of(shown.year, shown.month, shown.day)]
        return [tariff for minute, tariff in programme if minute <= shown.hour * 60 + shown.minute][-1]

    switch = night.next_switch(clock)
    assert switch is not None
    assert night.tariff(clock) == by_the_book(clock) == by_the_book(switch - 1) != by_the_book(switch)
    instants, tariffs = night.switches(clock, switch + 1)
    assert (instants.tolist(), tariffs.tolist()) == ([switch], [by_the_book(switch)])


def _season(**days: Any) -> list[dict[str, Any]]:
    return [{"from": "01-01", "days": {"working": {"00:00": 1}, "free": {"00:00": 1}} | days}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"week": ["working"] * 6}, "week is .*allowed: seven kinds of day"),
        ({"colour": "red"}, "table.colour is unknown; allowed: name, seasons, special_days, week"),
        ({"name": ""}, "name is ''; allowed: a text of 1..40 characters"),
        ({"seasons": []}, r"seasons is \[\]; allowed: 1..8 seasons"),
        ({"seasons": _season() * 2}, "seasons have starts .*allowed: different days"),
        ({"seasons": [{"from": "1 May", "days": {}}]}, r"seasons\[0\].from is '1 May'; allowed: a date as MM-DD"),
        ({"seasons": [{"from": "02-30", "days": {}}]}, r"seasons\[0\].from is '02-30'; allowed: a date as MM-DD"),
        ({"seasons": [{"from": "01-01", "days": {"working": {"00:00": 1}}}]}, r"seasons\[0\].days.free is missing"),
        ({"seasons": _season(feast={})}, r"seasons\[0\].days.feast is unknown; allowed: free, working"),
        ({"seasons": _season(free={"06:00": 1})}, r"days.free begins at 06:00; allowed: a first time of 00:00"),
        ({"seasons": _season(free={"00:00": 9})}, r"days.free.00:00 is 9; allowed: 1..8"),
        ({"seasons": _season(free={"24:00": 1})}, r"days.free has the time '24:00'; allowed: 00:00..23:59"),
        ({"seasons": _season(free={f"0{hour}:00": 1 for hour in range(9)})}, "allowed: a table of 1..8 times"),
        ({"special_days": {"2026-02-29": "free"}}, "special_days.2026-02-29 is .*allowed: a date as MM-DD or YYYY-MM-"),
        ({"special_days": {f"{year}-01-01": "free" for year in range(2000, 2101)}}, "at most 100 dates"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TariffTable.from_dict(table(**changes))


def test_a_tariff_module_says_four_tariffs_with_two_inputs() -> None:
    inputs = [(False, False), (True, False), (False, True), (True, True)]
    assert [module_tariff(*ports, 4, inverted=False) for ports in inputs] == [1, 2, 3, 4]
    assert [module_tariff(*ports, 4, inverted=True) for ports in inputs] == [4, 3, 2, 1]
    assert [module_tariff(*ports, 2, inverted=False) for ports in inputs] == [1, 2, 1, 2]
    assert [module_tariff(*ports, 2, inverted=True) for ports in inputs] == [2, 1, 2, 1]
