"""Billing stops: when they come, what they keep, and what they begin anew."""

from __future__ import annotations

from math import isqrt

import pytest

from metering import Flow, Maximum, Mean, Meter, Peak
from metering.demand import DayExtremes
from metering.inputs import SetClock, SetLoad, SetPulseInput, SetSupply, SetTariff, StopBilling
from metering.installation import LiveInstallation
from tests.metering.builders import START, WH, meter_on, normal, true


def stops(meter: Meter, now: int) -> list[tuple[int, ...]]:
    """Normal time of each row as (year, month, day, hour, minute)."""
    rows = meter.billing_logger(now).rows
    return [tuple(meter.zone.local(row.stamp - 3_600)[i] for i in (0, 1, 2, 4, 5)) for row in rows]


@pytest.mark.parametrize(
    ("interval", "start_month", "expected"),
    [
        (1, 1, [(2, 2024), (3, 2024), (4, 2024), (5, 2024), (6, 2024)]),
        (2, 1, [(3, 2024), (5, 2024)]),
        (3, 2, [(2, 2024), (5, 2024)]),
        (6, 1, []),
        (6, 12, [(6, 2024)]),
        (12, 4, [(4, 2024)]),
        (0, 1, []),
    ],
)
def test_target_days_come_at_their_interval(interval: int, start_month: int, expected: list[tuple[int, int]]) -> None:
    meter = meter_on(billing_interval_months=interval, billing_start_month=start_month, dst=False)
    rows = stops(meter, true(2024, 6, 30))
    assert rows == [(year, month, 1, 0, 0) for month, year in expected]


def test_the_28th_of_february_is_a_target_day_in_every_year() -> None:
    meter = meter_on(billing_day=28, dst=False)
    assert [row[:3] for row in stops(meter, true(2025, 3, 1))][:2] == [(2024, 1, 28), (2024, 2, 28)]
    assert [row[:3] for row in stops(meter, true(2025, 3, 1))][-1] == (2025, 2, 28)


def test_the_target_day_begins_at_midnight_normal_time_in_summer_too() -> None:
    meter = meter_on(billing_day=1)
    meter.advance(true(2024, 7, 1) - 1)
    assert meter.billing_logger(meter.time).periods == 5
    rows = meter.billing_logger(true(2024, 7, 1)).rows
    assert rows[-1].stamp == normal(2024, 7, 1)
    assert meter.local_stamp(rows[-1].stamp)[:6] == (2024, 7, 1, 1, 1, 0)


def test_a_row_holds_the_registers_at_the_stop() -> None:
    meter = meter_on(LiveInstallation())
    meter.apply(SetLoad((2_000_000, 0, 0), (-100_000, 0, 0)), START)
    meter.apply(SetTariff(2), START + 3_600)
    meter.apply(SetPulseInput(42), START + 3_600)
    meter.apply(SetLoad((-500_000, 0, 0)), START + 7_200)
    meter.apply(StopBilling(), START + 10_000)
    (row,) = meter.billing_logger(START + 20_000).rows
    assert row.stamp == START + 13_600
    assert row.energies[:4] == [4_000 * WH, 500_000 * 2_800, 0, 200 * WH]
    assert row.energies[4:] == [isqrt(2_000_000**2 + 100_000**2) * 7_200, 500_000 * 2_800]
    assert row.tariff_energies[Flow.A14][:3] == [2_000 * WH, 2_000 * WH, 0]
    assert row.tariff_energies[Flow.A23][1] == row.energies[Flow.A23]
    assert row.maxima[Maximum.P14] == row.maxima[Maximum.P14_T1] == Peak(2_000_000, normal(2024, 1, 15, 12, 15))
    assert row.maxima[Maximum.P14_T2] == Peak(2_000_000, normal(2024, 1, 15, 13, 15))
    assert row.maxima[Maximum.P23] == Peak(500_000, normal(2024, 1, 15, 14, 15))
    assert (row.operating_s, row.periods, row.threshold_count, row.pulse_input) == (10_000, 1, 0, 42)


def test_a_stop_adds_the_peaks_to_the_accumulated_ones_and_begins_new_ones() -> None:
    meter = meter_on(LiveInstallation())
    meter.apply(SetLoad((2_000_000, 0, 0)), START)
    meter.apply(StopBilling(), START + 3_600)
    meter.apply(SetLoad((500_000, 0, 0)), START + 3_600)
    demand = meter.demand(START + 7_200)
    assert demand.maxima[Maximum.P14] == Peak(500_000, normal(2024, 1, 15, 13, 15))
    meter.apply(StopBilling(), START + 7_200)
    demand = meter.demand(START + 7_200)
    assert demand.accumulated[Maximum.P14] == demand.accumulated[Maximum.P14_T1] == 2_500_000
    assert demand.maxima[Maximum.P14] == Peak()
    rows = meter.billing_logger(START + 7_200).rows
    assert [row.accumulated[Maximum.P14] for row in rows] == [2_000_000, 2_500_000]
    assert [row.periods for row in rows] == [1, 2]


def test_the_peak_of_the_period_that_ends_at_midnight_belongs_to_the_month_before() -> None:
    meter = meter_on(LiveInstallation(), billing_day=16)
    meter.apply(SetLoad((9_000_000, 0, 0)), true(2024, 1, 15, 23, 45))
    meter.apply(SetLoad((0, 0, 0)), true(2024, 1, 16))
    (row,) = meter.billing_logger(meter.time).rows
    assert row.maxima[Maximum.P14] == Peak(9_000_000, normal(2024, 1, 16))
    assert meter.demand(true(2024, 1, 17)).maxima[Maximum.P14] == Peak()


def test_a_stop_in_the_middle_of_a_period_leaves_the_period_going() -> None:
    meter = meter_on()
    meter.apply(StopBilling(), START + 450)
    assert meter.demand(START + 900).maxima[Maximum.P14].value == 1_000_000


def test_the_logger_keeps_36_rows() -> None:
    meter = meter_on()
    logger = meter.billing_logger(true(2029, 1, 15))
    assert (len(logger.rows), logger.periods) == (36, 60)
    assert logger.rows[0].periods == 25


def test_a_clock_set_over_a_target_day_stops_billing_once_at_once() -> None:
    meter = meter_on()
    meter.apply(SetClock(true(2024, 4, 10)), START + 100)
    (row,) = meter.billing_logger(START + 100).rows
    assert (row.stamp, row.operating_s) == (normal(2024, 4, 10), 100)
    assert meter.next_boundary(START + 100) == START + 100 + 900


@pytest.mark.parametrize("seconds", [-3, 3])
def test_a_small_correction_over_a_target_day_bills_it_once(seconds: int) -> None:
    meter = meter_on(billing_day=16)
    at = true(2024, 1, 16) + (1 if seconds < 0 else -1)
    meter.apply(SetClock(at + seconds), at)
    assert meter.billing_logger(at + 86_400).periods == 1


def test_a_clock_set_far_back_bills_the_days_that_come_again() -> None:
    meter = meter_on()
    meter.advance(true(2024, 2, 2))
    meter.apply(SetClock(true(2024, 1, 30)), true(2024, 2, 2))
    assert meter.billing_logger(true(2024, 2, 10)).periods == 2


# --- demand and the clock --------------------------------------------------------------------------


def test_a_clock_set_inside_a_period_keeps_it_going_and_its_average_is_over_the_nominal_length() -> None:
    meter = meter_on()
    meter.apply(SetClock(START + 600), START + 300)
    assert meter.demand(START + 599).averages[Flow.P14] == 0
    demand = meter.demand(START + 600)
    assert demand.averages[Flow.P14] == 600_000_000 // 900
    assert demand.means[Mean.U_L1] == 230_000
    assert demand.day.minimum == Peak()


def test_a_clock_set_across_a_boundary_ends_the_period() -> None:
    meter = meter_on()
    meter.apply(SetClock(START + 5_000), START + 450)
    demand = meter.demand(START + 450)
    assert demand.averages[Flow.P14] == 500_000
    assert demand.maxima[Maximum.P14] == Peak(500_000, normal(2024, 1, 15, 12, 7) + 30)
    assert demand.period_start == START + 450
    assert demand.means[Mean.I_L1] == 1_000_000_000 // 230_000


def test_a_clock_set_to_the_next_day_ends_the_day() -> None:
    meter = meter_on()
    meter.apply(SetClock(START + 86_400), START + 7_200)
    demand = meter.demand(START + 7_200)
    assert demand.last_day.maximum == Peak(1_000_000, normal(2024, 1, 15, 12, 15))
    assert demand.day.maximum == Peak()


@pytest.mark.parametrize("days", [-40, -2, 2, 3, 40])
def test_a_clock_set_over_days_has_nothing_of_the_day_before(days: int) -> None:
    meter = meter_on()
    meter.apply(SetClock(START + days * 86_400), START + 7_200)
    demand = meter.demand(START + 7_200)
    assert demand.last_day == demand.day == DayExtremes()


@pytest.mark.parametrize(("at", "hours", "known"), [(7_200, 24, True), (7_200, 48, False), (42_900, 3, True)])
def test_an_outage_leaves_the_day_before_only_where_it_ends_on_the_next_one(at: int, hours: int, known: bool) -> None:
    meter = meter_on(rtc_backup_s=100 * 86_400)
    meter.apply(SetSupply((0, 0, 0)), START + at)
    meter.apply(SetSupply(), START + at + hours * 3_600)
    demand = meter.demand(START + at + hours * 3_600 + 2)
    assert demand.last_day.maximum == (Peak(1_000_000, normal(2024, 1, 15, 12, 15)) if known else Peak())
    assert demand.day == DayExtremes()


def test_an_outage_from_the_last_minutes_of_a_day_over_several_leaves_no_day_before() -> None:
    meter = meter_on(rtc_backup_s=100 * 86_400)
    meter.apply(SetSupply((0, 0, 0)), true(2024, 1, 15, 23, 55))
    meter.apply(SetSupply(), true(2024, 1, 17, 3))
    assert meter.demand(true(2024, 1, 17, 3, 1)).last_day == DayExtremes()


def test_a_small_correction_over_a_boundary_ends_the_period_at_the_boundary() -> None:
    meter = meter_on()
    meter.apply(SetClock(START + 902), START + 898)
    assert meter.demand(START + 898).maxima[Maximum.P14] == Peak(898_000_000 // 900, normal(2024, 1, 15, 12, 15))


@pytest.mark.parametrize("seconds", [-6, -1, 3, 6])
def test_a_small_correction_over_midnight_ends_the_day_once(seconds: int) -> None:
    meter = meter_on()
    at = true(2024, 1, 16) + (1 if seconds < 0 else -1)
    meter.apply(SetClock(at + seconds), at)
    demand = meter.demand(at + 3_600)
    assert demand.last_day.maximum == Peak(1_000_000, normal(2024, 1, 15, 12, 15))
    assert demand.last_day.minimum.value == 1_000_000
    assert demand.day.minimum == Peak(1_000_000, demand.day.minimum.at)
