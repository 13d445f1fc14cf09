"""The analysis logger: what it can record, its interval and depth, and what clock, power cuts and choices do to it."""

from __future__ import annotations

from typing import Any

import pytest

from metering import DataQuality, Flow, LoggerStatus, Meter
from metering.inputs import (
    AddPulses,
    ClearAnalysisLogger,
    SetAnalysisLogger,
    SetClock,
    SetLoad,
    SetSupply,
    SetTariff,
)
from metering.installation import HouseholdInstallation
from metering.selectable import SELECTABLE
from tests.metering.builders import ONE_KILOWATT, START, WH, configuration, meter_on, normal

A14, A14_T2, NET = "1.1.1.8.0.255", "1.1.1.8.2.255", "1.1.16.8.0.255"
P14_MEAN, P14_ACTUAL, U1, I1 = "1.1.1.25.0.255", "1.1.1.7.0.255", "1.1.32.25.0.255", "1.1.31.25.0.255"
PF_MEAN, PF1_ACTUAL = "1.1.13.25.0.255", "1.1.33.7.0.255"
PULSES, HOURS = "1.1.0.128.1.255", "0.1.96.8.0.255"


def logging(*registers: str, **changes: Any) -> Meter:
    return Meter(configuration(**{"analysis_registers": registers, "analysis_period_s": 300} | changes), ONE_KILOWATT)


def test_by_default_it_records_actual_powers_average_voltages_and_currents() -> None:
    meter = meter_on()
    analysis = meter.analysis_logger(START + 900)
    assert analysis.values[:, 0].tolist() == [1_000_000, 0, 0, 0, 230_000, 230_000, 230_000, 4_347, 0, 0]
    assert analysis.stamps.tolist() == [normal(2024, 1, 15, 12, 15)]


def test_readings_averages_and_actual_values_each_mean_something_else() -> None:
    meter = logging(A14, P14_MEAN, P14_ACTUAL, U1, I1, PF_MEAN, PF1_ACTUAL, NET)
    meter.apply(SetLoad((2_300_000, 0, 0), (0, 0, 0), (230_000, 0, 0)), START + 300)
    meter.apply(SetLoad((-1_150_000, 0, 0), (1_150_000, 0, 0), (200_000, 0, 0)), START + 500)
    analysis = meter.analysis_logger(START + 600)
    active, apparent = 2_300_000 * 200 + 1_150_000 * 100, 2_300_000 * 200 + 1_626_345 * 100
    assert analysis.values[:, 1].tolist() == [
        (1_000_000 * 300 + 2_300_000 * 200) // WH,
        2_300_000 * 200 // 300,
        0,
        (230_000 * 200 + 200_000 * 100) // 300,
        (10_000 * 200 + 8_131 * 100) // 300,
        active * 1000 // apparent,
        707,
        (1_000_000 * 300 + 2_300_000 * 200 - 1_150_000 * 100) // WH,
    ]


def test_tariffs_pulses_and_hours_are_readings_too() -> None:
    meter = logging(A14_T2, PULSES, HOURS, analysis_period_s=3_600)
    meter.apply(SetTariff(2), START + 1_800)
    meter.apply(AddPulses(7), START + 1_800)
    assert meter.analysis_logger(START + 7_200).values.tolist() == [[500, 1_500], [7, 7], [1, 2]]


def test_every_register_that_can_be_chosen_can_be_recorded() -> None:
    codes = [".".join(map(str, code)) for code in SELECTABLE]
    for first in range(0, len(codes), 16):
        meter = Meter(
            configuration(analysis_registers=codes[first : first + 16]), HouseholdInstallation(pv_peak_w=9_000)
        )
        assert len(meter.analysis_logger(START + 2 * 86_400)) == 192


def test_depth_follows_from_the_number_of_registers() -> None:
    assert logging(A14, analysis_period_s=3_600).analysis_logger(START).depth_days == 520
    many = [f"1.1.{c}.8.{e}.255" for c in (1, 2) for e in range(8)]
    analysis = logging(*many).analysis_logger(START + 4 * 86_400)
    assert 2.5 < analysis.depth_days < 3
    assert len(analysis) == analysis.entries == 780
    assert analysis.captured == 4 * 288


def test_going_round_the_ring_in_one_jump_or_in_many_leaves_the_same_rows() -> None:
    order = configuration(analysis_registers=[f"1.1.{c}.25.0.255" for c in (21, 22, 23, 24, 29, 31, 32, 33, 13, 1)])
    jump, steps = (Meter(order, HouseholdInstallation()) for _ in range(2))
    end = START + 40 * 86_400
    for now in range(START, end, 7_777):
        steps.advance(now)
    assert steps.analysis_logger(end).values.tolist() == jump.analysis_logger(end).values.tolist()


def test_another_choice_deletes_the_rows_and_the_next_one_says_so() -> None:
    meter = logging(A14)
    meter.apply(SetAnalysisLogger(300, (P14_MEAN,)), START + 1_000)
    meter.apply(SetAnalysisLogger(1_800, (P14_MEAN,)), START + 1_100)
    analysis = meter.analysis_logger(START + 3_600)
    assert analysis.stamps.tolist() == [normal(2024, 1, 15, 12, 30), normal(2024, 1, 15, 13)]
    assert analysis.status.tolist() == [LoggerStatus.RECONFIGURED | LoggerStatus.INTERVAL_CHANGED, 0]
    assert analysis.captured == 3 + 2


def test_deleting_leaves_the_running_average_alone() -> None:
    meter = logging(P14_MEAN)
    meter.apply(ClearAnalysisLogger(), START + 450)
    assert meter.analysis_logger(START + 600).values.tolist() == [[1_000_000]]


def test_a_small_correction_over_a_boundary_captures_the_row_and_a_jump_does_not() -> None:
    small, jump = logging(A14), logging(A14)
    small.apply(SetClock(START + 302), START + 298)
    jump.apply(SetClock(START + 700), START + 298)
    assert small.analysis_logger(START + 298).stamps.tolist() == [normal(2024, 1, 15, 12, 5)]
    assert small.analysis_logger(START + 600).status.tolist() == [0, 0]
    rows = jump.analysis_logger(START + 600)
    assert rows.stamps.tolist() == [normal(2024, 1, 15, 12, 15)]
    assert rows.status.tolist() == [LoggerStatus.TIME_DISCONTINUITY]
    assert rows.quality.tolist() == [DataQuality.CLOCK_ADJUSTED_60_S | DataQuality.CLOCK_FORWARD]


def test_what_a_power_cut_left_out_stays_out_and_averages_are_of_the_rest() -> None:
    meter = logging(P14_MEAN)
    meter.apply(SetSupply((0, 0, 0)), START + 400)
    meter.apply(SetSupply((None, None, None)), START + 1_000)
    rows = meter.analysis_logger(START + 1_500)
    assert rows.stamps.tolist() == [normal(2024, 1, 15, 12) + at for at in (300, 1_200, 1_500)]
    assert rows.quality[1] & DataQuality.POWER_OUTAGE
    assert rows.values[0, 1] <= 1_000_000
    assert rows.values[0, 2] == 1_000_000


@pytest.mark.parametrize(
    ("registers", "message"),
    [
        ((), "analysis registers are .*allowed: 1..16 different ones"),
        ((A14, A14), "allowed: 1..16 different ones"),
        (("1.1.1.6.0.255",), "analysis register is 1.1.1.6.0.255; allowed: energies"),
        (("voltage",), "not an OBIS code: 'voltage'"),
    ],
)
def test_a_choice_that_cannot_be_recorded_is_refused(registers: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SetAnalysisLogger(900, registers)
    with pytest.raises(ValueError, match=message):
        configuration(analysis_registers=registers)


def test_differences_of_rows_are_differences_of_registers() -> None:
    codes = ["1.1.1.8.0.255", "1.1.2.8.0.255", "1.1.3.8.0.255", "1.1.4.8.0.255", "1.1.9.8.0.255", "1.1.10.8.0.255"]
    meter = Meter(configuration(analysis_registers=codes), HouseholdInstallation(pv_peak_w=9_000))
    walking = Meter(meter.configuration, meter.installation)
    rows = meter.analysis_logger(START + 3 * 86_400)
    for column in (0, 50, 150, 287):
        at = int(rows.stamps[column]) - meter.shift_s
        assert rows.values[:, column].tolist() == [walking.flow_energy(flow, at) // WH for flow in Flow]
