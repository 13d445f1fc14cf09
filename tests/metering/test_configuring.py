"""What is configured in a running meter: target days, pulse input, peaks, and the logger that notes it."""

from __future__ import annotations

import pytest

from metering import Configured, EventLog, Maximum, Meter, Peak
from metering.inputs import (
    AddPulses,
    NoteConfiguration,
    SetLoad,
    SetPeakTariff,
    SetPulseInputScale,
    SetTargetDay,
    SetTariff,
    input_from_dict,
)
from metering.snapshot import pack, unpack
from tests.metering.builders import ONE_KILOWATT, START, configuration, meter_on, normal, true


def stops(meter: Meter, now: int) -> list[tuple[int, int, int]]:
    """Dates of the billing stops so far."""
    return [meter.local_stamp(row.stamp)[:3] for row in meter.billing_logger(now).rows]


def test_a_new_target_day_ends_the_period_that_runs() -> None:
    meter = meter_on(dst=False)
    meter.apply(SetTargetDay(20, 1), true(2024, 2, 10))
    meter.apply(SetTargetDay(5, 3, 2), true(2024, 3, 21))
    assert stops(meter, true(2024, 8, 31)) == [(2024, 2, 1), (2024, 2, 20), (2024, 3, 20), (2024, 5, 5), (2024, 8, 5)]


def test_a_target_day_that_has_begun_is_over() -> None:
    meter = meter_on(dst=False)
    meter.apply(SetTargetDay(10, 1), true(2024, 2, 10))
    assert stops(meter, true(2024, 3, 11)) == [(2024, 2, 1), (2024, 3, 10)]


def test_without_an_interval_bills_are_stopped_by_command_only() -> None:
    meter = meter_on(dst=False)
    meter.apply(SetTargetDay(1, 0), START)
    assert stops(meter, true(2026, 1, 1)) == []


def test_a_new_scale_of_the_pulse_input_begins_a_new_unit() -> None:
    meter = meter_on()
    meter.apply(AddPulses(7), START)
    meter.apply(SetPulseInputScale(2_500, "m3", "quick"), START)
    meter.apply(AddPulses(2, length_ms=30, pause_ms=32), START)
    assert meter.pulse_input == 7
    meter.apply(SetPulseInputScale(1_000, "m3"), START)
    meter.apply(AddPulses(2, length_ms=30, pause_ms=32), START)
    meter.apply(AddPulses(1), START)
    assert (meter.pulse_input, meter.pulse_scale) == (8, (1_000, "m3", "normal"))


def test_another_peak_tariff_holds_for_the_periods_that_end_from_then_on() -> None:
    meter = meter_on()
    meter.apply(SetPeakTariff(2), START + 900)
    meter.apply(SetLoad((5_000_000, 0, 0)), START + 900)
    meter.apply(SetTariff(2), START + 1_800)
    meter.apply(SetLoad((2_000_000, 0, 0)), START + 1_800)
    demand = meter.demand(START + 2_700)
    assert demand.maxima[Maximum.P14] == Peak(2_000_000, normal(2024, 1, 15, 12, 45))
    assert demand.maxima[Maximum.P14_T1] == Peak(5_000_000, normal(2024, 1, 15, 12, 30))


def test_the_configuration_logger_counts_and_stamps_in_normal_time() -> None:
    meter = meter_on(event_logger_depth=2)
    for code in (Configured.TARGET_DAY, Configured.TARIFF_TABLE, Configured.BREAKER):
        meter.apply(NoteConfiguration(code), START + code)
    logger = meter.event_logger(EventLog.CONFIGURATION, START + 100)
    assert logger.logged == 3
    assert [row[:3] for row in logger.rows] == [(2, START + 3_640, 40), (3, START + 3_680, 80)]


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({"kind": "set-target-day", "day": 29}, r"day is 29; allowed: 1\.\.28"),
        (
            {"kind": "set-target-day", "day": 1, "interval_months": 4},
            "interval_months is 4; allowed: 0, 1, 2, 3, 6, 12",
        ),
        ({"kind": "set-target-day", "day": 1, "start_month": 13}, r"start_month is 13; allowed: 1\.\.12"),
        ({"kind": "set-peak-tariff", "tariff": 3}, r"tariff is 3; allowed: 0\.\.2"),
        ({"kind": "set-pulse-input-scale", "constant_milli": 249}, r"constant_milli is 249; allowed: 250\.\.1000000"),
        ({"kind": "set-pulse-input-scale", "constant_milli": 250, "unit": "m"}, "unit is 'm'; allowed: '', 'kWh'"),
        ({"kind": "set-pulse-input-scale", "constant_milli": 250, "speed": "slow"}, "allowed: 'normal', 'quick'"),
        ({"kind": "note-configuration", "setting": 199}, "setting is 199; allowed: 1, 2, 3"),
        ({"kind": "note-configuration", "setting": True}, "setting is True"),
    ],
)
def test_what_cannot_be_configured_is_refused(change: dict[str, object], allowed: str) -> None:
    with pytest.raises(ValueError, match=allowed):
        input_from_dict(change)


def test_a_snapshot_of_a_version_that_configured_nothing_is_read_as_ordered() -> None:
    order = configuration(billing_day=7, pulse_input_unit="l")
    head, columns = unpack(Meter(order, ONE_KILOWATT).snapshot())
    for name in ("target_days", "pulse_scale"):
        del head["state"][name]
    del head["state"]["events"]["CONFIGURATION"]
    restored = Meter.restore(order, ONE_KILOWATT, pack(head, columns))
    assert restored.snapshot() == Meter(order, ONE_KILOWATT).snapshot()
    assert (restored.target_days.day, restored.pulse_scale.unit) == (7, "l")
