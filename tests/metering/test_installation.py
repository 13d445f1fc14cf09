"""Installations are pure functions of time: any stretch of a load is the same wherever its ends are."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.clock import seconds_of
from metering.installation import (
    ConstantInstallation,
    HouseholdInstallation,
    Installation,
    LiveInstallation,
    ReplayInstallation,
)
from metering.installation.arithmetic import CIRCLE, UNIT, hashed, sine
from metering.installation.sun import irradiance
from tests.metering.builders import START

HEADER = "timestamp,p1_w,p2_w,p3_w,q1_var,q2_var,q3_var"
FOUR_QUARTERS = [
    HEADER,
    "2024-01-15T12:00:00+01:00,100,200,300,10,20,30",
    "2024-01-15T11:15:00Z,1.5,0,0,0,0,0",
    "2024-01-15T11:30:00,-1000,0,0,0,-5,0",
    "2024-01-15T11:45:00Z,4,0,0,0,0,0",
]
REPLAY = ReplayInstallation.parse(FOUR_QUARTERS, "day.csv")
FULL_HOME = HouseholdInstallation(pv_peak_w=6000, car_charger=True, heat_pump=True)
INSTALLATIONS = [
    ConstantInstallation((1, 2, 3), (4, 5, 6)),
    LiveInstallation(),
    HouseholdInstallation(),
    HouseholdInstallation(seed=7, grid_s=900),
    FULL_HOME,
    REPLAY,
    ReplayInstallation.parse(FOUR_QUARTERS, "day.csv", repeat=True),
]

YEAR_2024 = (seconds_of(2024, 1, 1), seconds_of(2025, 1, 1))


@pytest.mark.parametrize("installation", INSTALLATIONS, ids=lambda one: str(one.identity()["kind"]))
@given(start=st.integers(0, 90 * 86_400), cuts=st.lists(st.integers(1, 5000), min_size=1, max_size=5))
def test_a_load_in_pieces_is_the_load_in_one(installation: Installation, start: int, cuts: list[int]) -> None:
    start += seconds_of(2024, 2, 1)
    ends = np.cumsum([start, *cuts]).tolist()
    whole = installation.load(start, ends[-1])
    grid = installation.grid_s
    for low, high in pairwise(ends):
        part = installation.load(low, high)
        begin = low // grid - start // grid
        steps = -(-high // grid) - low // grid
        for of_whole, of_part in (
            (whole.active_mw, part.active_mw),
            (whole.reactive_mvar, part.reactive_mvar),
            (whole.voltage_mv, part.voltage_mv),
        ):
            assert of_part.shape == (3, steps)
            assert of_part.dtype == np.int64
            assert np.array_equal(of_part, of_whole[:, begin : begin + steps])


@pytest.mark.parametrize("seed", [1, 2, 99, 2**64 - 1])
@pytest.mark.parametrize("grid_s", [60, 900])
def test_a_danish_home_uses_about_4000_kwh_a_year(seed: int, grid_s: int) -> None:
    load = HouseholdInstallation(seed=seed, grid_s=grid_s).load(*YEAR_2024)
    kwh = int(load.active_mw.sum()) * grid_s / 3.6e9
    assert 3_700 < kwh < 4_300
    assert load.active_mw.min() >= 0
    assert load.active_mw.sum(axis=0).max() < 12_000_000


def test_a_home_has_evenings_and_winters() -> None:
    home = HouseholdInstallation()
    power = home.load(*YEAR_2024).active_mw.sum(axis=0)
    by_day = power.reshape(366, 1440)
    night, evening = by_day[:, 60:240].mean(), by_day[:, 16 * 60 : 20 * 60].mean()
    assert evening > 3 * night
    assert by_day[:31].mean() > 1.2 * by_day[182:213].mean()


def test_another_seed_is_another_home() -> None:
    one, other = (HouseholdInstallation(seed=seed).load(START, START + 86_400) for seed in (1, 2))
    assert not np.array_equal(one.active_mw, other.active_mw)


def test_the_same_seed_is_the_same_home_on_every_machine() -> None:
    assert hashed(1, 2, np.arange(2, dtype=np.int64)).tolist() == HASHES
    load = FULL_HOME.load(seconds_of(2024, 6, 21, 10), seconds_of(2024, 6, 21, 10, 1))
    assert [load.active_mw[:, 0].tolist(), load.reactive_mvar[:, 0].tolist(), load.voltage_mv[:, 0].tolist()] == MINUTE


def test_photovoltaics_feed_in_by_day_and_never_by_night() -> None:
    with_sun, without = HouseholdInstallation(pv_peak_w=6000), HouseholdInstallation()
    fed = (without.load(*YEAR_2024).active_mw - with_sun.load(*YEAR_2024).active_mw).sum(axis=0).reshape(366, 1440)
    assert fed.min() == 0
    assert not fed[:, : 2 * 60].any()
    assert not fed[:, 22 * 60 :].any()
    assert 5_000 < fed.sum() * 60 / 3.6e9 < 6_600
    assert fed[172].sum() > fed[355].sum() > 0
    assert fed.max() < 6_000_000


def test_the_sun_is_highest_at_midsummer_noon_and_turns_with_the_hemisphere() -> None:
    north, south = irradiance(5_600), irradiance(-3_400)
    assert abs(int(north[172].argmax()) - 144) <= 3
    assert north[172].sum() > 2 * north[355].sum()
    assert south[355].sum() > south[172].sum()


def test_the_integer_sine_is_within_two_thousandths() -> None:
    angles = np.arange(-CIRCLE, 2 * CIRCLE, 7, dtype=np.int64)
    assert np.abs(sine(angles) - np.sin(angles * (2 * np.pi / CIRCLE)) * UNIT).max() < 0.002 * UNIT


def test_the_voltage_falls_when_power_is_drawn() -> None:
    calm = HouseholdInstallation().load(*YEAR_2024)
    drawing = HouseholdInstallation(annual_kwh=40_000).load(*YEAR_2024)
    assert np.all(drawing.voltage_mv <= calm.voltage_mv)
    assert 207_000 < calm.voltage_mv.min() < calm.voltage_mv.max() < 253_000


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"grid_s": 300}, "grid_s is 300; allowed: 60, 900"),
        ({"annual_kwh": 1}, "annual_kwh is 1; allowed: 500..50000"),
        ({"pv_peak_w": -1}, "pv_peak_w is -1"),
        ({"latitude_deg": 61}, "latitude_deg is 61"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_a_home_that_cannot_be_is_refused(parameters: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        HouseholdInstallation(**parameters)  # type: ignore[arg-type]


# --- replay ---------------------------------------------------------------------------------------


def test_a_replay_holds_each_row_until_the_next() -> None:
    load = REPLAY.load(START, START + 3600)
    assert REPLAY.grid_s == 900
    assert load.active_mw.tolist() == [[100_000, 1_500, -1_000_000, 4_000], [200_000, 0, 0, 0], [300_000, 0, 0, 0]]
    assert load.reactive_mvar[:, 2].tolist() == [0, -5_000, 0]
    assert load.voltage_mv.tolist() == [[230_000] * 4] * 3


def test_before_its_first_and_after_its_last_row_a_replay_holds_them() -> None:
    assert REPLAY.load(START - 900, START).active_mw[0].tolist() == [100_000]
    assert REPLAY.load(START + 86_400, START + 86_401).active_mw[0].tolist() == [4_000]


def test_a_repeated_replay_goes_round() -> None:
    installation = ReplayInstallation.parse(FOUR_QUARTERS, "day.csv", repeat=True)
    load = installation.load(START - 900, START + 5400)
    assert (load.active_mw[0] // 500).tolist() == [8, 200, 3, -2000, 8, 200, 3]


def test_a_replay_may_say_voltages(tmp_path: Path) -> None:
    path = tmp_path / "volts.csv"
    path.write_text(f"{HEADER},u1_v,u2_v,u3_v\n2024-01-15T11:00Z,0,0,0,0,0,0,230.1,0,229.95\n\n", encoding="utf-8-sig")
    load = ReplayInstallation.read(path).load(START, START + 60)
    assert load.voltage_mv[:, 0].tolist() == [230_100, 0, 229_950]


def test_a_changed_file_is_another_installation_and_a_renamed_one_is_not() -> None:
    again = ReplayInstallation.parse(FOUR_QUARTERS, "renamed.csv")
    changed = ReplayInstallation.parse([*FOUR_QUARTERS[:-1], "2024-01-15T11:45:00Z,5,0,0,0,0,0"], "day.csv")
    assert again.identity() == REPLAY.identity()
    assert changed.identity() != REPLAY.identity()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "line 1: header is ''; allowed: 'timestamp,p1_w"),
        (["time,p1_w"], "line 1: header is 'time,p1_w'"),
        ([HEADER], "no rows; allowed: at least one"),
        ([HEADER, "2024-01-15T11:00Z,1,2"], "line 2: 3 columns; allowed: 7"),
        ([HEADER, "yesterday,0,0,0,0,0,0"], "line 2, column timestamp: 'yesterday'; allowed: ISO 8601"),
        ([HEADER, "2024-01-15T11:00:00.5Z,0,0,0,0,0,0"], "line 2, column timestamp: .*allowed: whole seconds"),
        ([*FOUR_QUARTERS, "2024-01-15T11:45Z,0,0,0,0,0,0"], "line 6, column timestamp: .*not after the row before"),
        (
            [*FOUR_QUARTERS, "2024-01-15T12:15Z,0,0,0,0,0,0"],
            "line 6, column timestamp: .*is 1800 s after.*allowed: 900",
        ),
        ([HEADER, "2024-01-15T11:00Z,0,0,many,0,0,0"], "line 2, column p3_w: 'many'; allowed: a number from"),
        ([HEADER, "2024-01-15T11:00Z,0,0,0,nan,0,0"], "line 2, column q1_var: 'nan'"),
        ([HEADER, "2024-01-15T11:00Z,0,0,0,0,1e9,0"], "line 2, column q2_var: '1e9'"),
        ([f"{HEADER},u1_v,u2_v,u3_v", "2024-01-15T11:00Z,0,0,0,0,0,0,1,-1,1"], "column u2_v: '-1'; allowed: .* 0 to"),
        ([HEADER, "2024-01-15T11:00:07Z,0,0,0,0,0,0"], "line 2, column timestamp: rows are 60 s apart"),
    ],
)
def test_an_error_in_a_file_names_its_place_and_what_is_allowed(lines: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=f"^day.csv.*{said}"):
        ReplayInstallation.parse(lines, "day.csv")


HASHES = [2409057337058696434, 4419778609674138412]
MINUTE = [[-278_596, -333_271, -169_246], [3_417, 0, -503], [233_312, 233_359, 233_217]]


@pytest.mark.parametrize("installation", INSTALLATIONS, ids=lambda one: str(one.identity()["kind"]))
def test_what_surrounds_a_meter_comes_in_the_steps_of_its_load(installation: Installation) -> None:
    start = seconds_of(2024, 2, 1) + 77
    whole, load = installation.ambient(start, start + 7_200), installation.load(start, start + 7_200)
    assert whole.frequency_millihz.shape == whole.temperature_millidegc.shape == load.active_mw.shape[1:]
    part = installation.ambient(start + 3_600, start + 7_200)
    assert np.array_equal(whole.frequency_millihz[-part.frequency_millihz.size :], part.frequency_millihz)


def test_a_meter_cupboard_is_cold_in_january_and_warm_in_july() -> None:
    home = HouseholdInstallation()
    winter = home.ambient(seconds_of(2024, 1, 15), seconds_of(2024, 1, 16)).temperature_millidegc
    summer = home.ambient(seconds_of(2024, 7, 15), seconds_of(2024, 7, 16)).temperature_millidegc
    assert 6_500 < winter.mean() < 7_500
    assert 22_500 < summer.mean() < 23_500


def test_a_replayed_file_may_say_frequency_and_temperature() -> None:
    lines = [f"{HEADER},u1_v,u2_v,u3_v,f_hz,t_degc", "2024-01-15T12:00:00Z,1,2,3,0,0,0,230,231,232,49.98,-7.5"]
    seen = ReplayInstallation.parse(lines, "cold.csv").ambient(START, START + 1)
    assert (seen.frequency_millihz.tolist(), seen.temperature_millidegc.tolist()) == ([49_980], [-7_500])
    usual = REPLAY.ambient(START, START + 1)
    assert (usual.frequency_millihz.tolist(), usual.temperature_millidegc.tolist()) == ([50_000], [23_000])
