"""Advancing from a to c is advancing from a to b to c: random journals, random stops, snapshots byte for byte."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering import MWS_PER_WH, Energy, Flow, Meter
from metering.inputs import (
    ClearLoadProfile,
    Input,
    ReleaseLoad,
    ResetTripCounter,
    SetClock,
    SetDaylightSaving,
    SetLoad,
    SetLoadProfilePeriod,
    SetPowerThreshold,
    SetPulseInput,
    SetSupply,
    SetTargetDay,
    SetTariff,
    StopBilling,
    input_from_dict,
)
from metering.installation import HouseholdInstallation, Installation, ReplayInstallation
from metering.quantities import FLOW_ENERGIES
from tests.metering.builders import START, configuration

milliwatts = st.integers(-20_000_000, 20_000_000)
phases = st.tuples(milliwatts, milliwatts, milliwatts)
volts = st.integers(0, 260_000)


@dataclass
class Script:
    """Inputs with the seconds that pass before each, and then some."""

    steps: list[tuple[int, Input]] = field(default_factory=list)
    rest: int = 0


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Hours to weeks of a meter's life, and a clock moved by seconds, minutes or months."""
    small, large = st.integers(0, 5_000), st.integers(0, 20 * 86_400)
    steps: list[tuple[int, Input]] = []
    now = START
    for _ in range(draw(st.integers(0, 8))):
        wait = draw(st.one_of(small, small, large))
        now += wait
        moved = draw(st.one_of(st.integers(-8, 8), st.integers(-4_000, 4_000), st.integers(-40 * 86_400, 40 * 86_400)))
        change = draw(
            st.one_of(
                st.builds(SetLoad, phases, phases, st.tuples(volts, volts, volts)),
                st.just(ReleaseLoad()),
                st.builds(SetSupply, st.sampled_from([(0, 0, 0), (None, 0, None), (100_000, 159_999, None)])),
                st.just(SetSupply()),
                st.just(SetClock(now + moved)),
                st.just(SetClock(now + moved)),
                st.builds(SetTariff, st.integers(1, 8)),
                st.just(StopBilling()),
                st.just(ResetTripCounter()),
                st.builds(SetPowerThreshold, st.integers(0, 30_000)),
                st.builds(SetPulseInput, st.integers(0, 2**32 - 1)),
                st.builds(SetTargetDay, st.integers(1, 28), st.sampled_from([0, 1, 1, 3]), st.integers(1, 12)),
                st.builds(SetDaylightSaving, st.booleans()),
                st.builds(SetLoadProfilePeriod, st.sampled_from([300, 900, 3600])),
                st.just(ClearLoadProfile()),
            )
        )
        steps.append((wait, change))
    return Script(steps, draw(st.one_of(small, large)))


homes: st.SearchStrategy[Installation] = st.builds(
    HouseholdInstallation,
    seed=st.integers(0, 9),
    pv_peak_w=st.sampled_from([0, 20_000]),
    heat_pump=st.booleans(),
    grid_s=st.sampled_from([60, 900]),
)
summations = st.sampled_from(["vector", "individual"])
offsets = st.sampled_from([0, 1, 59, 777])
run = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def happen(meter: Meter, change: Input, at: int) -> None:
    """Let it happen, if it can: a meter without supply hears no command."""
    try:
        meter.apply(change, at)
    except ValueError:
        assert not meter.powered(at)


def play(meter: Meter, script: Script) -> int:
    """Let the script happen; returns when it ended."""
    now = meter.time
    for wait, change in script.steps:
        now += wait
        happen(meter, change, now)
    meter.advance(now + script.rest)
    return meter.time


@run
@given(home=homes, summation=summations, offset=offsets, script=scripts(), data=st.data())
def test_stopping_and_looking_anywhere_on_the_way_leaves_no_trace(
    home: Installation, summation: str, offset: int, script: Script, data: st.DataObject
) -> None:
    order = configuration(summation=summation, commissioned_at=START + offset)
    straight, stopping = Meter(order, home), Meter(order, home)
    play(straight, script)
    now = stopping.time
    for wait, change in [*script.steps, (script.rest, None)]:
        stops = data.draw(st.lists(st.one_of(st.integers(0, wait), st.integers(0, min(wait, 2_000))), max_size=5))
        for stop in sorted(stops):
            look = data.draw(st.sampled_from([stopping.advance, stopping.instantaneous, stopping.demand, None]))
            if look is not None:
                look(now + stop)
            else:
                stopping.energy(Energy.A14, now + stop)
        now += wait
        if change is not None:
            happen(stopping, change, now)
    stopping.advance(now)
    assert stopping.snapshot() == straight.snapshot()


sags = st.sampled_from([0, 0, 49_000, 218_000, 230_000, 242_000])


@settings(run, max_examples=12)
@given(
    levels=st.lists(st.tuples(sags, sags, sags), min_size=1, max_size=9),
    grid_s=st.sampled_from([60, 900]),
    cut=st.tuples(st.integers(5_000, 9_000), st.sampled_from([(None, 0, None), (0, 0, None), (None, 0, 230_000)])),
    step=st.sampled_from([60, 61, 300, 900]),
)
def test_phases_without_any_voltage_leave_no_trace_of_the_stops_either(
    levels: list[tuple[int, int, int]],
    grid_s: int,
    cut: tuple[int, tuple[int | None, int | None, int | None]],
    step: int,
) -> None:
    columns = np.zeros((11, len(levels)), dtype=np.int64)
    columns[0:3], columns[6:9] = 100_000, np.transpose(levels)
    installation = ReplayInstallation(START, grid_s, columns, repeat=True)
    straight, stopping = (Meter(configuration(), installation) for _ in range(2))
    at, volts = cut
    for meter, looks in ((straight, []), (stopping, range(0, 10_000, step))):
        for now in (look for look in looks if look <= at):
            meter.advance(START + now)
        meter.apply(SetSupply(volts), START + at)
        for now in (look for look in looks if look > at):
            meter.advance(START + now)
        meter.advance(START + 10_000)
    assert stopping.snapshot() == straight.snapshot()


@run
@given(home=homes, script=scripts(), cut=st.integers(0, 8))
def test_a_meter_restored_in_the_middle_of_its_journal_goes_on_as_if_nothing_had_been(
    home: Installation, script: Script, cut: int
) -> None:
    order = configuration()
    straight = Meter(order, home)
    play(straight, script)
    meter = Meter(order, home)
    play(meter, Script(script.steps[:cut]))
    journal = [(wait, change.to_dict()) for wait, change in script.steps[cut:]]
    meter = Meter.restore(order, home, meter.snapshot())
    play(meter, Script([(wait, input_from_dict(change)) for wait, change in journal], script.rest))
    assert meter.snapshot() == straight.snapshot()


@run
@given(home=homes, summation=summations, script=scripts(), ahead=st.integers(0, 3_000))
def test_an_extrapolated_reading_is_the_reading_after_advancing(
    home: Installation, summation: str, script: Script, ahead: int
) -> None:
    order = configuration(summation=summation)
    meter = Meter(order, home)
    now = play(meter, script)
    settled = Meter.restore(order, home, meter.snapshot())
    settled.advance(now + ahead)
    for channel in Energy:
        assert meter.energy(channel, now + ahead) == settled.energy(channel, now + ahead)
    meter.energy(Energy.A14, meter.time)
    assert meter.instantaneous(now + ahead) == settled.instantaneous(now + ahead)
    assert meter.running_demand(now + ahead) == settled.running_demand(now + ahead)
    assert meter.operating_s(now + ahead) == settled.operating_s(now + ahead) <= now + ahead - START


@run
@given(home=homes, summation=summations, script=scripts())
def test_the_tariffs_add_up_the_phases_agree_and_no_register_decreases(
    home: Installation, summation: str, script: Script
) -> None:
    meter = Meter(configuration(summation=summation), home)
    before = [0] * len(Energy)
    for wait, change in [*script.steps, (script.rest, StopBilling())]:
        happen(meter, change, meter.time + wait)
        now = meter.time
        energies = [meter.energy(channel, now) for channel in Energy]
        assert all(now >= then for now, then in zip(energies, before, strict=True))
        before = energies
        for flow in Flow:
            total = sum(energies[channel] for channel in FLOW_ENERGIES[flow])
            assert total == sum(meter.tariff_energy(flow, tariff, now) for tariff in range(1, 9))
        imported, exported = (sum(energies[first : first + 3]) for first in (Energy.A14_L1, Energy.A23_L1))
        assert energies[Energy.A14] - energies[Energy.A23] == imported - exported
        if summation == "individual":
            assert (energies[Energy.A14], energies[Energy.A23]) == (imported, exported)
    rows = meter.billing_logger(now).rows
    if not meter.powered(now):
        return
    assert rows[-1].energies[0] == meter.energy(Energy.A14, now)
    assert [row.periods for row in rows] == list(range(rows[0].periods, rows[0].periods + len(rows)))


@run
@given(home=homes, days=st.integers(1, 30), offset=offsets)
def test_each_load_profile_row_is_the_register_at_its_time(home: Installation, days: int, offset: int) -> None:
    order = configuration(commissioned_at=START + offset)
    whole, walking = Meter(order, home), Meter(order, home)
    end = START + days * 86_400
    profile = whole.load_profile(end)
    picked = np.linspace(0, len(profile) - 1, 7, dtype=int)
    for row in picked:
        at = int(profile.stamps[row]) - whole.shift_s
        readings = [walking.flow_energy(flow, at) // MWS_PER_WH for flow in profile.flows]
        assert profile.energies[:, row].tolist() == readings
