"""Energy types: what a meter is not approved for it does not count, and its load profile has no column of."""

from __future__ import annotations

import pytest

from metering import Energy, EnergyType, Flow
from metering.installation import ConstantInstallation

from .builders import START, WH, meter_on

IMPORTING, EXPORTING = 4_000_000, -4_000_000
INDUCTIVE, CAPACITIVE = 1_000_000, -1_000_000
QUADRANTS = {
    1: (IMPORTING, INDUCTIVE),
    2: (EXPORTING, INDUCTIVE),
    3: (EXPORTING, CAPACITIVE),
    4: (IMPORTING, CAPACITIVE),
}

COUNTED = {
    "A+": {1: {"A14"}, 2: set(), 3: set(), 4: {"A14"}},
    "A+A-": {1: {"A14"}, 2: {"A23"}, 3: {"A23"}, 4: {"A14"}},
    "A+R+": {1: {"A14", "R12"}, 2: {"R12"}, 3: set(), 4: {"A14"}},
    "A+R1": {1: {"A14", "R12"}, 2: set(), 3: set(), 4: {"A14"}},
    "A+A-R+R-": {1: {"A14", "R12"}, 2: {"A23", "R12"}, 3: {"A23", "R34"}, 4: {"A14", "R34"}},
}
FLOWS = {"A14": Flow.A14, "A23": Flow.A23, "R12": Flow.R12, "R34": Flow.R34}


@pytest.mark.parametrize("summation", ["vector", "individual"])
@pytest.mark.parametrize("quadrant", QUADRANTS)
@pytest.mark.parametrize("kind", COUNTED)
def test_a_meter_counts_what_its_energy_type_says(kind: str, quadrant: int, summation: str) -> None:
    active, reactive = QUADRANTS[quadrant]
    installation = ConstantInstallation((active, 0, 0), (reactive, 0, 0))
    meter = meter_on(installation, energy_type=EnergyType(kind), summation=summation)
    hour = START + 3_600
    counted = {name for name, flow in FLOWS.items() if meter.flow_energy(flow, hour)}
    assert counted == COUNTED[kind][quadrant]
    assert {name for name, flow in FLOWS.items() if meter.tariff_energy(flow, 1, hour)} == counted
    if "A14" in counted:
        assert meter.energy(Energy.A14, hour) == 4_000 * WH


@pytest.mark.parametrize("kind", list(EnergyType))
def test_a_load_profile_has_the_columns_of_the_energy_type(kind: EnergyType) -> None:
    meter = meter_on(ConstantInstallation((IMPORTING, 0, 0), (INDUCTIVE, 0, 0)), energy_type=kind)
    profile = meter.load_profile(START + 3_600)
    assert profile.flows == kind.flows
    assert profile.energies[0].tolist() == [1_000, 2_000, 3_000, 4_000]
    if kind.value in ("A+R+", "A+R1"):
        assert profile.energies[1].tolist() == [250, 500, 750, 1_000]
