"""Voltages that are not what they should be: rows, marks and bits."""

from __future__ import annotations

import numpy as np
import pytest

from metering import DataQuality, EventLog, Meter
from metering.inputs import Phases, SetSupply
from metering.installation import ReplayInstallation
from metering.status import EventA, EventB
from metering.voltage_quality import VoltageEvent
from tests.metering.builders import START, meter_on

HOUR = 3_600
V = 1_000


def supply(meter: Meter, *changes: tuple[int, Phases]) -> Meter:
    for at, volts in changes:
        meter.apply(SetSupply((volts[0] * V, volts[1] * V, volts[2] * V)), START + at)
    return meter


def rows(meter: Meter, now: int = START + 2 * HOUR) -> list[tuple[int, ...]]:
    """Seconds, phase, event, mean, max, min."""
    log = meter.event_logger(EventLog.VOLTAGE_QUALITY, now)
    return [(row.stamp - HOUR - START, row.code, *row.values) for row in log.rows]


GOOD = (230, 230, 230)


def test_ten_seconds_above_the_band_are_an_event_with_its_mean_and_extremes() -> None:
    meter = supply(meter_on(), (0, GOOD), (5, (230, 260, 230)), (25, (230, 256, 230)), (45, GOOD))
    assert rows(meter) == [
        (15, 2, VoltageEvent.MAXIMUM_START, 260, 260, 260),
        (46, 2, VoltageEvent.MAXIMUM_STOP, 258, 260, 256),
    ]
    status = meter.status(START + 2 * HOUR)
    assert status.event_b == EventB.OVER_VOLTAGE_L2
    assert status.event_a & EventA.VOLTAGE_QUALITY_LOG


def test_a_short_visit_below_is_a_single_minimum() -> None:
    meter = supply(meter_on(), (5, (200, 230, 230)), (14, GOOD))
    assert rows(meter) == [(15, 1, VoltageEvent.SINGLE_MINIMUM, 200, 200, 200)]
    assert meter.status(START + 2 * HOUR).event_b == 0


def test_rows_of_the_load_profile_are_marked_while_it_lasts_and_once_more() -> None:
    meter = supply(meter_on(), (1_000, (200, 230, 230)), (2_000, GOOD))
    quality = meter.load_profile(START + HOUR).quality.tolist()
    assert quality == [0, DataQuality.UNDER_VOLTAGE, DataQuality.UNDER_VOLTAGE, 0]


def test_the_mean_of_ten_minutes_has_a_row_when_it_leaves_the_band() -> None:
    meter = supply(meter_on(), (0, (230, 230, 254)), (1_200, GOOD))
    means = [row for row in rows(meter) if row[2] == VoltageEvent.OVER_MEAN]
    assert means == [(600, 3, VoltageEvent.OVER_MEAN, 254, 254, 254)]
    meter = supply(meter_on(), (300, (230, 230, 280)), (330, GOOD))
    assert not [row for row in rows(meter) if row[2] <= VoltageEvent.OVER_MEAN]
    meter = supply(meter_on(), (100, (150, 230, 230)), (300, GOOD))
    means = [row for row in rows(meter) if row[2] == VoltageEvent.UNDER_MEAN]
    assert means == [(600, 1, VoltageEvent.UNDER_MEAN, 203, 230, 150)]


def test_a_phase_that_goes_is_missing_and_comes_back() -> None:
    meter = supply(meter_on(), (10, (230, 0, 230)), (100, GOOD))
    assert rows(meter, START + 500) == [
        (11, 2, VoltageEvent.OUTAGE, 0, 0, 0),
        (101, 2, VoltageEvent.RE_ESTABLISHED, 230, 230, 230),
    ]
    assert meter.status(START + 500).event_b == EventB.MISSING_L2
    assert meter.powered(START + 2 * HOUR)


def test_a_phase_missing_through_a_power_cut_is_still_missing_after_it() -> None:
    meter = supply(meter_on(), (10, (230, 0, 230)), (100, (0, 0, 0)), (200, (230, 0, 230)), (300, GOOD))
    assert [row[:3] for row in rows(meter)] == [(11, 2, 4), (101, 0, 4), (201, 0, 5), (301, 2, 5)]


def test_phases_that_are_not_connected_are_not_missed() -> None:
    meter = supply(meter_on(connection="1-phase"), (0, (230, 0, 0)))
    assert rows(meter) == []


@pytest.mark.parametrize(("seconds", "logged"), [(59, []), (60, [1, 0])])
def test_a_neutral_is_lost_when_two_phases_are_high_and_one_is_low_for_a_minute(
    seconds: int, logged: list[int]
) -> None:
    meter = supply(meter_on(), (100, (254, 254, 189)), (100 + seconds, GOOD))
    now = START + 2 * HOUR
    assert [row.code for row in meter.event_logger(EventLog.NEUTRAL_FAULT, now).rows] == logged
    assert bool(meter.status(now).event_b & EventB.NEUTRAL_FAULT) == bool(logged)
    assert bool(meter.load_profile(now).quality[0] & DataQuality.NEUTRAL_FAULT) == bool(logged)


def test_phases_apart_by_two_percent_for_ten_minutes_are_an_asymmetry() -> None:
    for volts, length, expected in (
        ((240, 230, 230), 600, True),
        ((240, 230, 230), 599, False),
        ((234, 230, 230), 900, False),
    ):
        meter = supply(meter_on(), (0, volts), (length, GOOD))
        assert bool(meter.status(START + HOUR).event_b & EventB.VOLTAGE_ASYMMETRY) == expected


def test_steps_of_five_percent_are_counted() -> None:
    meter = supply(meter_on(), (10, (218, 230, 230)), (20, (229, 230, 230)), (30, (241, 242, 230)))
    assert meter.voltage_quality(START + HOUR).rapid_changes == [2, 1, 0]


def test_steps_to_and_from_a_phase_without_any_voltage_are_counted_however_often_one_looks() -> None:
    columns = np.zeros((11, 2), dtype=np.int64)
    columns[6:9] = [[230_000] * 2, [0, 230_000], [230_000] * 2]
    installation = ReplayInstallation(START, 420, columns, repeat=True)
    straight, stopping = meter_on(installation), meter_on(installation)
    straight.advance(START + 100 * 420)
    for now in range(START, START + 100 * 420 + 1, 60):
        stopping.advance(now)
    assert straight.voltage_quality(straight.time).rapid_changes == [0, 100, 0]
    assert stopping.snapshot() == straight.snapshot()


def test_nothing_is_a_step_before_anything_was_seen() -> None:
    meter = meter_on()
    assert meter.voltage_quality(START).last_mv == [0, 0, 0]
    meter.advance(START + 60)
    assert meter.voltage_quality(START + 60).last_mv == [230_000] * 3
    assert meter.voltage_quality(START + 60).rapid_changes == [0, 0, 0]
    meter.apply(SetSupply((0, 0, 0)), START + 100)
    meter.apply(SetSupply((180_000, 180_000, 180_000)), START + 200)
    meter.advance(START + 201)
    before = list(meter.voltage_quality(START + 201).rapid_changes)
    meter.advance(START + 300)
    assert meter.voltage_quality(START + 300).rapid_changes == before
    assert meter.voltage_quality(START + 300).last_mv == [180_000] * 3
