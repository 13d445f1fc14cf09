"""The breaker: every state and cause, the law of smart disconnect, voltages that open it, and what it remembers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering import Energy, EventLog, Meter
from metering.breaker_states import CLOSED, TRANSITIONS, BreakerState, Cause, Feedback
from metering.inputs import OperateBreaker, PressButton, SetBreakerParameter, SetLoad, SetSupply
from metering.installation import ConstantInstallation, HouseholdInstallation
from metering.status import EventA, EventB
from tests.metering.builders import ONE_KILOWATT, START, configuration, meter_on

DISCONNECT, RELEASE, RECONNECT = (OperateBreaker(command) for command in (1, 2, 3))
AMPERE_MW = 230_000
"""One ampere of active load on a phase at 230 V."""


def load(amperes: int) -> SetLoad:
    return SetLoad((amperes * AMPERE_MW, 0, 0))


def smart(meter: Meter, **parameters: int) -> None:
    for name, value in ({"cut_off_basis": 1, "threshold_high": 20} | parameters).items():
        meter.apply(SetBreakerParameter(name, value), meter.time)


def history(meter: Meter, now: int) -> list[tuple[int, int]]:
    """Seconds since the start and the state, row by row."""
    return [(row.stamp - 3_600 - START, row.code) for row in meter.event_logger(EventLog.CUT_OFF, now).rows]


@pytest.mark.parametrize("state", list(BreakerState))
@pytest.mark.parametrize("cause", list(Cause))
def test_every_state_and_cause_leads_where_the_table_says_and_nowhere_else(state: BreakerState, cause: Cause) -> None:
    meter = meter_on()
    engine = meter._state
    engine.breaker.state_now = state
    engine.breaker.opened_at = START - 3_600
    engine.breaker.happen(engine, cause)
    assert engine.breaker.state_now == TRANSITIONS.get((state, cause), state)
    assert engine.breaker.closed == (engine.breaker.state_now in CLOSED)


def test_a_command_opens_a_release_allows_and_the_third_command_or_a_press_closes() -> None:
    for last in (RECONNECT, PressButton(6)):
        meter = meter_on()
        meter.apply(DISCONNECT, START + 10)
        with pytest.raises(ValueError, match=r"allowed in breaker state 1: 2"):
            meter.apply(RECONNECT, START + 20)
        meter.apply(PressButton(6), START + 25)
        meter.apply(RELEASE, START + 30)
        assert meter.breaker(START + 40).state_now is BreakerState.RELEASED
        meter.apply(last, START + 40)
        assert history(meter, START + 50) == [(10, 1), (30, 8), (40, 4)]
        assert meter.energy(Energy.A14, START + 50) == 20 * 1_000_000
        assert meter.status(START + 50).event_a & EventA.DISCONNECTED
        assert meter.status(START + 50).event_b & EventB.BREAKER_REMOTE


def test_a_disconnected_installation_draws_nothing_and_feeds_nothing_but_voltage_is_there() -> None:
    meter = meter_on(ConstantInstallation((-5_000_000, 3_000_000, 0), (100_000, 0, 0)))
    meter.apply(DISCONNECT, START)
    seen = meter.instantaneous(START + 60)
    assert (seen.active_mw, seen.current_ma, seen.voltage_mv) == ((0, 0, 0), (0, 0, 0), (230_000,) * 3)
    assert meter.breaker_feedback(START + 60) == Feedback.VALID | Feedback.COMMUNICATION | Feedback.THRESHOLD_HIGH
    assert all(meter.energy(channel, START + 86_400) == 0 for channel in Energy)
    assert meter_on().breaker_feedback(START + 60) == 63  # 382M DLMS description, object 1.1.128.0.18


@pytest.mark.parametrize(
    ("amperes", "after_s"),
    [(31, 30), (30, 90), (25, 90), (24, 190), (21, 190), (20, None), (101, None)],
    ids=["above k1", "at k1", "above k2", "at k2", "above k3", "at k3", "the fuse's affair"],
)
def test_the_law_opens_after_t1_then_t1_and_t2_then_all_three(amperes: int, after_s: int | None) -> None:
    meter = meter_on()
    smart(meter, k1=15, k2=12, k3=10, t1=30, t2=60, t3=100)
    meter.apply(load(amperes), START)
    cut_offs = [at for at, state in history(meter, START + 3_600) if state == BreakerState.CUT_OFF]
    assert cut_offs == ([] if after_s is None else [after_s])


def test_an_interruption_of_one_second_starts_the_time_again() -> None:
    meter = meter_on()
    smart(meter)
    meter.apply(load(25), START)
    meter.apply(load(15), START + 29)
    meter.apply(load(25), START + 30)
    assert history(meter, START + 59) == [(1, 5), (30, 4), (31, 5)]
    assert history(meter, START + 60)[-1] == (60, 6)


def test_the_limit_can_be_power_of_all_phases() -> None:
    meter = meter_on()
    smart(meter, cut_off_basis=5, threshold_high=9)
    meter.apply(SetLoad((3_000_000, 3_000_000, 3_000_000)), START)
    meter.apply(SetLoad((3_000_000, 3_000_000, 3_000_001)), START + 100)
    assert history(meter, START + 200) == [(101, 5), (130, 6)]


def test_log_only_logs_what_it_would_have_done_and_goes_on_carrying() -> None:
    meter = meter_on()
    smart(meter, cut_off_basis=0x11)
    meter.apply(load(25), START)
    meter.apply(load(5), START + 100)
    assert meter.energy(Energy.A14, START + 100) == 100 * 25 * AMPERE_MW
    assert history(meter, START + 200) == [(1, 5), (30, 13), (101, 4)]


def test_a_cut_off_closes_by_itself_after_the_wait_and_opens_again_while_the_load_stays() -> None:
    meter = meter_on()
    smart(meter, coupling=1, t_connect_wait=300)
    meter.apply(load(25), START)
    assert history(meter, START + 400) == [(1, 5), (30, 6), (330, 4), (331, 5), (360, 6)]
    assert meter.breaker_feedback(START + 400) & Feedback.PENDING


def test_a_cut_off_without_coupling_waits_for_a_press_which_waits_for_the_time() -> None:
    meter = meter_on()
    smart(meter)
    meter.apply(load(25), START)
    meter.apply(PressButton(6), START + 89)
    meter.apply(load(1), START + 100)
    meter.apply(PressButton(5), START + 110)
    meter.apply(PressButton(6), START + 120)
    assert history(meter, START + 200) == [(1, 5), (30, 6), (120, 4)]
    assert meter.status(START + 200).event_b & EventB.BREAKER_MANUAL


def test_over_voltage_opens_after_a_second_and_closes_after_a_minute_below() -> None:
    meter = meter_on()
    smart(meter, cut_off_basis=64)
    meter.apply(SetSupply((None, 285_001, None)), START + 10)
    meter.apply(SetSupply((None, 265_001, None)), START + 20)
    meter.apply(SetSupply((None, 265_000, None)), START + 200)
    assert history(meter, START + 1_000) == [(11, 14), (260, 4)]


def test_a_lost_neutral_opens_after_a_minute() -> None:
    meter = meter_on()
    smart(meter, cut_off_basis=8)
    meter.apply(SetSupply((260_000, 180_000, 260_000)), START)
    meter.apply(SetSupply(), START + 100)
    assert history(meter, START + 1_000) == [(60, 12), (160, 8)]
    assert [row.code for row in meter.event_logger(EventLog.NEUTRAL_FAULT, START + 1_000).rows] == [1, 0]


def test_a_voltage_fault_is_over_when_the_basis_no_longer_asks_for_it() -> None:
    meter = meter_on()
    smart(meter, cut_off_basis=64)
    meter.apply(SetSupply((300_000, None, None)), START)
    meter.apply(SetBreakerParameter("cut_off_basis", 0), START + 100)
    meter.apply(SetSupply(), START + 110)
    assert history(meter, START + 1_000) == [(1, 14), (160, 4)]

    meter = meter_on()
    smart(meter, cut_off_basis=8)
    meter.apply(SetSupply((260_000, 180_000, 260_000)), START)
    meter.apply(SetBreakerParameter("cut_off_basis", 0), START + 100)
    meter.apply(SetSupply(), START + 110)
    assert history(meter, START + 1_000) == [(60, 12), (160, 8)]


def test_a_neutral_lost_for_a_while_does_not_open_when_the_basis_no_longer_asks_for_it() -> None:
    meter = meter_on()
    smart(meter, cut_off_basis=8)
    meter.apply(SetSupply((260_000, 180_000, 260_000)), START)
    meter.apply(SetBreakerParameter("cut_off_basis", 0), START + 30)
    assert history(meter, START + 1_000) == []
    meter.apply(SetBreakerParameter("cut_off_basis", 8), START + 1_000)
    assert history(meter, START + 2_000) == [(1_060, 12)]


def test_an_over_voltage_that_comes_back_calls_off_the_closing() -> None:
    meter = meter_on()
    smart(meter, cut_off_basis=64, over_voltage_reconnect_time=1)
    for at, voltage in ((10, 300_000), (12, None), (14, 300_000), (100, None)):
        meter.apply(SetSupply((voltage, None, None)), START + at)
    assert history(meter, START + 1_000) == [(11, 14), (101, 4)]


def test_a_cut_off_closes_by_itself_only_when_the_over_voltage_has_gone() -> None:
    for gone_at, closed_at in ((200, 330), (1_000, 1_060)):
        meter = meter_on()
        smart(meter, cut_off_basis=1 | 64, coupling=1, t_connect_wait=300)
        meter.apply(load(25), START)
        meter.apply(load(1), START + 40)
        meter.apply(SetSupply((300_000, None, None)), START + 100)
        meter.apply(SetSupply(), START + gone_at)
        assert history(meter, START + 2_000) == [(1, 5), (30, 6), (closed_at, 4)]


def test_an_over_voltage_and_a_lost_neutral_together_close_when_both_have_gone() -> None:
    meter = meter_on()
    smart(meter, cut_off_basis=8 | 64, over_voltage_disconnect_time=57, over_voltage_reconnect_time=1)
    meter.apply(SetSupply((300_000, 300_000, 180_000)), START)
    meter.apply(SetSupply((260_000, 260_000, 180_000)), START + 57)
    meter.apply(SetSupply(), START + 100)
    assert history(meter, START + 1_000) == [(57, 14), (160, 4)]


def test_coupling_reaches_a_cut_off_that_waits() -> None:
    for coupling, expected in ((1, [(330, 4)]), (0, [])):
        meter = meter_on()
        smart(meter, coupling=1 - coupling, t_connect_wait=300)
        meter.apply(load(25), START)
        meter.apply(load(1), START + 40)
        meter.apply(SetBreakerParameter("coupling", coupling), START + 100)
        assert bool(meter.breaker_feedback(START + 100) & Feedback.PENDING) is bool(coupling)
        assert history(meter, START + 2_000)[2:] == expected


def test_coupling_reaches_a_release_unless_a_command_gave_it() -> None:
    meter = meter_on()
    smart(meter, cut_off_basis=8)
    meter.apply(SetSupply((260_000, 180_000, 260_000)), START)
    meter.apply(SetSupply(), START + 100)
    meter.apply(SetBreakerParameter("coupling", 1), START + 200)
    assert history(meter, START + 1_000) == [(60, 12), (160, 8), (201, 4)]

    meter = meter_on()
    meter.apply(DISCONNECT, START)
    meter.apply(RELEASE, START + 100)
    meter.apply(SetBreakerParameter("coupling", 1), START + 200)
    assert history(meter, START + 1_000) == [(0, 1), (100, 8)]

    meter = meter_on()
    smart(meter, coupling=1)
    for command in (DISCONNECT, RELEASE, RECONNECT):
        meter.apply(command, START + 10)
    meter.apply(SetBreakerParameter("coupling", 0), START + 11)
    assert history(meter, START + 1_000)[-1] == (15, 4)


def test_contacts_stay_as_they_are_through_a_power_cut() -> None:
    meter = meter_on()
    meter.apply(DISCONNECT, START)
    meter.apply(SetSupply((0, 0, 0)), START + 100)
    meter.apply(SetSupply(), START + 5_000)
    assert meter.breaker(START + 6_000).state_now is BreakerState.DISCONNECTED
    assert history(meter, START + 6_000) == [(0, 1)]


def test_it_does_not_close_within_five_seconds_of_having_opened() -> None:
    meter = meter_on()
    for command in (DISCONNECT, RELEASE, RECONNECT):
        meter.apply(command, START + 1)
    assert history(meter, START + 60) == [(1, 1), (1, 8), (6, 4)]


def test_a_meter_without_a_breaker_refuses_and_never_cuts_off() -> None:
    meter = meter_on(breaker=False)
    with pytest.raises(ValueError, match="no breaker"):
        meter.apply(DISCONNECT, START)
    smart(meter)
    meter.apply(load(50), START)
    assert history(meter, START + 3_600) == []


def test_the_button_opens_where_it_may() -> None:
    for allowed, expected in ((True, [(10, 11), (20, 4)]), (False, [])):
        meter = meter_on(ONE_KILOWATT, button_disconnects=allowed)
        meter.apply(PressButton(6), START + 10)
        meter.apply(PressButton(7), START + 20)
        assert history(meter, START + 30) == expected


@settings(max_examples=15, deadline=None)
@given(
    threshold=st.integers(1, 12),
    times=st.tuples(*[st.integers(0, 600)] * 3),
    factors=st.tuples(*[st.integers(5, 20)] * 3),
    wait=st.integers(0, 900),
    steps=st.lists(st.integers(1, 4_000), min_size=1, max_size=200),
)
def test_time_in_one_jump_gives_the_same_breaker_history_as_time_in_seconds(
    threshold: int, times: tuple[int, ...], factors: tuple[int, ...], wait: int, steps: list[int]
) -> None:
    home = HouseholdInstallation(seed=3, heat_pump=True)
    jump, walk = Meter(configuration(), home), Meter(configuration(), home)
    for meter in (jump, walk):
        smart(meter, threshold_high=threshold, coupling=1, t_connect_wait=wait)
        for number in range(3):
            meter.apply(SetBreakerParameter(f"k{number + 1}", factors[number]), START)
            meter.apply(SetBreakerParameter(f"t{number + 1}", times[number]), START)
    for step in steps:
        walk.advance(walk.time + step)
    jump.advance(walk.time)
    assert history(jump, jump.time) == history(walk, walk.time)
    assert jump.snapshot() == walk.snapshot()


def test_a_day_second_by_second_gives_the_same_breaker_history_as_one_jump() -> None:
    home = HouseholdInstallation(seed=3, heat_pump=True)
    jump, walk = Meter(configuration(), home), Meter(configuration(), home)
    for meter in (jump, walk):
        smart(meter, threshold_high=6, coupling=1)
    end = START + 6 * 3_600
    for now in range(START + 1, end + 1):
        walk.advance(now)
    assert len(history(jump, end)) > 4
    assert walk.snapshot() == jump.snapshot()
