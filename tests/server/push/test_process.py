"""The process of a push, with a given clock and given random numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.push.process import PushProcess, Repetition, Schedule, State, Timing


def process(
    timing: Timing = Timing(),  # noqa: B008 - a tuple
    *,
    opens: Callable[[int], int | None] = lambda now: now,
    random: Callable[[int], int] = lambda below: 0,
    schedule: Schedule | None = None,
    clock: Callable[[int], int] = lambda now: now,
) -> PushProcess:
    return PushProcess(0, lambda: timing, opens, clock, random, schedule)


def test_nothing_is_due_until_something_happens() -> None:
    push = process()
    assert push.next_timer() is None
    push.trigger(5)
    assert push.next_timer() == 5
    assert push.handle_timer(5)
    assert push.next_timer() is None
    push.sent(6)
    assert push.state is State.IDLE


def test_a_push_begins_at_random_within_its_interval() -> None:
    asked: list[int] = []

    def random(below: int) -> int:
        asked.append(below)
        return 7

    push = process(Timing(randomisation_s=30), random=random)
    push.trigger(100)
    assert asked == [31]
    assert push.next_timer() == 107
    assert not push.handle_timer(106)
    assert push.handle_timer(107)


def test_retries_follow_each_other_by_growing_pauses_and_then_end() -> None:
    push = process(Timing(retries=3, repetition=Repetition(10, 200, 30)))
    push.trigger(0)
    at = []
    now: int | None = 0
    while now is not None:
        assert push.handle_timer(now)
        at.append(now)
        push.failed(now)
        now = push.next_timer()
    assert at == [0, 10, 30, 60]
    assert push.state is State.IDLE


def test_the_last_failure_says_that_the_push_is_given_up() -> None:
    push = process(Timing(retries=1))
    push.trigger(0)
    push.handle_timer(0)
    assert push.failed(0)
    assert push.handle_timer(1)
    assert not push.failed(1)


def test_what_happens_while_a_push_is_under_way_is_pushed_once_afterwards() -> None:
    push = process()
    push.trigger(0)
    push.handle_timer(0)
    push.trigger(1)
    push.trigger(2)
    push.sent(3)
    assert push.handle_timer(3)
    push.sent(4)
    assert push.next_timer() is None


def test_what_happens_while_a_push_waits_goes_with_it() -> None:
    push = process(Timing(randomisation_s=10), random=lambda below: 10)
    push.trigger(0)
    push.trigger(5)
    assert push.handle_timer(10)
    push.sent(10)
    assert push.next_timer() is None


def test_a_push_waits_for_its_window() -> None:
    push = process(opens=lambda now: max(now, 3600))
    push.trigger(0)
    assert push.next_timer() == 3600
    assert push.handle_timer(3600)


def test_a_random_start_beyond_the_window_waits_for_the_next() -> None:
    push = process(
        Timing(randomisation_s=100),
        opens=lambda now: now if now % 1000 < 50 else now - now % 1000 + 1000,
        random=lambda below: 80,
    )
    push.trigger(0)
    assert not push.handle_timer(80)
    assert push.next_timer() == 1000


def test_a_push_whose_window_never_opens_is_not_made() -> None:
    push = process(opens=lambda now: None)
    push.trigger(0)
    assert push.next_timer() is None


def test_a_schedule_follows_the_clock_of_the_meter() -> None:
    push = process(schedule=Schedule(3600, 5), clock=lambda now: now + 10)
    assert push.next_timer() == 3595
    assert push.handle_timer(3595)
    push.sent(3595)
    assert push.next_timer() == 7195


def test_a_jump_of_time_triggers_a_schedule_once() -> None:
    push = process(schedule=Schedule(10))
    assert push.handle_timer(86_403)
    push.sent(86_403)
    assert push.next_timer() == 86_410


def test_a_schedule_begins_a_push_anew_that_waits_for_its_repetition() -> None:
    push = process(Timing(retries=1, repetition=Repetition(100)), schedule=Schedule(10))
    for now in range(10, 100, 10):
        assert push.next_timer() == now
        assert push.handle_timer(now)
        push.failed(now)


def test_reset_gives_up_what_is_under_way() -> None:
    push = process(Timing(retries=9))
    push.trigger(0)
    push.handle_timer(0)
    push.reset()
    assert not push.failed(1)
    assert push.next_timer() is None


@pytest.mark.parametrize("number", [1, 2, 255])
def test_no_pause_is_longer_than_the_most(number: int) -> None:
    assert Repetition(1, 0xFFFF, 600).pause_s(number) <= 600


@given(
    st.lists(st.sampled_from(["trigger", "timer", "sent", "failed", "reset", "later"]), max_size=60),
    st.integers(0, 3),
    st.booleans(),
)
def test_no_push_is_tried_more_often_than_its_retries_allow(steps: list[str], retries: int, scheduled: bool) -> None:
    push = process(Timing(retries=retries, repetition=Repetition(5)), schedule=Schedule(60) if scheduled else None)
    now = attempts = triggers = 0
    for step in steps:
        before = push.state
        if step == "trigger":
            push.trigger(now)
            triggers += 1
        elif step == "later":
            now += 7
        elif step == "timer":
            at = push.next_timer()
            triggers += scheduled
            attempts += push.handle_timer(now if at is None else max(now, at))
        elif step == "reset":
            push.reset()
            assert push.state is State.IDLE
        else:
            getattr(push, step)(now)
            assert before is State.SENDING or push.state is before
    assert attempts <= triggers * (retries + 1)
