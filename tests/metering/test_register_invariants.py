"""Invariants of registers, tariffs and loggers under random journals: additivity, sums, differences, bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering import MWS_PER_WH, Energy, Flow, Mean, Meter
from metering.inputs import (
    AddPulses,
    ClearAnalysisLogger,
    Input,
    SetAnalysisLogger,
    SetClock,
    SetDaylightSaving,
    SetDebitingInterval,
    SetIntegrationPeriod,
    SetLoad,
    SetLoadProfileRegisters,
    SetPowerThreshold,
    SetRipple,
    SetSupply,
    SetTariff,
    SetTariffInputs,
    SetTariffMode,
    SetTariffTable,
    SetVerificationMode,
    input_from_dict,
)
from metering.installation import HouseholdInstallation
from metering.quantities import FLOW_ENERGIES
from metering.selectable import SELECTABLE
from tests.metering.builders import START, configuration
from tests.metering.test_tariff_table import table

NIGHT = {
    "name": "night",
    "week": ["any"] * 7,
    "seasons": [{"from": "01-01", "days": {"any": {"00:00": 7, "00:07": 8, "06:13": 1, "12:01": 3, "12:02": 1}}}],
}
Journal = list[tuple[int, Input]]
milliwatts = st.integers(-20_000_000, 20_000_000)
phases = st.tuples(milliwatts, milliwatts, milliwatts)
registers = st.lists(
    st.sampled_from([".".join(str(group) for group in code) for code in SELECTABLE]),
    min_size=1,
    max_size=16,
    unique=True,
)
periods = st.sampled_from([300, 900, 1800, 3600])
homes = st.builds(HouseholdInstallation, seed=st.integers(0, 5), pv_peak_w=st.sampled_from([0, 15_000]))
run = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@st.composite
def journals(draw: st.DrawFn, *, clock: bool = True) -> Journal:
    """Hours to weeks in the life of a meter whose tariffs and loggers are much changed."""
    steps: Journal = []
    now = START
    for _ in range(draw(st.integers(0, 7))):
        wait = draw(st.one_of(st.integers(0, 5_000), st.integers(0, 12 * 86_400)))
        now += wait
        moved = draw(st.one_of(st.integers(-8, 8), st.integers(-4_000, 4_000), st.integers(-40 * 86_400, 40 * 86_400)))
        changes: list[st.SearchStrategy[Input]] = [
            st.builds(SetLoad, phases, phases),
            st.builds(SetTariffMode, st.sampled_from(["off", "module", "command", "internal", "ripple"])),
            st.sampled_from([SetTariffTable(table()), SetTariffTable(NIGHT)]),
            st.builds(SetTariffInputs, st.booleans(), st.booleans()),
            st.builds(SetRipple, st.integers(1, 8)),
            st.builds(SetTariff, st.integers(1, 8)),
            st.builds(SetPowerThreshold, st.integers(0, 20_000), st.integers(0, 8)),
            st.builds(SetIntegrationPeriod, periods),
            st.builds(SetAnalysisLogger, periods, registers),
            st.just(ClearAnalysisLogger()),
            st.builds(SetDebitingInterval, st.sampled_from(["daily", "weekly", "monthly"])),
            st.builds(AddPulses, st.integers(0, 9_999)),
            st.sampled_from([SetSupply((0, 0, 0)), SetSupply((None, None, None))]),
        ]
        if clock:
            flows = st.lists(st.sampled_from(["A14", "A23", "R12", "R34"]), min_size=1, unique=True)
            changes += [
                st.just(SetClock(now + moved)),
                st.builds(SetDaylightSaving, st.booleans()),
                st.builds(SetLoadProfileRegisters, flows),
                st.builds(SetVerificationMode, st.booleans()),
            ]
        steps.append((wait, draw(st.one_of(changes))))
    steps.append((draw(st.integers(0, 12 * 86_400)), SetSupply((None, None, None))))
    return steps


orders: st.SearchStrategy[Any] = st.builds(
    configuration,
    tariff_mode=st.sampled_from(["internal", "command"]),
    tariff_table=st.sampled_from([table(), NIGHT]),
    summation=st.sampled_from(["vector", "individual"]),
    hourly_store=st.booleans(),
    rtc_drift=st.booleans(),
    peak_tariff=st.sampled_from([0, 1, 2]),
    commissioned_at=st.sampled_from([START, START + 777]),
    pulse_input_constant_milli=st.sampled_from([250, 1_000, 333_000]),
    analysis_registers=registers,
    debiting2_interval=st.sampled_from(["daily", "weekly"]),
)


def happen(meter: Meter, change: Input, at: int) -> None:
    """Let it happen, unless the meter refuses it."""
    try:
        meter.apply(change, at)
    except ValueError:
        assert meter.time == at


@run
@given(order=orders, home=homes, journal=journals(), data=st.data())
def test_stopping_and_looking_anywhere_on_the_way_leaves_no_trace(
    order: Any, home: HouseholdInstallation, journal: Journal, data: st.DataObject
) -> None:
    straight, stopping = Meter(order, home), Meter(order, home)
    now = straight.time
    for wait, change in journal:
        stops = data.draw(st.lists(st.one_of(st.integers(0, wait), st.integers(0, min(wait, 2_000))), max_size=4))
        for stop in sorted(stops):
            look = data.draw(st.sampled_from([stopping.advance, stopping.tariff, stopping.instantaneous]))
            look(now + stop)
        if data.draw(st.booleans()):
            stopping = Meter.restore(order, home, stopping.snapshot())
        now += wait
        happen(straight, change, now)
        happen(stopping, input_from_dict(change.to_dict()), now)
    assert stopping.snapshot() == straight.snapshot()


@run
@given(order=orders, home=homes, journal=journals())
def test_tariffs_sum_to_totals_and_apparent_energy_is_no_less_than_active(
    order: Any, home: HouseholdInstallation, journal: Journal
) -> None:
    meter = Meter(order, home)
    now = meter.time
    for wait, change in journal:
        now += wait
        happen(meter, change, now)
        for flow in Flow:
            tariffs = [meter.tariff_energy(flow, tariff, now) for tariff in range(1, 9)]
            assert sum(tariffs) == sum(meter.energy(channel, now) for channel in FLOW_ENERGIES[flow])
        assert sum(meter.tariff_seconds(tariff, now) for tariff in range(1, 9)) == meter.operating_s(now)
        assert meter.energy(Energy.E14, now) >= meter.energy(Energy.A14, now)
        assert meter.energy(Energy.E23, now) >= meter.energy(Energy.A23, now)
        demand = meter.demand(now)
        for phase in range(3):
            for apparent, active in ((Mean.S14_L1, Mean.P14_L1), (Mean.S23_L1, Mean.P23_L1)):
                assert demand.means[apparent + phase] >= demand.means[active + phase]
        if order.peak_tariff == 0:
            for flow in Flow:
                assert demand.maxima[flow].value == max(
                    demand.maxima[6 * tariff + flow].value for tariff in range(1, 9)
                )
        assert (
            demand.accumulated[0] >= max(demand.accumulated[6 * tariff] for tariff in range(1, 9)) or order.peak_tariff
        )


@run
@given(order=orders, home=homes, journal=journals(clock=False))
def test_logger_rows_are_the_registers_of_their_time(order: Any, home: HouseholdInstallation, journal: Journal) -> None:
    meter = Meter(order, home)
    seen = {meter.time: [meter.flow_energy(flow, meter.time) // MWS_PER_WH for flow in Flow]}
    now = meter.time
    for wait, change in journal:
        for at in range(now - now % 900 + 900, now + wait + 1, 900):
            if at <= now + min(wait, 40 * 900) or at % 86_400 == 82_800:  # the first hours, and every midnight
                seen[at] = [meter.flow_energy(flow, at) // MWS_PER_WH for flow in Flow]
        now += wait
        happen(meter, change, now)
    shift_s = meter.shift_s
    profile = meter.load_profile(now)
    for stamp, *energies in zip(profile.stamps.tolist(), *profile.energies.tolist(), strict=True):
        if stamp - shift_s in seen:
            assert energies == seen[stamp - shift_s][:4]
    for row in meter.debiting_logger_2(now).rows:
        if row.stamp - shift_s in seen:
            assert [energy // MWS_PER_WH for energy in row.energies] == seen[row.stamp - shift_s]
    analysis = meter.analysis_logger(now)
    assert len(analysis) <= analysis.entries
    assert np.all(np.diff(analysis.stamps) >= analysis.period_s)
