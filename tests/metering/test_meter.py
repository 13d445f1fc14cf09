"""The meter as a whole: what it counts, what it shows between boundaries, and what it refuses."""

from __future__ import annotations

import pytest

from metering import Energy, Flow, Maximum, Meter, Peak
from metering.inputs import (
    ReleaseLoad,
    ResetTripCounter,
    SetDaylightSaving,
    SetLoad,
    SetPowerThreshold,
    SetPulseInput,
    SetTariff,
)
from metering.installation import ConstantInstallation, HouseholdInstallation, LiveInstallation
from metering.state import MeterState
from tests.metering.builders import ONE_KILOWATT, START, WH, configuration, meter_on, normal, true

QUADRANTS = [
    (10_000, 5_000, Flow.A14, Energy.R1),
    (-10_000, 5_000, Flow.A23, Energy.R2),
    (-10_000, -5_000, Flow.A23, Energy.R3),
    (10_000, -5_000, Flow.A14, Energy.R4),
]


def test_one_kilowatt_for_one_hour_is_one_kilowatt_hour() -> None:
    meter = meter_on()
    meter.advance(START + 3600)
    assert meter.energy(Energy.A14, START + 3600) == 1000 * WH
    assert meter.energy(Energy.A14_L1, START + 3600) == 1000 * WH
    assert meter.energy(Energy.A23, START + 3600) == 0


@pytest.mark.parametrize(("active", "reactive", "flow", "quadrant"), QUADRANTS)
def test_each_quadrant_has_its_own_registers(active: int, reactive: int, flow: Flow, quadrant: Energy) -> None:
    meter = meter_on(ConstantInstallation((active, 0, 0), (reactive, 0, 0)))
    now = START + 3600
    meter.advance(now)
    counted = {channel for channel in Energy if meter.energy(channel, now)}
    phase = Energy.A14_L1 if flow is Flow.A14 else Energy.A23_L1
    apparent = Energy.E14 if flow is Flow.A14 else Energy.E23
    assert counted == {Energy(flow), quadrant, phase, apparent}
    assert meter.energy(quadrant, now) == 5_000 * 3600


def test_vector_summation_lets_phases_cancel_and_individual_summation_does_not() -> None:
    unbalanced = ConstantInstallation((3_000_000, -1_000_000, 0))
    vector, individual = meter_on(unbalanced), meter_on(unbalanced, summation="individual")
    now = START + 3600
    assert [vector.energy(c, now) // WH for c in (Energy.A14, Energy.A23)] == [2000, 0]
    assert [individual.energy(c, now) // WH for c in (Energy.A14, Energy.A23)] == [3000, 1000]
    for meter in (vector, individual):
        assert [meter.energy(c, now) // WH for c in (Energy.A14_L1, Energy.A23_L2)] == [3000, 1000]


def test_with_individual_summation_every_phase_has_its_own_quadrant() -> None:
    meter = meter_on(ConstantInstallation((10_000, -10_000, 10_000), (10, 20, -40)), summation="individual")
    now = START + 100
    assert [meter.energy(c, now) for c in (Energy.R1, Energy.R2, Energy.R3, Energy.R4)] == [1000, 2000, 0, 4000]


def test_a_reading_between_boundaries_extrapolates_and_leaves_the_state_alone() -> None:
    meter = meter_on()
    meter.energy(Energy.A14, START)
    before = meter.snapshot()
    assert meter.energy(Energy.A14, START + 1234) == 1_000_000 * 1234
    assert meter.tariff_energy(Flow.A14, 1, START + 1234) == 1_000_000 * 1234
    assert meter.running_demand(START + 450)[Flow.P14] == 500_000
    assert meter.operating_s(START + 17) == 17
    assert meter.snapshot() == before


def test_second_by_second_every_reading_is_that_of_a_meter_asked_only_once() -> None:
    home, order = HouseholdInstallation(), configuration()
    energy, tariff, instant = (Meter(order, home) for _ in range(3))
    for now in range(START + 850, START + 1_050):
        once = Meter(order, home)
        once.advance(now)
        assert energy.energy(Energy.A14, now) == once.energy(Energy.A14, now) > 0
        assert tariff.tariff_energy(Flow.A14, 1, now) == once.tariff_energy(Flow.A14, 1, now)
        assert instant.instantaneous(now) == once.instantaneous(now)


def test_a_reading_past_a_boundary_settles_what_it_needs() -> None:
    meter = meter_on()
    assert meter.demand(START + 900).averages == [1_000_000, 0, 0, 0, 1_000_000, 0]
    assert meter.time == START + 900
    assert meter.next_boundary(START + 900) == START + 1800


def test_advancing_twice_to_the_same_instant_changes_nothing() -> None:
    meter = meter_on()
    meter.advance(START + 5000)
    before = meter.snapshot()
    meter.advance(START + 5000)
    assert meter.snapshot() == before


def test_time_does_not_go_back() -> None:
    meter = meter_on()
    meter.advance(START + 10)
    for ask in (meter.advance, meter.instantaneous, meter.load_profile, meter.demand):
        with pytest.raises(ValueError, match="time does not go back"):
            ask(START + 9)
    with pytest.raises(ValueError, match="time does not go back"):
        meter.energy(Energy.A14, START + 9)


def test_instantaneous_values_are_those_of_the_load() -> None:
    meter = meter_on(ConstantInstallation((300_000, -500_000, 0), (400_000, 0, 0), (230_000, 250_000, 0)))
    seen = meter.instantaneous(START + 5)
    assert seen.active_mw == (300_000, -500_000, 0)
    assert seen.current_ma == (500_000 * 1000 // 230_000, 2000, 0)
    assert (seen.p14_mw, seen.p23_mw, seen.q12_mvar, seen.q34_mvar) == (0, 200_000, 400_000, 0)


def test_a_live_installation_draws_what_it_was_told_until_told_otherwise() -> None:
    meter = meter_on(LiveInstallation())
    meter.apply(SetLoad((2_000_000, 0, 0)), START + 100)
    meter.apply(SetLoad((0, -500_000, 0)), START + 200)
    now = START + 300
    assert meter.energy(Energy.A14, now) == 2_000_000 * 100
    assert meter.energy(Energy.A23, now) == 500_000 * 100
    assert meter.instantaneous(now).p23_mw == 500_000


def test_a_load_that_is_released_gives_way_to_the_installation_again() -> None:
    meter = meter_on()
    meter.apply(SetLoad((0, 0, 0)), START)
    meter.apply(ReleaseLoad(), START + 100)
    assert meter.energy(Energy.A14, START + 101) == 1_000_000


def test_energy_goes_to_the_tariff_that_is_active() -> None:
    meter = meter_on()
    meter.apply(SetTariff(3), START + 1000)
    meter.apply(SetTariff(1), START + 1500)
    now = START + 2000
    assert [meter.tariff_energy(Flow.A14, tariff, now) // 1_000_000 for tariff in (1, 2, 3)] == [1500, 0, 500]
    assert meter.tariff(now) == 1


def test_a_tariff_the_meter_has_not_is_refused_and_changes_nothing() -> None:
    meter = meter_on(tariffs=2)
    meter.advance(START + 10)
    before = meter.snapshot()
    with pytest.raises(ValueError, match=r"allowed: 1\.\.2"):
        meter.apply(SetTariff(3), START + 10)
    assert meter.snapshot() == before


def test_averages_are_over_the_last_finished_period_and_the_running_demand_over_the_nominal_length() -> None:
    meter = meter_on(LiveInstallation())
    meter.apply(SetLoad((900_000, 0, 0), voltage_mv=(230_000, 220_000, 210_000)), START)
    meter.apply(SetLoad((0, 0, 0), voltage_mv=(230_000, 230_000, 230_000)), START + 300)
    assert meter.running_demand(START + 600)[Flow.P14] == 300_000
    demand = meter.demand(START + 900)
    assert demand.averages == [300_000, 0, 0, 0, 300_000, 0]
    assert demand.means[:3] == [230_000, (220 * 300 + 230 * 600) * 1000 // 900, (210 * 300 + 230 * 600) * 1000 // 900]
    assert demand.means[3:6] == [900_000_000 // 230_000 * 300 // 900, 0, 0]


def test_the_earlier_of_equal_peaks_is_kept_with_its_time() -> None:
    meter = meter_on()
    demand = meter.demand(START + 86_400)
    assert demand.maxima[Maximum.P14] == Peak(1_000_000, normal(2024, 1, 15, 12, 15))
    assert demand.maxima[Maximum.P14_T1] == demand.maxima[Maximum.P14]
    assert demand.maxima[Maximum.P14_T2] == Peak(0, None)


def test_a_period_belongs_to_the_tariff_active_when_it_ends() -> None:
    meter = meter_on()
    meter.apply(SetTariff(2), START + 899)
    meter.apply(SetTariff(5), START + 900)
    meter.apply(SetTariff(1), START + 1801)
    demand = meter.demand(START + 2000)
    assert demand.maxima[Maximum.P14_T2] == Peak(1_000_000, normal(2024, 1, 15, 12, 15))
    assert demand.maxima[Maximum.P14_T1] == Peak()


def test_the_power_threshold_counts_periods_above_it() -> None:
    meter = meter_on()
    meter.apply(SetPowerThreshold(1000), START)
    assert meter.demand(START + 9000).threshold_counts[0] == 0
    meter.apply(SetPowerThreshold(999), START + 9000)
    assert meter.demand(START + 18_000).threshold_counts[0] == 10


def test_the_trip_counters_start_again_from_zero() -> None:
    meter = meter_on()
    meter.apply(ResetTripCounter(), START + 100)
    assert meter.trip_counter(Flow.A14, START + 107) == 7_000_000
    assert meter.energy(Energy.A14, START + 107) == 107_000_000


def test_a_day_leaves_its_lowest_and_highest_whole_period() -> None:
    meter = meter_on(LiveInstallation(), commissioned_at=START + 60)
    meter.apply(SetLoad((500_000, 0, 0)), START + 900)
    meter.apply(SetLoad((100_000, 0, 0)), START + 1800)
    meter.apply(SetLoad((200_000, 0, 0)), START + 2700)
    demand = meter.demand(true(2024, 1, 15, 23, 59))
    assert demand.day.minimum == Peak(100_000, normal(2024, 1, 15, 12, 45))
    assert demand.day.maximum == Peak(500_000, normal(2024, 1, 15, 12, 30))
    day = demand.day
    demand = meter.demand(true(2024, 1, 16))
    assert demand.last_day == day
    assert demand.day.minimum == demand.day.maximum == Peak()
    assert meter.demand(true(2024, 1, 20, 1)).last_day.minimum == Peak(200_000, normal(2024, 1, 19, 0, 15))


def test_only_the_first_period_of_a_meter_is_a_short_one() -> None:
    meter = meter_on(commissioned_at=true(2024, 1, 15, 23, 50))
    demand = meter.demand(true(2024, 1, 16, 0, 15))
    assert demand.last_day.minimum == Peak()
    assert demand.last_day.maximum == Peak(1_000_000 * 600 // 900, normal(2024, 1, 16))
    assert demand.day.minimum == Peak(1_000_000, normal(2024, 1, 16, 0, 15))


def test_the_clock_shows_daylight_saving_time_and_normal_time_without() -> None:
    meter = meter_on(ConstantInstallation((0, 0, 0)))
    july = true(2024, 7, 1, 12)
    assert meter.local_time(july)[:6] == (2024, 7, 1, 1, 13, 0)
    assert meter.local_stamp(normal(2024, 7, 1, 12)).dst
    meter.apply(SetDaylightSaving(False), july)
    assert meter.local_time(july)[:6] == (2024, 7, 1, 1, 12, 0)


def test_the_pulse_input_counter_can_be_preset() -> None:
    meter = meter_on()
    meter.apply(SetPulseInput(4711), START)
    assert meter.pulse_input == 4711


def test_a_restored_meter_is_the_same_meter() -> None:
    meter = meter_on()
    meter.apply(SetLoad((1, 2, 3)), START + 10_000)
    meter.advance(START + 100_000)
    other = Meter.restore(configuration(), ONE_KILOWATT, meter.snapshot())
    assert other.snapshot() == meter.snapshot()
    for each in (meter, other):
        each.apply(ReleaseLoad(), START + 5_000_000)
        each.advance(START + 9_000_000)
    assert other.snapshot() == meter.snapshot()


def test_a_snapshot_holds_every_field_of_the_state() -> None:
    state = MeterState(configuration())
    plain, columns = state.to_plain()
    assert (set(plain) - {"parts"}) | set(state._parts) | {"configuration", "tariff"} == set(vars(state))
    assert set(columns) == {"stamps", "status", "quality", "energies"}


def test_a_snapshot_of_something_else_is_refused() -> None:
    snapshot = meter_on().snapshot()
    with pytest.raises(ValueError, match="of another configuration"):
        Meter.restore(configuration(billing_day=2), ONE_KILOWATT, snapshot)
    with pytest.raises(ValueError, match="of another installation"):
        Meter.restore(configuration(), ConstantInstallation((1, 0, 0)), snapshot)
    for damaged in (b"", b"nonsense", snapshot[:40], snapshot[:4] + b"\xff" + snapshot[5:]):
        with pytest.raises(ValueError, match="snapshot"):
            Meter.restore(configuration(), ONE_KILOWATT, damaged)
