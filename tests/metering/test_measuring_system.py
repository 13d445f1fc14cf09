"""Connections, starting current and Aron: what the elements of a meter see of what flows."""

from __future__ import annotations

from cmath import phase, rect
from math import pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering import Energy, Meter, MeterConfiguration
from metering.inputs import SetLoad, SetMagnet
from metering.installation import ConstantInstallation, HouseholdInstallation, Load
from metering.measuring_system import MeasuringSystem
from tests.metering.builders import START, WH, configuration, meter_on

PREMISES = ConstantInstallation((1_000_000, 2_000_000, 4_000_000), (100_000, 200_000, 400_000))


def load(active: tuple[int, ...], reactive: tuple[int, ...] = (0, 0, 0), volts: int = 230) -> Load:
    def column(values: tuple[int, ...]) -> np.ndarray:
        return np.array(values, dtype=np.int64)[:, None]

    return Load(column(active), column(reactive), column((volts * 1000,) * 3))


def measured(of: Load, **order: object) -> Load:
    return MeasuringSystem(configuration(**order)).measured(of, None)


@pytest.mark.parametrize(
    ("connection", "active"),
    [("1-phase", (1, 0, 0)), ("2-phase", (1, 2, 0)), ("3-phase", (1, 2, 4))],
)
def test_a_phase_that_is_not_fitted_is_zero(connection: str, active: tuple[int, int, int]) -> None:
    meter = meter_on(PREMISES, connection=connection)
    seen = meter.instantaneous(START)
    assert seen.active_mw == tuple(1_000_000 * share for share in active)
    assert [bool(voltage) for voltage in seen.voltage_mv] == [bool(share) for share in active]
    assert meter.energy(Energy.A14, START + 3_600) == sum(active) * 1000 * WH


@pytest.mark.parametrize(
    ("order", "starts_ma"),
    [
        ({}, 10),  # 382M: 2.3 W
        ({"starting_current_ma": None}, 20),
        ({"starting_current_ma": None, "accuracy_class": "A"}, 25),
        ({"starting_current_ma": None, "accuracy_class": "1", "basic_current_ma": 10_000}, 40),
        ({"starting_current_ma": None, "accuracy_class": "2", "basic_current_ma": 10_000}, 50),
        ({"starting_current_ma": 0}, 0),
    ],
)
def test_nothing_is_counted_below_the_starting_current(order: dict[str, object], starts_ma: int) -> None:
    assert configuration(**order).starts_at_ma == starts_ma
    least = starts_ma * 230
    below, at = measured(load((least - 1, -least + 1, 0)), **order), measured(load((least, -least, 0)), **order)
    assert below.active_mw[:, 0].tolist() == ([0, 0, 0] if starts_ma else [-1, 1, 0])
    assert at.active_mw[:, 0].tolist() == [least, -least, 0]


def test_the_starting_current_is_that_of_the_apparent_power() -> None:
    of = load((1_700, 0, 0), (1_700, 2_299, 0))
    assert measured(of).active_mw[:, 0].tolist() == [1_700, 0, 0]
    assert measured(of).reactive_mvar[:, 0].tolist() == [1_700, 0, 0]


def test_a_standby_load_below_the_start_never_becomes_energy() -> None:
    meter = meter_on(ConstantInstallation((2_000, 2_000, 2_000)))
    assert meter.energy(Energy.A14, START + 90 * 86_400) == 0
    meter.apply(SetLoad((2_400, 0, 0)), START + 90 * 86_400)
    assert meter.energy(Energy.A14, START + 90 * 86_400 + 3_600) == 2_400 * 3_600


powers = st.integers(-20_000_000, 20_000_000)
volts = st.integers(207_000, 253_000)


@given(st.tuples(powers, powers, powers), st.tuples(powers, powers, powers), st.tuples(volts, volts, volts))
def test_two_elements_measure_all_that_three_wires_carry(
    active: tuple[int, int, int], reactive: tuple[int, int, int], voltage: tuple[int, int, int]
) -> None:
    of = Load(*(np.array(values, dtype=np.int64)[:, None] for values in (active, reactive, voltage)))
    seen = measured(of, connection="aron", starting_current_ma=0)
    assert int(seen.active_mw.sum()) == sum(active)
    assert int(seen.reactive_mvar.sum()) == sum(reactive)
    assert (seen.active_mw[1, 0], seen.reactive_mvar[1, 0], seen.voltage_mv[1, 0]) == (0, 0, 0)


@given(st.tuples(powers, powers, powers), st.tuples(powers, powers, powers))
def test_the_elements_are_the_products_of_their_phasors(
    active: tuple[int, int, int], reactive: tuple[int, int, int]
) -> None:
    u12, u23, u31 = (rect(230, -2 * pi / 3 * line) for line in range(3))
    i12, i23, i31 = ((complex(p, q) / u).conjugate() for p, q, u in zip(active, reactive, (u12, u23, u31), strict=True))
    s1, s3 = u12 * (i12 - i31).conjugate(), -u23 * (i31 - i23).conjugate()
    seen = measured(load(active, reactive), connection="aron", starting_current_ma=0)
    got1 = complex(seen.active_mw[0, 0], seen.reactive_mvar[0, 0])
    got3 = complex(seen.active_mw[2, 0], seen.reactive_mvar[2, 0])
    assert abs(got1 - s1) < 100
    assert abs(got3 - s3) < 100


def test_with_a_balanced_resistive_load_the_elements_are_thirty_degrees_apart_from_it() -> None:
    seen = measured(load((1_000_000,) * 3), connection="aron")
    angles = [phase(complex(seen.active_mw[e, 0], seen.reactive_mvar[e, 0])) * 180 / pi for e in (0, 2)]
    assert angles == pytest.approx([30, -30], abs=1e-3)
    assert seen.active_mw[:, 0].tolist() == pytest.approx([1_500_000, 0, 1_500_000], abs=2)
    assert abs(complex(seen.active_mw[0, 0], seen.reactive_mvar[0, 0])) == pytest.approx(sqrt(3) * 1_000_000, abs=2)


def test_below_power_factor_one_half_one_element_runs_backwards() -> None:
    seen = measured(load((400_000,) * 3, (1_000_000,) * 3), connection="aron")
    assert seen.active_mw[0, 0] < 0 < seen.active_mw[2, 0]
    meter = meter_on(ConstantInstallation((400_000,) * 3, (1_000_000,) * 3), connection="aron")
    assert meter.energy(Energy.A14, START + 3_600) == 1_200 * WH
    assert meter.energy(Energy.A23, START + 3_600) == 0
    assert meter.energy(Energy.R1, START + 3_600) == 3_000 * WH


def test_an_aron_meter_counts_the_sum_only() -> None:
    with pytest.raises(ValueError, match=r"summation of an Aron meter is 'individual'; allowed: vector"):
        configuration(connection="aron", summation="individual")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"connection": "4-phase"}, "connection is '4-phase'; allowed: 1-phase, 2-phase, 3-phase, aron"),
        ({"accuracy_class": "C"}, "accuracy_class is 'C'; allowed: A, B, 1, 2"),
        ({"basic_current_ma": 5}, "basic_current_ma is 5; allowed: 1000..20000"),
        ({"starting_current_ma": 500}, "starting_current_ma is 500; allowed: 0..200, or None"),
        ({"meter_constant": 500}, "meter_constant is 500; allowed: 1000, 10000"),
        ({"pulse_length_ms": 50}, "pulse_length_ms is 50; allowed: 30, 80"),
    ],
)
def test_a_measuring_system_that_does_not_exist_is_refused(change: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told.replace("..", r"\.\.")):
        MeterConfiguration(serial_number=1, commissioned_at=START, **change)  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["1-phase", "2-phase", "3-phase", "aron"]),
    st.one_of(st.none(), st.integers(0, 99)),
    st.sampled_from(["A", "B", "1", "2"]),
    st.integers(0, 9),
    st.lists(st.integers(1, 200_000), min_size=1, max_size=6),
)
def test_every_measuring_system_is_the_same_in_one_step_and_in_many(
    connection: str, error_seed: int | None, accuracy_class: str, home: int, waits: list[int]
) -> None:
    order = configuration(connection=connection, error_seed=error_seed, accuracy_class=accuracy_class)
    premises = HouseholdInstallation(seed=home, pv_peak_w=5_000)
    once, often = Meter(order, premises), Meter(order, premises)
    now = START
    for wait in waits:
        now += wait
        often.advance(now)
    once.advance(now)
    assert once.snapshot() == often.snapshot()


def test_a_magnet_changes_no_result() -> None:
    home = HouseholdInstallation(seed=2)
    plain, attracted = meter_on(home, error_seed=1), meter_on(home, error_seed=1)
    attracted.apply(SetMagnet(True), START + 100)
    now = START + 50_000
    assert [plain.energy(channel, now) for channel in Energy] == [attracted.energy(channel, now) for channel in Energy]
    assert plain.instantaneous(now) == attracted.instantaneous(now)
