"""Registers beside the four flows: apparent energy, net, means of phases, factors and angles, the pulse input."""

from __future__ import annotations

from math import isqrt

import pytest

from metering import Energy, Flow, Mean
from metering.inputs import AddPulses, SetLoad, SetPulseInput
from metering.installation import ConstantInstallation
from metering.quantities import power_factor
from tests.metering.builders import START, meter_on

HOUR = START + 3_600
BOTH_WAYS = ConstantInstallation((3_000_000, -1_000_000, 0), (4_000_000, 0, -500_000))


def test_apparent_energy_is_of_the_sum_of_the_phases_with_vector_summation() -> None:
    meter = meter_on(BOTH_WAYS)
    assert meter.energy(Energy.E14, HOUR) == isqrt(2_000_000**2 + 3_500_000**2) * 3_600
    assert meter.energy(Energy.E23, HOUR) == 0


def test_apparent_energy_is_the_sum_of_each_phase_with_individual_summation() -> None:
    meter = meter_on(BOTH_WAYS, summation="individual")
    assert meter.energy(Energy.E14, HOUR) == (5_000_000 + 500_000) * 3_600
    assert meter.energy(Energy.E23, HOUR) == 1_000_000 * 3_600


def test_net_and_gross_are_difference_and_sum_of_both_directions() -> None:
    meter = meter_on(BOTH_WAYS, summation="individual")
    assert meter.net_energy(HOUR) == 2_000_000 * 3_600
    assert meter.gross_energy(HOUR) == 4_000_000 * 3_600
    meter.apply(SetLoad((-9_000_000, 0, 0)), HOUR)
    assert meter.net_energy(HOUR + 3_600) == -7_000_000 * 3_600


def test_reactive_quadrants_sum_to_both_directions() -> None:
    meter = meter_on(BOTH_WAYS, summation="individual")
    quadrants = [meter.energy(channel, HOUR) for channel in (Energy.R1, Energy.R2, Energy.R3, Energy.R4)]
    assert quadrants[0] + quadrants[1] == meter.flow_energy(Flow.R12, HOUR)
    assert quadrants[2] + quadrants[3] == meter.flow_energy(Flow.R34, HOUR)


def test_means_of_each_phase_are_those_of_the_last_period() -> None:
    meter = meter_on(BOTH_WAYS)
    meter.apply(SetLoad((1_000_000, 0, 0)), START + 1_800 + 450)
    means = meter.demand(START + 2_700).means
    assert means[Mean.P14_L1] == 2_000_000
    assert means[Mean.P23_L2] == 500_000
    assert means[Mean.Q12_L1] == 2_000_000
    assert means[Mean.Q34_L3] == 250_000
    assert means[Mean.S14_L1] == 3_000_000
    assert means[Mean.S23_L2] == 500_000
    assert means[Mean.U_L1 : Mean.I_L1] == [230_000] * 3
    assert power_factor(means[Mean.P14_L1], means[Mean.S14_L1]) == 666


@pytest.mark.parametrize(
    ("active", "reactive", "angle", "factor"),
    [(1, 0, 0, 1000), (1, 1, 45, 707), (0, 1, 90, 0), (-1, 1, 135, 707), (-1, 0, 180, 1000), (1, -1, 315, 707)],
)
def test_angle_and_power_factor_follow_the_quadrant(active: int, reactive: int, angle: int, factor: int) -> None:
    kilo = 1_000_000
    seen = meter_on(ConstantInstallation((active * kilo, 0, 0), (reactive * kilo, 0, 0))).instantaneous(START)
    assert (seen.angles_deg[0], seen.angles_deg[3]) == (angle, angle)
    assert (seen.power_factors[0], seen.power_factors[3]) == (factor, factor)
    assert seen.power_factors[1] == 1000
    assert seen.phases_mva[0] == seen.s14_mva + seen.s23_mva


def test_the_frequency_is_that_of_the_network() -> None:
    meter = meter_on(ConstantInstallation((0, 0, 0), frequency_millihz=49_987))
    assert meter.frequency_millihz(HOUR) == 49_987


def test_pulses_count_in_units_and_nothing_is_lost_between() -> None:
    meter = meter_on(pulse_input_constant_milli=2_500)  # 2.5 pulses per unit
    for count in (1, 1, 1, 2):
        meter.apply(AddPulses(count), START)
    assert meter.pulse_input == 2
    meter.apply(AddPulses(3), START)
    assert meter.pulse_input == 3
    meter.apply(SetPulseInput(100), START)
    meter.apply(AddPulses(2), START)
    assert meter.pulse_input == 100
    assert meter_on(pulse_input_constant_milli=250).configuration.pulse_input_constant_milli == 250
    with pytest.raises(ValueError, match=r"pulse_input_constant_milli is 249; allowed: 250..1000000"):
        meter_on(pulse_input_constant_milli=249)


def test_what_is_too_short_for_the_input_is_a_bounce() -> None:
    normal, quick = meter_on(), meter_on(pulse_input_speed="quick")
    for meter in (normal, quick):
        meter.apply(AddPulses(1, length_ms=1_001, pause_ms=1_001), START)
        meter.apply(AddPulses(10, length_ms=31, pause_ms=32), START)
        meter.apply(AddPulses(100, length_ms=29, pause_ms=500), START)
    assert (normal.pulse_input, quick.pulse_input) == (1, 11)
