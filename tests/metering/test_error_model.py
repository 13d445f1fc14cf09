"""Measuring errors: inside the limits of the class, composed of their influences, each meter's own, reproducible.

`mpe.csv` holds the limits: error at reference conditions by current in multiples of the transition current (Ib / 10)
and power factor (negative: capacitive), its change by voltage and frequency, and the composite error by temperature.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from metering import Energy, Meter
from metering.error_model import Conditions, ErrorModel, ErrorParts
from metering.installation import Ambient, ConstantInstallation, HouseholdInstallation, Load
from tests.metering.builders import START, configuration, meter_on

LIMITS = list(csv.DictReader((Path(__file__).parent / "mpe.csv").read_text().splitlines()))
METERS = range(40)
MAXIMUM_A, TRANSITION_A = 85.0, 0.5


def parts(
    seed: int,
    accuracy_class: str,
    currents_a: np.ndarray,
    power_factor: float = 1,
    voltage: float = 1,
    frequency: float = 1,
    degrees: float = 23,
) -> ErrorParts:
    """The errors of one meter along a curve of currents."""
    model = ErrorModel(configuration(error_seed=seed, accuracy_class=accuracy_class))
    at = Conditions(
        round(power_factor * 1000), round(voltage * 230_000), round(frequency * 50_000), round(degrees * 1000)
    )
    return model.curve((currents_a * 1000).astype(np.int64), at)


def rows(quantity: str) -> list[dict[str, str]]:
    return [row for row in LIMITS if row["quantity"] == quantity]


@pytest.mark.parametrize("row", rows("load"), ids=lambda row: "-".join(list(row.values())[:5]))
def test_at_reference_conditions_the_error_is_within_the_limits(row: dict[str, str]) -> None:
    high = MAXIMUM_A if row["high"] == "max" else float(row["high"]) * TRANSITION_A
    currents = np.geomspace(float(row["low"]) * TRANSITION_A, high, 60)
    for seed in METERS:
        errors = parts(seed, row["class"], currents, float(row["power_factor"])).total()
        assert np.abs(errors).max() <= float(row["limit_percent"]) * 10_000


@pytest.mark.parametrize("row", rows("voltage") + rows("frequency"), ids=lambda row: "-".join(list(row.values())[:2]))
def test_voltage_and_frequency_change_the_error_within_the_limits(row: dict[str, str]) -> None:
    currents = np.geomspace(TRANSITION_A, MAXIMUM_A, 20)
    for seed in METERS:
        for end in (float(row["low"]), float(row["high"])):
            one = parts(seed, row["class"], currents, **{row["quantity"]: end})
            change = getattr(one, row["quantity"])
            assert np.abs(change).max() <= float(row["limit_percent"]) * 10_000


@pytest.mark.parametrize("row", rows("temperature"), ids=lambda row: "-".join(list(row.values())[:5]))
def test_the_composite_error_is_within_the_limits_at_every_temperature(row: dict[str, str]) -> None:
    currents = np.geomspace(TRANSITION_A, MAXIMUM_A, 20)
    for seed in METERS:
        for degrees in np.linspace(float(row["low"]), float(row["high"]), 5):
            for voltage, frequency in ((0.9, 0.98), (1.1, 1.02)):
                one = parts(seed, row["class"], currents, voltage=voltage, frequency=frequency, degrees=float(degrees))
                assert one.composite().max() <= float(row["limit_percent"]) * 10_000
                assert np.abs(one.total()).max() <= float(row["limit_percent"]) * 10_000


def test_a_curve_bends_at_low_currents_and_differs_from_meter_to_meter() -> None:
    currents = np.geomspace(0.25, MAXIMUM_A, 50)
    curves = [parts(seed, "B", currents).load[0] for seed in METERS]
    assert len({tuple(curve.tolist()) for curve in curves}) == len(METERS)
    assert all(abs(curve[0] - curve[25]) > abs(curve[20] - curve[25]) for curve in curves)


def test_the_three_elements_of_a_meter_err_differently() -> None:
    errors = parts(1, "B", np.array([5.0])).total()[:, 0].tolist()
    assert len(set(errors)) == 3


def test_without_a_seed_a_meter_is_exact_and_with_one_it_is_off_by_its_curve() -> None:
    premises = ConstantInstallation((1_000_000, 2_000_000, 3_000_000))
    exact = meter_on(premises).energy(Energy.A14, START + 3_600)
    assert exact == 6_000_000 * 3_600
    ambient = premises.ambient(START, START + 1)
    model = ErrorModel(configuration(error_seed=7))
    expected = sum(model.disturbed(premises.load(START, START + 1), ambient).active_mw[:, 0].tolist())
    erring = meter_on(premises, error_seed=7).energy(Energy.A14, START + 3_600)
    assert erring == expected * 3_600 != exact
    assert abs(erring - exact) < exact // 100


def test_errors_come_out_the_same_whatever_the_steps_of_advancing() -> None:
    home = HouseholdInstallation(seed=3, pv_peak_w=4_000)
    order = configuration(error_seed=11, accuracy_class="A")
    once, often = Meter(order, home), Meter(order, home)
    once.advance(START + 100_000)
    for step in range(1, 101):
        often.advance(START + step * 1_000)
    assert once.snapshot() == often.snapshot()


def test_active_and_reactive_power_share_gain_but_not_angle() -> None:
    model = ErrorModel(configuration(error_seed=5))
    ambient = Ambient(np.array([50_000]), np.array([23_000]))
    power = np.full((3, 1), 10**9)
    load = Load(power, power, np.full((3, 1), 230_000))
    disturbed = model.disturbed(load, ambient)
    angle = disturbed.reactive_mvar - disturbed.active_mw
    assert (angle != 0).any()
    assert (np.abs(angle) <= 2 * 10**9 // 1_000).all()
