"""Invariants over random journals of everything: time cut anywhere, replay, registers that never run backwards."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering import Energy, EventLog, Meter
from metering.inputs import input_from_dict
from metering.installation import HouseholdInstallation, Installation
from tests.metering.builders import configuration
from tests.metering.journals import Journal, happen, journals, play
from tests.metering.test_tariff_table import table

run = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
homes: st.SearchStrategy[Installation] = st.builds(
    HouseholdInstallation,
    seed=st.integers(0, 9),
    pv_peak_w=st.sampled_from([0, 20_000]),
    heat_pump=st.booleans(),
    grid_s=st.sampled_from([60, 900]),
)
orders = st.builds(
    configuration,
    rtc_drift=st.booleans(),
    rtc_backup_s=st.sampled_from([None, 3_600, 4 * 86_400]),
    fill_outages=st.booleans(),
    button_disconnects=st.booleans(),
    connection=st.sampled_from(["1-phase", "3-phase", "aron"]),
    tariff_mode=st.sampled_from(["command", "internal"]),
    tariff_table=st.just(table()),
    error_seed=st.sampled_from([None, 7]),
)


@run
@given(home=homes, order=orders, journal=journals(), data=st.data())
def test_time_cut_anywhere_leaves_no_trace(home: Installation, order, journal: Journal, data: st.DataObject) -> None:  # type: ignore[no-untyped-def]
    straight, stopping = Meter(order, home), Meter(order, home)
    play(straight, journal)
    now = stopping.time
    for wait, change in [*journal.steps, (journal.rest, None)]:
        stops = data.draw(st.lists(st.one_of(st.integers(0, wait), st.integers(0, min(wait, 700))), max_size=5))
        for stop in sorted(stops):
            look = data.draw(
                st.sampled_from([stopping.advance, stopping.instantaneous, stopping.status, stopping.clock, None])
            )
            if look is not None:
                look(now + stop)
            else:
                stopping.energy(Energy.A14, now + stop)
        now += wait
        if change is not None:
            happen(stopping, change, now)
    stopping.advance(now)
    assert stopping.snapshot() == straight.snapshot()


@run
@given(home=homes, order=orders, journal=journals(), cut=st.integers(0, 14))
def test_a_replayed_journal_gives_the_same_meter_to_the_byte(  # type: ignore[no-untyped-def]
    home: Installation, order, journal: Journal, cut: int
) -> None:
    straight = Meter(order, home)
    done = play(straight, journal)
    meter = Meter(order, home)
    play(meter, Journal(journal.steps[:cut]))
    meter = Meter.restore(order, home, meter.snapshot())
    later = [(wait, input_from_dict(json.loads(json.dumps(change.to_dict())))) for wait, change in journal.steps[cut:]]
    assert play(meter, Journal(later, journal.rest)) == done[cut:]
    assert meter.snapshot() == straight.snapshot()


@run
@given(home=homes, order=orders, journal=journals())
def test_no_register_decreases_and_every_reading_agrees_with_the_settled_one(  # type: ignore[no-untyped-def]
    home: Installation, order, journal: Journal
) -> None:
    meter = Meter(order, home)
    before = [0] * len(Energy)
    hours = 0
    now = meter.time
    for wait, change in journal.steps:
        now += wait
        settled = Meter.restore(order, home, meter.snapshot())
        settled.advance(now)
        energies = [meter.energy(channel, now) for channel in Energy]
        assert energies == [settled.energy(channel, now) for channel in Energy]
        assert meter.instantaneous(now) == settled.instantaneous(now)
        assert meter.status(now).event_b == settled.status(now).event_b
        assert meter.breaker(now).state_now == settled.breaker(now).state_now
        assert meter.prepayment(now).remaining_mws == settled.prepayment(now).remaining_mws
        assert meter.clock(now) == settled.clock(now)
        assert all(new >= old for new, old in zip(energies, before, strict=True))
        assert meter.operating_s(now) >= hours
        before, hours = energies, meter.operating_s(now)
        happen(meter, change, now)
    for log in EventLog:
        numbers = [row.number for row in meter.event_logger(log, now).rows]
        assert numbers == sorted(set(numbers))
