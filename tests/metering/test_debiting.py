"""Debiting logger 2: every day, week or month; and the hourly store of a meter without clock."""

from __future__ import annotations

from metering import DataQuality, Flow, LoggerStatus, Meter
from metering.hourly import HourlyValues
from metering.inputs import AddPulses, SetClock, SetDebitingInterval, SetLoad, SetSupply, SetTariff
from metering.installation import HouseholdInstallation
from tests.metering.builders import START, WH, configuration, meter_on, normal, true

DAY_S = 86_400


def test_every_day_at_midnight_a_row_of_registers() -> None:
    meter = meter_on()
    meter.apply(SetTariff(2), START + DAY_S)
    rows = meter.debiting_logger_2(START + 2 * DAY_S).rows
    assert [row.stamp for row in rows] == [normal(2024, 1, 16), normal(2024, 1, 17)]
    assert [row.energies[Flow.A14] for row in rows] == [12_000 * WH, 36_000 * WH]
    assert [row.tariff_energies[Flow.A14][:2] for row in rows] == [[12_000 * WH, 0], [24_000 * WH, 12_000 * WH]]
    assert [row.operating_s for row in rows] == [12 * 3_600, 36 * 3_600]
    assert len(rows[0].tariff_energies[0]) == 4


def test_weeks_end_on_monday_and_months_on_the_first() -> None:
    weekly, monthly = meter_on(debiting2_interval="weekly"), meter_on(debiting2_interval="monthly")
    end = true(2024, 3, 1)
    assert [row.stamp for row in weekly.debiting_logger_2(end).rows][:2] == [normal(2024, 1, 22), normal(2024, 1, 29)]
    assert [row.stamp for row in monthly.debiting_logger_2(end).rows] == [normal(2024, 2, 1), normal(2024, 3, 1)]


def test_forty_five_rows_are_kept() -> None:
    logger = meter_on().debiting_logger_2(START + 60 * DAY_S)
    assert (len(logger.rows), logger.captured) == (45, 60)
    assert logger.rows[-1].stamp == normal(2024, 3, 15)


def test_one_jump_or_many_steps_leave_the_same_rows() -> None:
    order = configuration(debiting2_depth=9)
    jump, steps = (Meter(order, HouseholdInstallation()) for _ in range(2))
    for now in range(START, START + 30 * DAY_S, 12_345):
        steps.advance(now)
    end = START + 30 * DAY_S
    assert jump.debiting_logger_2(end).rows == steps.debiting_logger_2(end).rows


def test_another_interval_keeps_the_rows_and_marks_the_next() -> None:
    meter = meter_on()
    meter.apply(SetDebitingInterval("monthly"), START + DAY_S)
    rows = meter.debiting_logger_2(true(2024, 2, 1)).rows
    assert [(row.stamp, row.status) for row in rows] == [
        (normal(2024, 1, 16), 0),
        (normal(2024, 2, 1), LoggerStatus.INTERVAL_CHANGED),
    ]


def test_a_correction_over_midnight_writes_the_row_once_and_a_jump_skips_it() -> None:
    before = true(2024, 1, 16) - 3
    small, back, jump = meter_on(), meter_on(), meter_on()
    small.apply(SetClock(before + 5), before)
    assert [row.stamp for row in small.debiting_logger_2(before).rows] == [normal(2024, 1, 16)]
    back.apply(SetClock(before - 2), before + 4)
    assert len(back.debiting_logger_2(before + 20).rows) == 1
    jump.apply(SetClock(before + 10), before)
    rows = jump.debiting_logger_2(before + 2 * DAY_S).rows
    assert [row.stamp for row in rows] == [normal(2024, 1, 17), normal(2024, 1, 18)]
    assert rows[0].status == LoggerStatus.TIME_DISCONTINUITY
    assert rows[0].quality == DataQuality.CLOCK_ADJUSTED_7_S | DataQuality.CLOCK_FORWARD
    assert (rows[1].status, rows[1].quality) == (0, 0)


def test_hours_in_operation_are_stored_and_730_of_them_are_a_month() -> None:
    meter = meter_on(hourly_store=True)
    meter.apply(AddPulses(5), START + 10)
    meter.apply(SetLoad((3_000_000, 0, 0)), START + 3_600)
    meter.apply(SetLoad((500_000, 0, 0)), START + 3_600 + 450)
    store = meter.hourly_store(START + 7_200)
    assert store.hour == HourlyValues(2, 1_000_000 * 3_600 + 3_000_000 * 450 + 500_000 * 3_150, 1_750_000, 5)
    assert store.months == []
    month = meter.hourly_store(START + 730 * 3_600).months
    assert [(row.hours, row.peak) for row in month] == [(730, 1_750_000)]
    later = meter.hourly_store(START + 40 * 730 * 3_600).months
    assert len(later) == 36
    assert [row.hours for row in later[-2:]] == [39 * 730, 40 * 730]
    assert later[-1].peak == 500_000


def test_a_meter_without_clock_does_not_count_the_hours_it_was_off() -> None:
    meter = meter_on(hourly_store=True)
    meter.apply(SetSupply((0, 0, 0)), START + 1_800)
    meter.apply(SetSupply((None, None, None)), START + 5_000)
    back = START + 5_000 + 1_800 - 1
    assert meter.hourly_store(back - 5).hour.hours == 0
    assert meter.hourly_store(back + 5).hour.hours == 1


def test_quarters_one_by_one_or_all_at_once_leave_the_same_months() -> None:
    order = configuration(hourly_store=True)
    jump, steps = (Meter(order, HouseholdInstallation()) for _ in range(2))
    end = START + 70 * DAY_S
    for now in range(START, end, 5_003):
        steps.advance(now)
    assert jump.hourly_store(end).state() == steps.hourly_store(end).state()
