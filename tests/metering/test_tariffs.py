"""What a meter makes of its tariffs: modes, switches inside a stretch, peaks, thresholds and hours of each."""

from __future__ import annotations

from typing import Any

import pytest

from metering import Flow, Maximum, Meter, Peak, TariffMode
from metering.inputs import (
    SetClock,
    SetDaylightSaving,
    SetIntegrationPeriod,
    SetLoad,
    SetPowerThreshold,
    SetRipple,
    SetTariff,
    SetTariffInputs,
    SetTariffMode,
    SetTariffTable,
    StopBilling,
)
from metering.installation import HouseholdInstallation
from tests.metering.builders import START, WH, configuration, meter_on, normal, true
from tests.metering.test_tariff_table import table

DAY_S = 86_400


def internal(**changes: Any) -> Meter:
    """One kilowatt on winter and summer tariffs; 2024-01-15 is a Monday."""
    return meter_on(**{"tariff_mode": "internal", "tariff_table": table()} | changes)


def tariff_energies(meter: Meter, now: int, flow: Flow = Flow.A14) -> list[int]:
    return [meter.tariff_energy(flow, tariff, now) // WH for tariff in range(1, 9)]


def test_a_week_of_one_kilowatt_divides_as_the_table_says() -> None:
    meter = internal()
    now = true(2024, 1, 22, 12)
    assert tariff_energies(meter, now) == [5 * 16_000, 5 * 8_000 + 2 * 24_000, 0, 0, 0, 0, 0, 0]
    assert meter.tariff_seconds(1, now) == 5 * 16 * 3_600
    assert meter.tariff_seconds(2, now) == 7 * DAY_S - 5 * 16 * 3_600


def test_a_switch_between_two_steps_of_the_grid_is_exact_to_the_second() -> None:
    meter = internal()  # a constant load has steps of a day
    before = true(2024, 1, 15, 22) - 1
    assert meter.tariff(before) == 1
    assert tariff_energies(meter, before)[:2] == [(10 * 3_600 - 1) * 1_000 // 3_600, 0]
    assert meter.tariff(before + 1) == 2
    assert meter.tariff_energy(Flow.A14, 1, before + 3_600) == 10_000 * WH
    assert meter.tariff_energy(Flow.A14, 2, before + 3_600) == 1_000_000 * 3_599


def test_looking_second_by_second_at_a_switch_is_looking_once() -> None:
    home, order = HouseholdInstallation(grid_s=900), configuration(tariff_mode="internal", tariff_table=table())
    meter = Meter(order, home)
    for now in range(true(2024, 1, 15, 22) - 20, true(2024, 1, 15, 22) + 20):
        once = Meter(order, home)
        once.advance(now)
        for tariff in (1, 2):
            assert meter.tariff_energy(Flow.A14, tariff, now) == once.tariff_energy(Flow.A14, tariff, now)


def test_the_next_boundary_is_the_switch_where_that_comes_first() -> None:
    odd = table()
    odd["seasons"][0]["days"]["working"] = {"00:00": 2, "12:01": 1}
    assert internal(tariff_table=odd).next_boundary(START) == START + 60


def test_each_source_of_tariffs_is_heard_only_in_its_mode_and_remembered() -> None:
    meter = internal()
    with pytest.raises(ValueError, match=r"tariff_mode is internal; allowed for setting the tariff: command"):
        meter.apply(SetTariff(3), START)
    meter.apply(SetTariffInputs(port1=True, port2=True), START)
    meter.apply(SetRipple(6), START)
    assert meter.tariff(START) == 1
    tariffs = []
    for mode in ("module", "ripple", "command", "off", "internal"):
        meter.apply(SetTariffMode(mode), START)
        tariffs.append(meter.tariff(START))
    assert tariffs == [4, 6, 1, 1, 1]
    assert meter.tariff_control.mode is TariffMode.INTERNAL


def test_a_mode_or_table_beyond_the_tariffs_ordered_is_refused() -> None:
    meter = meter_on(tariffs=2)
    with pytest.raises(ValueError, match=r"tariff mode module needs 4 tariffs; allowed: 1..2"):
        meter.apply(SetTariffMode("module"), START)
    with pytest.raises(ValueError, match=r"tariff mode internal needs 4 tariffs; allowed: 1..2"):
        meter.apply(SetTariffTable(table()), START)
    with pytest.raises(ValueError, match="the meter has no tariff table"):
        meter.apply(SetTariffMode("internal"), START)
    with pytest.raises(ValueError, match=r"tariff is 3; allowed: 1..2"):
        meter.apply(SetRipple(3), START)
    with pytest.raises(ValueError, match=r"tariffs is 2; allowed: 4..8, which the tariff mode needs"):
        configuration(tariffs=2, tariff_mode="internal", tariff_table=table())


def test_a_clock_set_takes_up_the_tariff_of_the_new_time() -> None:
    meter = internal()
    meter.apply(SetClock(START + 12 * 3_600), START)
    assert meter.tariff(START) == 2
    assert meter.next_boundary(START) <= START + 6 * 3_600


def test_daylight_saving_switched_off_moves_the_switches() -> None:
    summer = true(2024, 7, 2, 6)  # 07:00 by the clocks
    meter = internal(commissioned_at=summer)
    assert meter.tariff(summer) == 3
    meter.apply(SetDaylightSaving(False), summer)
    assert meter.tariff(summer) == 4
    assert meter.tariff(summer + 3_600) == 3


def test_a_new_table_holds_at_once() -> None:
    meter = internal()
    one = {"name": "one", "week": ["all"] * 7, "seasons": [{"from": "01-01", "days": {"all": {"00:00": 8}}}]}
    meter.apply(SetTariffTable(one), START + 100)
    assert meter.tariff(START + 100) == 8
    assert meter.tariff_energy(Flow.A14, 1, START + 200) == 100 * 1_000_000


def test_every_tariff_has_its_peaks_its_threshold_and_their_sums() -> None:
    meter = meter_on()
    for tariff in range(1, 9):
        meter.apply(SetPowerThreshold(tariff * 1_000 - 1, tariff), START)
    meter.apply(SetPowerThreshold(4_500), START)
    for tariff in range(1, 9):
        at = START + (tariff - 1) * 900
        meter.apply(SetTariff(tariff), at)
        meter.apply(SetLoad((tariff * 1_000_000, 0, 0), (tariff * 750_000, 0, 0)), at)
    meter.apply(StopBilling(), START + 7_200)
    (row,) = meter.billing_logger(START + 7_200).rows
    for tariff in range(1, 9):
        at = normal(2024, 1, 15, 12) + tariff * 900
        assert row.maxima[Maximum[f"P14_T{tariff}"]] == Peak(tariff * 1_000_000, at)
        assert row.maxima[Maximum[f"Q12_T{tariff}"]] == Peak(tariff * 750_000, at)
        assert row.maxima[Maximum[f"S14_T{tariff}"]] == Peak(tariff * 1_250_000, at)
        assert row.accumulated[Maximum[f"P14_T{tariff}"]] == tariff * 1_000_000
    assert row.maxima[Maximum.S14] == Peak(10_000_000, normal(2024, 1, 15, 14))
    demand = meter.demand(START + 7_200)
    assert demand.maxima == [Peak()] * len(Maximum)
    assert demand.threshold_counts == [4, 1, 1, 1, 1, 1, 1, 1, 1]


def test_peaks_of_one_tariff_only_are_ordered_by_configuration() -> None:
    meter = meter_on(peak_tariff=2)
    meter.apply(SetTariff(2), START + 900)
    meter.apply(SetLoad((500_000, 0, 0)), START + 900)
    maxima = meter.demand(START + 1_800).maxima
    assert maxima[Maximum.P14] == maxima[Maximum.P14_T2] == Peak(500_000, normal(2024, 1, 15, 12, 30))
    assert maxima[Maximum.P14_T1].value == 1_000_000


def test_a_new_integration_period_gives_up_the_running_one_and_is_aligned() -> None:
    meter = meter_on()
    meter.apply(SetIntegrationPeriod(3_600), START + 1_000)
    assert meter.next_boundary(START + 1_000) == START + 1_800  # the load profile's
    demand = meter.demand(START + 3_600)
    assert demand.period_start == START + 3_600
    assert demand.averages[Flow.P14] == 1_000_000 * 2_600 // 3_600
    assert demand.maxima[Maximum.P14] == Peak(1_000_000, START + 900 + 3_600)
