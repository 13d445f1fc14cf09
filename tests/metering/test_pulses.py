"""LED, S0 output, pulse output 2 and the pulse input, pulse by pulse."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering import MWS_PER_WH, Energy, EnergyType
from metering.inputs import SetSupply
from metering.installation import ConstantInstallation, HouseholdInstallation
from metering.pulses import (
    REACTIVE_CHANNELS,
    US_PER_S,
    Edge,
    PulseInput,
    PulseInputSpeed,
    PulseOutput,
    active_channels,
    pulse_instants,
    pulse_output_2,
    pulses_due,
)
from tests.metering.builders import START, meter_on

T0 = 1_700_000_000


def square_wave(closed_ms: int, open_ms: int, count: int) -> list[Edge]:
    """The edges of `count` equal pulses, the first at 1 s."""
    period = closed_ms + open_ms
    return [
        Edge(1_000 + number * period + (0 if closes else closed_ms), closes)
        for number in range(count)
        for closes in (True, False)
    ]


def line(*pieces: tuple[int, int], base: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A broken straight line: pieces of (seconds, mW) from T0 on."""
    times, energies = [T0], [base]
    for seconds, power in pieces:
        times.append(times[-1] + seconds)
        energies.append(energies[-1] + power * seconds)
    return np.array(times, dtype=np.int64), np.array(energies, dtype=np.int64)


def test_at_one_kilowatt_a_pulse_comes_every_3_6_seconds() -> None:
    due = pulse_instants(*line((36, 1_000_000)), 1_000)
    assert due.tolist() == [T0 * US_PER_S + number * 3_600_000 for number in range(1, 11)]


def test_a_transformer_meter_gives_ten_times_the_pulses() -> None:
    assert pulse_instants(*line((36, 1_000_000)), 10_000).size == 100


def test_an_instant_is_exact_and_rounded_up_to_the_microsecond() -> None:
    due = pulse_instants(*line((10, 700_000)), 1_000)
    exact = Fraction(MWS_PER_WH, 700_000)  # 5.142857142… s
    assert due.tolist() == [T0 * US_PER_S + -int(-exact * US_PER_S // 1)]


def test_what_was_counted_before_is_not_pulsed_again() -> None:
    due = pulse_instants(*line((4, 1_000_000), base=MWS_PER_WH - 1_000_000), 1_000)
    assert due.tolist() == [(T0 + 1) * US_PER_S]


def test_a_pause_of_the_load_delays_the_pulse_and_loses_nothing() -> None:
    due = pulse_instants(*line((2, 1_000_000), (3_600, 0), (2, 1_000_000)), 1_000)
    assert due.tolist() == [(T0 + 3_602) * US_PER_S + 1_600_000]


pieces = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 60_000_000)), min_size=1, max_size=8)


@given(pieces, st.integers(0, 10**12), st.lists(st.integers(0, 3_000), max_size=5))
def test_pulses_of_any_stretches_are_those_of_the_whole(of: list[tuple[int, int]], base: int, cuts: list[int]) -> None:
    times, energies = line(*of, base=base)
    whole = pulse_instants(times, energies, 1_000)
    stop = int(times[-1])
    edges = sorted({T0, *(min(T0 + cut, stop) for cut in cuts), stop})
    parts = []
    for low, high in pairwise(edges):
        inside = [low, *(time for time in times.tolist() if low < time < high), high]
        at = np.array(inside, dtype=np.int64)
        index = np.minimum(np.searchsorted(times, at, side="right") - 1, times.size - 2)
        rates = np.diff(energies) // np.diff(times)
        parts.append(pulse_instants(at, energies[index] + rates[index] * (at - times[index]), 1_000))
    assert np.concatenate(parts).tolist() == whole.tolist()
    assert whole.size == energies[-1] // MWS_PER_WH - energies[0] // MWS_PER_WH


def test_both_directions_pulse_where_both_are_counted() -> None:
    assert active_channels(EnergyType.IMPORT) == (Energy.A14,)
    assert active_channels(EnergyType.FOUR_QUADRANT) == (Energy.A14, Energy.A23)


@pytest.mark.parametrize(
    ("constant", "length_ms", "deciamperes"),
    [  # data sheet 004, pulse values: imp/kWh and pulse length to the largest current
        (1, 30, 1_050),
        (10, 30, 1_050),
        (100, 30, 1_050),
        (1_000, 30, 860),
        (10_000, 30, 86),
        (1, 80, 1_050),
        (10, 80, 1_050),
        (100, 80, 1_050),
        (1_000, 80, 320),
        (10_000, 80, 32),
    ],
)
def test_the_load_an_output_can_follow_is_that_of_the_data_sheet(
    constant: int, length_ms: int, deciamperes: int
) -> None:
    exact = PulseOutput(length_ms, constant).largest_load_deciamperes
    assert deciamperes <= exact < deciamperes + (10 if deciamperes >= 300 else 1)


def test_an_output_follows_its_largest_load_and_falls_behind_above_it() -> None:
    output = PulseOutput(30)
    follows = pulse_instants(*line((60, 3 * 230 * 86_000)), 1_000)
    assert output.emit(follows).tolist() == follows.tolist()
    too_fast = pulse_instants(*line((60, 3 * 230 * 100_000)), 1_000)
    begins = PulseOutput(30).emit(too_fast)
    assert begins.size == too_fast.size
    assert np.diff(begins).min() == 60_000
    assert begins[-1] > too_fast[-1]


@given(pieces, st.integers(0, 60))
def test_an_output_emits_the_same_in_pieces(of: list[tuple[int, int]], cut: int) -> None:
    due = pulse_instants(*line(*of), 10_000)
    once, twice = PulseOutput(80), PulseOutput(80)
    whole = once.emit(due)
    parts = np.concatenate((twice.emit(due[:cut]), twice.emit(due[cut:])))
    assert parts.tolist() == whole.tolist()
    assert once == twice


def test_a_pulse_is_on_for_its_length_and_then_off() -> None:
    output = PulseOutput(30)
    begins = output.emit(pulse_instants(*line((8, 1_000_000)), 1_000))
    first = int(begins[0])
    assert [output.on(begins, first + ms * 1_000) for ms in (-1, 0, 29, 30)] == [False, True, True, False]


@pytest.mark.parametrize("lit_idle", [False, True])
def test_without_load_the_led_is_dark_or_lit_as_ordered(lit_idle: bool) -> None:
    output = PulseOutput(30)
    nothing = np.empty(0, dtype=np.int64)
    assert output.lit(nothing, T0 * US_PER_S, idle=True, lit_idle=lit_idle) is lit_idle
    assert output.lit(nothing, T0 * US_PER_S, idle=False, lit_idle=lit_idle) is False


def test_pulse_output_2_has_two_settings() -> None:
    assert (pulse_output_2(1_000).length_ms, pulse_output_2(1).length_ms) == (30, 60)
    with pytest.raises(ValueError, match="pulse output 2 has 10 imp/kWh; allowed: 1000, 1"):
        pulse_output_2(10)


@pytest.mark.parametrize(
    ("speed", "closed_ms", "open_ms", "counted"),
    [
        (PulseInputSpeed.QUICK, 30, 33, 5),  # 16 Hz
        (PulseInputSpeed.QUICK, 29, 200, 0),
        (PulseInputSpeed.QUICK, 100, 20, 1),  # never open for long enough: one long pulse
        (PulseInputSpeed.NORMAL, 1_001, 999, 5),  # 0.5 Hz
        (PulseInputSpeed.NORMAL, 1_000, 2_000, 0),
        (PulseInputSpeed.NORMAL, 30, 33, 0),
    ],
)
def test_only_pulses_of_the_documented_length_count(
    speed: PulseInputSpeed, closed_ms: int, open_ms: int, counted: int
) -> None:
    edges = square_wave(closed_ms, open_ms, 5)
    assert len(PulseInput(speed).pulses(edges, 60_000)) == counted


def test_a_bouncing_contact_is_one_pulse() -> None:
    bounces = [Edge(100 + ms, ms % 2 == 0) for ms in range(7)]  # closed for good at 106
    opens = [Edge(300, False), Edge(302, True), Edge(303, False)]
    assert PulseInput(PulseInputSpeed.QUICK).pulses([*bounces, *opens], 1_000) == [136]


@given(
    st.lists(st.tuples(st.integers(1, 90), st.booleans()), max_size=40),
    st.integers(0, 3_000),
)
def test_edges_in_two_calls_count_as_in_one(steps: list[tuple[int, bool]], cut: int) -> None:
    edges, at = [], 0
    for wait, closed in steps:
        at += wait
        edges.append(Edge(at, closed))
    whole, parts = PulseInput(PulseInputSpeed.QUICK), PulseInput(PulseInputSpeed.QUICK)
    before = [edge for edge in edges if edge.at_ms <= cut]
    counted = parts.pulses(before, cut) + parts.pulses(edges[len(before) :], 9_000)
    assert counted == whole.pulses(edges, 9_000)
    assert all(late - early >= 62 for early, late in pairwise(counted))


def test_a_meter_pulses_what_it_counts_whatever_happens_to_it() -> None:
    home = HouseholdInstallation(seed=4, pv_peak_w=6_000)
    channels = active_channels(EnergyType.FOUR_QUADRANT)
    once, often = meter_on(home, billing_day=16), meter_on(home, billing_day=16)
    cut, back, stop = START + 4_001, START + 9_000, START + 50_000
    cuts = (START, cut, back, stop)
    changes = (SetSupply((0, 0, 0)), SetSupply(), None)
    whole, parts = [], []
    for change, low, high in zip(changes, cuts[:-1], cuts[1:], strict=True):
        whole.append(pulses_due(once, low, high, channels))
        edges = [*range(low, high, 777), high]
        parts += [pulses_due(often, one, other, channels) for one, other in pairwise(edges)]
        if change is not None:
            once.apply(change, high)
            often.apply(change, high)
    due = np.concatenate(whole)
    assert np.concatenate(parts).tolist() == due.tolist()
    assert due.size == sum(once.energy(channel, stop) for channel in channels) // MWS_PER_WH > 100
    assert not ((due > (cut + 1) * US_PER_S) & (due <= back * US_PER_S)).any()
    assert once.snapshot() == often.snapshot()


def test_the_led_of_a_meter_that_imports_only_is_still_while_it_exports() -> None:
    meter = meter_on(ConstantInstallation((-5_000_000, 0, 0)))
    assert pulses_due(meter, START, START + 3_600, active_channels(EnergyType.IMPORT)).size == 0
    assert pulses_due(meter, START + 3_600, START + 7_200, active_channels(EnergyType.IMPORT_EXPORT)).size == 5_000


def test_reactive_energy_pulses_per_kvarh() -> None:
    meter = meter_on(ConstantInstallation((0, 0, 0), (2_000_000, 0, 0)))
    assert pulses_due(meter, START, START + 3_600, REACTIVE_CHANNELS).size == 2_000


def test_a_transformer_meter_pulses_by_its_own_constant() -> None:
    meter = meter_on(meter_constant=10_000)
    assert pulses_due(meter, START, START + 360, (Energy.A14,)).size == 1_000
