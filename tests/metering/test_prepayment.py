"""Prepayment: credit that runs out to the second, exceptions, emergency supply, and the account afterwards."""

from __future__ import annotations

import pytest

from metering import Energy, EventLog, Meter
from metering.breaker_states import BreakerState
from metering.inputs import (
    OperateBreaker,
    PressButton,
    SetBreakerParameter,
    SetLoad,
    SetPrepaymentAlarm,
    SetPrepaymentExceptions,
    SetSupply,
    TopUp,
)
from metering.status import EventB
from tests.metering.builders import START, WH, meter_on

HOUR, DAY = 3_600, 86_400
MIDNIGHT = START + 12 * HOUR
"""The first one, in normal time."""


def prepaid(energy_wh: int, **parameters: int) -> Meter:
    """A kilowatt, and credit for so much of it."""
    meter = meter_on()
    meter.apply(TopUp(energy_wh), START)
    for name, value in ({"cut_off_basis": 2} | parameters).items():
        meter.apply(SetBreakerParameter(name, value), START)
    return meter


def states(meter: Meter, now: int) -> list[tuple[int, int]]:
    return [(row.stamp - HOUR - START, row.code) for row in meter.event_logger(EventLog.CUT_OFF, now).rows]


def test_credit_counts_down_and_the_breaker_opens_in_the_second_it_is_used_up() -> None:
    meter = prepaid(1_500)
    assert meter.prepayment(START + HOUR).remaining_mws == 500 * WH
    assert meter.energy(Energy.A14, START + DAY) == 1_500 * WH
    assert states(meter, START + DAY) == [(5_400, 7)]


def test_what_the_last_second_takes_too_much_is_owed() -> None:
    meter = prepaid(1)
    meter.apply(SetLoad((7_000_000, 0, 0)), START)
    assert states(meter, START + DAY) == [(1, 7)]
    account = meter.prepayment(START + DAY)
    assert account.remaining_mws == 0
    assert account.debt_mws == meter.energy(Energy.A14, START + DAY) - WH


def test_a_top_up_pays_the_debt_and_lets_the_button_close() -> None:
    meter = prepaid(1_000)
    meter.apply(PressButton(6), START + 2 * HOUR)
    meter.apply(TopUp(700), START + 3 * HOUR)
    assert meter.breaker(START + 3 * HOUR).state_now is BreakerState.RELEASED
    meter.apply(PressButton(6), START + 4 * HOUR)
    assert states(meter, START + DAY) == [(HOUR, 7), (3 * HOUR, 8), (4 * HOUR, 4), (4 * HOUR + 2_520, 7)]
    account = meter.prepayment(START + DAY)
    assert (account.last_top_up_wh, account.last_top_up_at) == (700, START + 4 * HOUR)


def test_with_coupling_a_top_up_closes_by_itself() -> None:
    meter = prepaid(1_000, coupling=1)
    meter.apply(TopUp(700), START + 3 * HOUR)
    assert states(meter, START + 3 * HOUR + 10) == [(HOUR, 7), (3 * HOUR, 8), (3 * HOUR + 5, 4)]


def test_without_restriction_the_debt_grows_and_comes_off_the_next_top_up() -> None:
    meter = prepaid(1_000, cut_off_basis=0x22)
    assert meter.prepayment(START + 3 * HOUR).debt_mws == 2_000 * WH
    meter.apply(TopUp(1_500), START + 3 * HOUR)
    assert meter.prepayment(START + 3 * HOUR).debt_mws == 500 * WH
    meter.apply(TopUp(1_500), START + 3 * HOUR)
    assert (meter.prepayment(START + 3 * HOUR).debt_mws, meter.prepayment(START + 3 * HOUR).remaining_mws) == (
        0,
        1_000 * WH,
    )
    assert states(meter, START + 3 * HOUR) == []


def test_in_the_slot_of_the_day_and_on_exception_days_the_supply_goes_on() -> None:
    meter = prepaid(1_000)
    meter.apply(SetPrepaymentExceptions(("2024-01-16",), start_s=12 * HOUR, end_s=18 * HOUR), START)
    assert states(meter, START + 3 * DAY) == [(6 * HOUR, 7)]
    meter = prepaid(13_000)
    meter.apply(SetPrepaymentExceptions(("2024-01-16",)), START)
    assert states(meter, START + 3 * DAY) == [(MIDNIGHT + DAY - START, 7)]
    assert meter.prepayment(START + 3 * DAY).debt_mws == 23_000 * WH


def test_an_emergency_supply_limits_the_load_for_its_days_and_then_ends() -> None:
    meter = prepaid(1_000, threshold_low=2, threshold_high=40, t_prepayment_low_max=3)
    meter.apply(SetLoad((230_000, 0, 0)), START + 2 * HOUR)
    assert meter.breaker(START + 2 * HOUR).threshold == 2
    assert meter.prepayment(START + 2 * HOUR).low_since == START + HOUR
    assert states(meter, START + 2 * HOUR) == [(HOUR + 1, 5), (HOUR + 30, 6)]

    meter = prepaid(1_000, threshold_low=5, threshold_high=40, t_prepayment_low_max=3)
    assert meter.prepayment(START + 2 * DAY).low_power_left_s(START + 2 * DAY) == DAY + HOUR
    assert states(meter, START + 5 * DAY) == [(HOUR + 3 * DAY, 9)]
    meter.apply(TopUp(100_000), START + 5 * DAY)
    assert states(meter, START + 5 * DAY)[-1] == (5 * DAY, 8)
    assert meter.breaker(START + 5 * DAY).threshold == 40


def test_the_alarm_comes_when_the_limit_is_reached() -> None:
    meter = prepaid(2_000)
    meter.apply(SetPrepaymentAlarm(500), START)
    assert not meter.status(START + 5_399).event_b & EventB.PREPAYMENT_ALARM
    assert meter.status(START + 5_400).event_b & EventB.PREPAYMENT_ALARM


def test_a_breaker_closed_by_hand_without_credit_opens_again() -> None:
    meter = prepaid(1_000)
    for at, command in ((2, 1), (3, 2), (4, 3)):
        meter.apply(OperateBreaker(command), START + at * HOUR)
    assert states(meter, START + DAY)[-2:] == [(4 * HOUR, 4), (4 * HOUR + 1, 7)]


def test_a_power_cut_costs_no_credit() -> None:
    meter = prepaid(1_500)
    meter.apply(SetSupply((0, 0, 0)), START + HOUR)
    meter.apply(SetSupply(), START + DAY)
    assert meter.prepayment(START + DAY).remaining_mws == 500 * WH
    assert states(meter, START + 2 * DAY) == [(DAY + 1 + 1_800, 7)]


def emergency(**parameters: int) -> Meter:
    """No credit, and 2 A in its place."""
    meter = meter_on()
    meter.apply(SetLoad((230_000, 0, 0)), START)
    for name, value in ({"threshold_low": 2, "cut_off_basis": 2} | parameters).items():
        meter.apply(SetBreakerParameter(name, value), START)
    assert meter.breaker(START + 10).low_power
    assert meter.prepayment(START + 10).low_since == START + 1
    return meter


@pytest.mark.parametrize("basis", [0, 2 | 32], ids=["without prepayment", "without restriction"])
def test_an_emergency_supply_is_over_when_the_basis_no_longer_asks_for_credit(basis: int) -> None:
    meter = emergency(t_prepayment_low_max=3)
    meter.apply(SetBreakerParameter("cut_off_basis", basis), START + 100)
    assert not meter.breaker(START + 100).low_power
    meter.apply(SetLoad((3_000_000,) * 3), START + 100)
    assert meter.prepayment(START + 30 * DAY).low_since is None
    assert states(meter, START + 30 * DAY) == []

    meter.apply(SetLoad((230_000, 0, 0)), START + 30 * DAY)
    meter.apply(SetBreakerParameter("cut_off_basis", 2), START + 30 * DAY)
    assert meter.prepayment(START + 31 * DAY).low_since == START + 30 * DAY + 1
    assert states(meter, START + 40 * DAY) == [(33 * DAY + 1, 9)]


def test_an_exception_lifts_the_limit_of_an_emergency_supply_for_as_long_as_it_lasts() -> None:
    meter = emergency()
    meter.apply(SetPrepaymentExceptions(("2024-01-15",)), START + 100)
    meter.apply(SetLoad((3_000_000,) * 3), START + 110)
    assert not meter.breaker(START + 200).low_power
    assert states(meter, MIDNIGHT) == []
    assert states(meter, MIDNIGHT + DAY) == [(12 * HOUR + 1, 5), (12 * HOUR + 30, 6)]
    assert meter.breaker(MIDNIGHT + DAY).low_power
    assert meter.prepayment(MIDNIGHT + DAY).low_since == START + 1

    meter = emergency()
    meter.apply(SetPrepaymentExceptions((), start_s=20 * HOUR, end_s=22 * HOUR), START + 100)
    limited = [meter.breaker(START + at).low_power for at in (8 * HOUR - 1, 8 * HOUR, 10 * HOUR - 1, 10 * HOUR)]
    assert limited == [True, False, False, True]


def test_an_emergency_supply_whose_threshold_is_taken_away_ends_at_once() -> None:
    meter = emergency()
    meter.apply(SetBreakerParameter("threshold_low", 0), START + 100)
    assert states(meter, START + HOUR) == [(101, 7)]


def test_an_emergency_supply_through_changes_is_the_same_second_by_second_and_in_one_jump() -> None:
    jump, walk = emergency(coupling=1), emergency(coupling=1)
    for meter in (jump, walk):
        meter.apply(SetPrepaymentExceptions(("2024-01-16",), start_s=13 * HOUR, end_s=14 * HOUR), START + 100)
        meter.apply(SetPrepaymentAlarm(5), START + 100)
        meter.apply(SetLoad((3_000_000, 0, 0)), START + 100)
        meter.apply(TopUp(3), START + 101)
        if meter is walk:
            for now in range(START + 102, START + 3 * HOUR):
                meter.advance(now)
            for now in range(START + 3 * HOUR, MIDNIGHT + HOUR, 7):
                meter.breaker(now)
        meter.apply(SetBreakerParameter("cut_off_basis", 0), MIDNIGHT + HOUR)
        meter.advance(MIDNIGHT + 2 * DAY)
    assert walk.snapshot() == jump.snapshot()


def test_the_alarm_comes_at_once_where_the_credit_is_below_the_limit_already() -> None:
    meter = meter_on()
    meter.apply(SetLoad((0, 0, 0)), START)
    meter.apply(SetBreakerParameter("cut_off_basis", 2), START)
    meter.apply(TopUp(10_000), START)
    meter.apply(SetPrepaymentAlarm(5_000), START + 10)
    assert not meter.prepayment(START + DAY).alarmed
    meter.apply(SetPrepaymentAlarm(10_000), START + DAY)
    assert meter.status(START + DAY + 1).event_b & EventB.PREPAYMENT_ALARM

    meter = meter_on()
    meter.apply(SetLoad((0, 0, 0)), START)
    meter.apply(TopUp(1_000), START)
    meter.apply(SetPrepaymentAlarm(5_000), START)
    assert not meter.prepayment(START + 10).alarmed
    meter.apply(SetBreakerParameter("cut_off_basis", 2), START + 10)
    assert meter.prepayment(START + 11).alarmed
    assert meter.prepayment(START + DAY).remaining_mws == 1_000 * WH
