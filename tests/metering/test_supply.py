"""Power off and on: what stands still, what is filled in, what becomes of the clock."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering import DataQuality, Energy, EventLog, LoggerStatus, Meter
from metering.inputs import SetClock, SetLoad, SetSupply, SetTariff
from metering.installation import HouseholdInstallation
from metering.status import EventB, MeterStatus
from tests.metering.builders import START, configuration, meter_on, true

HOUR, DAY = 3_600, 86_400
OUT, BACK = SetSupply((0, 0, 0)), SetSupply()


def cut(meter: Meter, start: int, stop: int) -> Meter:
    meter.apply(OUT, start)
    meter.apply(BACK, stop)
    return meter


def test_the_meter_is_off_when_all_phases_are_below_160_v_for_a_second_and_on_a_second_after_one_is_back() -> None:
    meter = meter_on()
    meter.apply(SetSupply((159_999, 159_999, 160_000)), START + 10)
    assert meter.powered(START + 20)
    meter.apply(SetSupply((159_999, 159_999, 159_999)), START + 20)
    assert meter.powered(START + 20)
    assert not meter.powered(START + 21)
    meter.apply(SetSupply((0, 160_000, 0)), START + 30)
    assert not meter.powered(START + 30)
    assert meter.powered(START + 31)
    assert meter.operating_s(START + 100) == 21 + 69


def test_a_dip_of_less_than_a_second_between_two_inputs_is_not_noticed() -> None:
    meter = meter_on()
    meter.apply(OUT, START + 10)
    meter.apply(BACK, START + 10)
    assert meter.operating_s(START + 100) == 100


def test_without_supply_nothing_counts_and_nothing_hears() -> None:
    meter = meter_on()
    meter.apply(OUT, START + HOUR)
    assert meter.energy(Energy.A14, START + DAY) == 1_000_000 * HOUR
    assert meter.instantaneous(START + DAY).voltage_mv == (0, 0, 0)
    with pytest.raises(ValueError, match="the meter is off: no set-tariff"):
        meter.apply(SetTariff(1), START + DAY)
    meter.apply(SetLoad((5, 5, 5)), START + DAY)
    assert meter.operating_s(START + DAY) == HOUR + 1


def test_rows_of_an_outage_are_filled_in_with_the_same_readings_and_marked_and_so_is_the_row_after() -> None:
    meter = cut(meter_on(), START + 1_000, START + 4_000)
    profile = meter.load_profile(START + 2 * HOUR)
    outage = DataQuality.POWER_OUTAGE
    assert (profile.stamps - START - HOUR).tolist() == [900 * row for row in range(1, 9)]
    assert profile.quality.tolist() == [0, outage, outage, outage, outage, 0, 0, 0]
    assert profile.energies[0].tolist() == [250, 277, 277, 277, 416, 666, 916, 1166]


def test_debiting_logger_2_has_a_marked_row_for_each_day_without_supply() -> None:
    meter = cut(meter_on(), START + HOUR, START + 2 * DAY)
    rows = meter.debiting_logger_2(START + 4 * DAY).rows
    outage = DataQuality.POWER_OUTAGE
    assert [(row.stamp - START - HOUR, row.quality) for row in rows] == [
        (12 * HOUR, outage),
        (36 * HOUR, outage),
        (60 * HOUR, outage),
        (84 * HOUR, 0),
    ]


def test_without_the_fill_the_rows_are_missing_and_the_next_one_is_marked() -> None:
    meter = cut(meter_on(fill_outages=False), START + 1_000, START + 4_000)
    profile = meter.load_profile(START + 2 * HOUR)
    assert (profile.stamps - START - HOUR).tolist() == [900, 4_500, 5_400, 6_300, 7_200]
    assert profile.quality.tolist() == [0, DataQuality.POWER_OUTAGE, 0, 0, 0]


def test_a_target_day_that_passed_without_supply_is_billed_when_it_is_back_and_only_once() -> None:
    meter = cut(meter_on(rtc_backup_s=100 * DAY), true(2024, 1, 31, 12), true(2024, 2, 2, 12))
    rows = meter.billing_logger(true(2024, 2, 20)).rows
    assert [row.stamp for row in rows] == [true(2024, 2, 2, 12) + HOUR + 1]


def test_the_period_an_outage_ended_has_its_average_and_those_without_supply_have_none() -> None:
    meter = cut(meter_on(), START + 1_350, START + 4_050)
    demand = meter.demand(START + 4_060)
    assert (demand.averages[0], demand.period_start) == (500_000, START + 4_051)
    assert demand.means[:3] == [450 * 230_000 // 451] * 3  # the second without voltage is one of them
    assert meter.demand(START + 5_400).averages[0] == 1_000_000


def test_an_outage_is_an_event_and_the_meter_has_been_reset() -> None:
    meter = cut(meter_on(), START + 100, START + 200)
    now = START + 300
    assert meter.status(now).event_b & EventB.POWER_FAIL
    assert meter.status(now).meter == MeterStatus.RESET
    assert [row.code for row in meter.event_logger(EventLog.STATUS, now).rows] == [MeterStatus.RESET]
    rows = meter.event_logger(EventLog.VOLTAGE_QUALITY, now).rows
    assert [(row.stamp - HOUR - START, row.code, row.values[0]) for row in rows] == [(101, 0, 4), (201, 0, 5)]


@pytest.mark.parametrize(("backup_s", "valid"), [(4 * DAY, False), (5 * DAY, True), (None, False)])
def test_an_outage_longer_than_the_backup_stops_the_clock_until_it_is_set(backup_s: int | None, valid: bool) -> None:
    meter = cut(meter_on(rtc_backup_s=backup_s), START + 1_000, START + 1_000 + 5 * DAY)
    now = START + 5 * DAY + 2 * HOUR
    assert meter.clock_valid(now) == valid
    assert meter.clock(now) == (now if valid else now - 5 * DAY)
    profile = meter.load_profile(now)
    assert bool(profile.status[-1] & LoggerStatus.CLOCK_INVALID) != valid
    assert bool(profile.status[1] & LoggerStatus.TIME_DISCONTINUITY) != valid
    meter.apply(SetClock(now), now)
    assert meter.clock_valid(now)
    assert meter.load_profile(now + HOUR).status[-1] == 0


@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.tuples(st.integers(0, 90_000), st.integers(0, 200_000)), max_size=4),
    fill=st.booleans(),
    seed=st.integers(0, 5),
)
def test_power_cuts_at_any_instant_change_nothing_but_the_energy_not_supplied(
    cuts: list[tuple[int, int]], fill: bool, seed: int
) -> None:
    home = HouseholdInstallation(seed=seed, pv_peak_w=6_000)
    order = configuration(fill_outages=fill)
    meter, steady = Meter(order, home), Meter(order, home)
    missing = [0] * len(Energy)
    missing_s = 0
    now = START
    for wait, length in cuts:
        cut(meter, now + wait, now + wait + length)
        off_at, now = now + wait + 1, now + wait + length + 1
        meter.advance(now)
        if length:
            missing_s += now - off_at
            before = [steady.energy(channel, off_at) for channel in Energy]
            steady.advance(now)
            for channel in Energy:
                missing[channel] += steady.energy(channel, now) - before[channel]
    end = now + DAY
    # In the second before it is off the meter still runs, but nothing is drawn.
    slack = 12_000_000 * len(cuts)
    for channel in Energy:
        lost = steady.energy(channel, end) - meter.energy(channel, end) - missing[channel]
        assert 0 <= lost <= 2 * slack
    assert meter.operating_s(end) == end - START - missing_s
    assert meter.clock(end) == end
    shared = [row for row in steady.load_profile(end).stamps.tolist() if row not in meter.load_profile(end).stamps]
    assert fill <= (not shared)
