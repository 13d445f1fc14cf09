"""Values on the wire against what physics says they must be: a constant installation, hour after hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from cosem.data_types import DOUBLE_LONG_UNSIGNED, INTEGER, UNSIGNED
from cosem.date_time import DateTime
from cosem.errors import DataAccessResult
from metering.inputs import SetLoad

from .clients import result_of
from .conftest import Lab

HOUR = 3600
COMMISSIONED_HOURS = 36
"""From 2026-03-01 00:00 to 2026-03-02 12:00 UTC, the lab's defaults; it draws 750 W and 120 var all the while."""


@pytest.fixture
def bench(lab: Callable[..., Lab]) -> Lab:
    return lab()


def energies(reader: Any, group_c: int) -> list[int]:
    """The total and the eight tariff registers."""
    return [reader.get(3, f"1.1.{group_c}.8.{tariff}.255") for tariff in range(9)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("1.1.1.7.0.255", 750),
        ("1.1.2.7.0.255", 0),
        ("1.1.3.7.0.255", 120),
        ("1.1.4.7.0.255", 0),
        ("1.1.21.7.0.255", 350),
        ("1.1.41.7.0.255", 250),
        ("1.1.61.7.0.255", 150),
        ("1.1.22.7.0.255", 0),
        ("1.1.23.7.0.255", 60),
        ("1.1.63.7.0.255", 20),
        ("1.1.24.7.0.255", 0),
        ("1.1.32.7.0.255", 230),
        ("1.1.52.7.0.255", 230),
        ("1.1.72.7.0.255", 230),
        ("1.1.31.7.0.255", 154),  # |350 + j60| VA at 230 V: 1.544 A
        ("1.1.51.7.0.255", 110),
        ("1.1.71.7.0.255", 65),
        ("1.1.1.25.0.255", 750),
        ("1.1.3.25.0.255", 120),
        ("1.1.31.25.0.255", 154),
        ("1.1.32.25.0.255", 230),
        ("0.1.96.8.0.255", COMMISSIONED_HOURS),
        ("1.1.1.8.0.255", 750 * COMMISSIONED_HOURS),
        ("1.1.1.8.0.128", 7500 * COMMISSIONED_HOURS),
        ("1.1.2.8.0.255", 0),
        ("1.1.3.8.0.255", 120 * COMMISSIONED_HOURS),
        ("1.1.5.8.0.255", 120 * COMMISSIONED_HOURS),
        ("1.1.8.8.0.255", 0),
        ("1.1.15.8.0.255", 750 * COMMISSIONED_HOURS),
        ("1.1.1.128.0.255", 750 * COMMISSIONED_HOURS),
        ("1.1.96.51.1.255", 99_000),
    ],
)
def test_a_constant_load_reads_as_what_it_is(bench: Lab, name: str, value: int) -> None:
    assert bench.reader().get(3, name) == value


def test_the_scaler_of_a_current_is_hundredths_of_an_ampere(bench: Lab) -> None:
    for name in ("1.1.31.7.0.255", "1.1.51.7.0.255", "1.1.71.7.0.255", "1.1.31.25.0.255"):
        assert bench.reader().get(3, name, 3) == (-2, 33)


def test_energy_grows_by_power_times_time(bench: Lab) -> None:
    reader = bench.reader()
    before = reader.get(3, "1.1.1.8.0.255")
    for hours in (1, 5, 24, 1000):
        bench.time.forward(hours * HOUR)
        now = reader.get(3, "1.1.1.8.0.255")
        assert now - before == 750 * hours
        before = now


def test_between_two_boundaries_a_reading_extrapolates(bench: Lab) -> None:
    reader = bench.reader()
    bench.time.forward(48)  # 10 Wh at 750 W
    assert reader.get(3, "1.1.1.8.0.255") == 750 * COMMISSIONED_HOURS + 10
    assert reader.get(3, "1.1.1.8.0.128") == 7500 * COMMISSIONED_HOURS + 100


def test_export_counts_in_its_own_registers(bench: Lab) -> None:
    reader = bench.reader()
    imported = reader.get(3, "1.1.1.8.0.255")
    bench.meter.apply(SetLoad((-1_000_000, -500_000, 0), (0, 0, -300_000)))
    assert reader.get(3, "1.1.2.7.0.255") == 1500
    assert reader.get(3, "1.1.1.7.0.255") == 0
    assert reader.get(3, "1.1.22.7.0.255") == 1000
    bench.time.forward(2 * HOUR)
    assert reader.get(3, "1.1.1.8.0.255") == imported
    assert reader.get(3, "1.1.2.8.0.255") == 3000
    assert reader.get(3, "1.1.2.128.0.255") == 3000


def test_voltage_is_rounded_to_whole_volts(bench: Lab) -> None:
    bench.meter.apply(SetLoad((0, 0, 0), (0, 0, 0), (229_499, 229_500, 240_900)))
    values = [bench.reader().get(3, f"1.1.{group_c}.7.0.255") for group_c in (32, 52, 72)]
    assert values == [229, 230, 241]


# --- tariffs --------------------------------------------------------------------------------------------


def test_each_tariff_counts_while_it_is_active_and_all_sum_up_to_the_total(bench: Lab) -> None:
    reader = bench.reader()
    assert reader.get(1, "1.1.129.0.0.255") == 1
    for tariff in range(2, 9):
        reader.set(1, "1.1.129.0.0.255", 2, UNSIGNED, tariff)
        assert reader.get(1, "1.1.129.0.0.255") == tariff
        bench.time.forward(tariff * HOUR)
    total, *tariffs = energies(reader, 1)
    assert tariffs == [750 * hours for hours in (COMMISSIONED_HOURS, 2, 3, 4, 5, 6, 7, 8)]
    assert sum(tariffs) == total
    reactive_total, *reactive = energies(reader, 3)
    assert sum(reactive) == reactive_total == total * 120 // 750


@pytest.mark.parametrize("tariff", [0, 9, 255])
def test_a_tariff_there_is_not_is_refused(bench: Lab, tariff: int) -> None:
    reader = bench.reader()
    result = result_of(reader.set, 1, "1.1.129.0.0.255", 2, UNSIGNED, tariff)
    assert result == DataAccessResult.OTHER_REASON
    assert reader.get(1, "1.1.129.0.0.255") == 1
    assert not bench.meter.pending


# --- peaks ----------------------------------------------------------------------------------------------


def test_a_peak_is_the_highest_period_with_the_local_time_of_its_end(bench: Lab) -> None:
    reader = bench.reader()
    reader.set(1, "1.1.129.0.0.255", 2, UNSIGNED, 2)
    bench.meter.apply(SetLoad((1_000_000, 1_000_000, 1_000_000), (200_000, 0, 0)))
    bench.time.forward(900)
    bench.meter.apply(SetLoad((0, 0, 0)))
    bench.time.forward(7 * 900)
    at = DateTime(2026, 3, 2, 1, 13, 15, 0)  # 12:15 UTC in winter
    for name in ("1.1.1.6.0.255", "1.1.1.6.2.255"):
        assert reader.get(4, name) == 3000
        assert DateTime.from_bytes(reader.get(4, name, 5)) == at
    assert reader.get(4, "1.1.3.6.0.255") == 200
    assert reader.get(4, "1.1.1.6.1.255") == 750
    assert reader.get(4, "1.1.4.6.0.255") == 0
    assert reader.get(3, "1.1.1.25.0.255") == 0, "the average is that of the last finished period"


def test_a_billing_stop_accumulates_the_peak_and_begins_anew(bench: Lab) -> None:
    reader = bench.reader()
    assert reader.get(1, "1.1.0.1.0.255") == 0
    reader.set(1, "1.1.0.1.5.128", 2, UNSIGNED, 1)
    assert reader.get(1, "1.1.0.1.0.255") == 1
    assert reader.get(3, "1.1.1.2.0.255") == 750
    assert reader.get(4, "1.1.1.6.0.255") == 0
    assert DateTime.from_bytes(reader.get(4, "1.1.1.6.0.255", 5)) == DateTime()
    bench.time.forward(HOUR)
    reader.set(1, "1.1.0.1.5.128", 2, UNSIGNED, 1)
    assert reader.get(3, "1.1.1.2.0.255") == 1500


@pytest.mark.parametrize("value", [0, 2, 255])
def test_only_a_one_stops_billing(bench: Lab, value: int) -> None:
    reader = bench.reader()
    assert result_of(reader.set, 1, "1.1.0.1.5.128", 2, UNSIGNED, value) == DataAccessResult.OTHER_REASON
    assert reader.get(1, "1.1.0.1.0.255") == 0


def test_the_day_extremes_are_those_of_the_last_whole_day(lab: Callable[..., Lab]) -> None:
    bench = lab(datetime(2026, 3, 2, 23, 0))  # midnight of the 3rd in Denmark
    bench.meter.apply(SetLoad((100_000, 0, 0)))
    bench.time.forward(900)
    bench.meter.apply(SetLoad((4_000_000, 0, 0)))
    bench.time.forward(900)
    bench.meter.apply(SetLoad((500_000, 0, 0)))
    bench.time.forward(24 * HOUR)
    reader = bench.reader()
    assert reader.get(4, "1.1.1.13.0.255") == 100
    assert DateTime.from_bytes(reader.get(4, "1.1.1.13.0.255", 5)) == DateTime(2026, 3, 3, 2, 0, 15, 0)
    assert reader.get(4, "1.1.1.16.0.255") == 4000
    assert DateTime.from_bytes(reader.get(4, "1.1.1.16.0.255", 5)) == DateTime(2026, 3, 3, 2, 0, 30, 0)


# --- counters -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["1.1.1.128.0.255", "1.1.2.128.0.255"])
def test_the_reset_of_either_trip_counter_starts_both_again(bench: Lab, name: str) -> None:
    reader = bench.reader()
    total = reader.get(3, "1.1.1.8.0.255")
    reader.action(3, name, 1, INTEGER, 0)
    assert reader.get(3, "1.1.1.128.0.255") == 0
    bench.time.forward(HOUR)
    assert reader.get(3, "1.1.1.128.0.255") == 750
    assert reader.get(3, "1.1.1.8.0.255") == total + 750, "a trip counter is no register"


def test_the_energy_registers_have_no_reset(bench: Lab) -> None:
    assert result_of(bench.reader().action, 3, "1.1.1.8.0.255", 1, INTEGER, 0).name == "READ_WRITE_DENIED"


def test_each_period_above_the_power_threshold_is_counted(bench: Lab) -> None:
    reader = bench.reader()
    assert reader.get(1, "1.1.96.51.2.255") == 0
    reader.set(3, "1.1.96.51.1.255", 2, DOUBLE_LONG_UNSIGNED, 749)
    bench.time.forward(HOUR)
    assert reader.get(1, "1.1.96.51.2.255") == 4
    reader.set(3, "1.1.96.51.1.255", 2, DOUBLE_LONG_UNSIGNED, 750)
    bench.time.forward(HOUR)
    assert reader.get(1, "1.1.96.51.2.255") == 4


def test_the_hour_counter_counts_whole_hours(bench: Lab) -> None:
    reader = bench.reader()
    bench.time.forward(HOUR - 1)
    assert reader.get(3, "0.1.96.8.0.255") == COMMISSIONED_HOURS
    bench.time.forward(1)
    assert reader.get(3, "0.1.96.8.0.255") == COMMISSIONED_HOURS + 1


def test_a_register_wraps_at_32_bits_like_the_field_it_travels_in(lab: Callable[..., Lab]) -> None:
    bench = lab(installation={"kind": "constant", "active_w": (90_000, 90_000, 90_000)})
    bench.time.forward(16_000 * HOUR)
    expected = 270_000 * (16_000 + COMMISSIONED_HOURS)
    assert expected > 2**32
    assert bench.reader().get(3, "1.1.1.8.0.255") == expected % 2**32


@pytest.mark.parametrize("client", [(16, 1, None), (19, 16, b"12345"), (20, 16, b"12345")])
def test_identification_is_that_of_the_nameplate(bench: Lab, client: tuple[Any, ...]) -> None:
    reader = bench.reader(*client)
    assert reader.get(1, "1.1.96.1.0.255") == 12345678
    assert reader.get(1, "1.1.0.0.1.255") == 12345678
    assert reader.get(1, "1.1.0.0.0.255") == b"45678"
    assert reader.get(1, "1.1.96.1.1.255") == bench.meter.profile.identity.type_number
    assert reader.get(1, "1.1.0.2.0.255") == bench.meter.profile.identity.software_number
