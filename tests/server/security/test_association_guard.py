"""Guessing: what it costs, and that nothing but time or the right answer lifts a lock."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.inputs import SetClock
from server.profile_tables import LockOut
from server.security.association_guard import AssociationGuard
from server.virtual_meter import VirtualMeter
from tests.server.conftest import Lab

LOCK_OUT = LockOut(allowed_failed_attempts=3, initial_lock_out_s=10, steepness=2, max_lock_out_s=60)


@pytest.fixture
def bench(lab: Callable[..., Lab]) -> Lab:
    return lab()


def guard(meter: VirtualMeter, client_sap: int = 33) -> AssociationGuard:
    return AssociationGuard(meter, LOCK_OUT, client_sap, 16)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (1, 0), (3, 0), (4, 10), (5, 20), (6, 40), (7, 60), (8, 60), (2**32 - 1, 60)]
)
def test_each_failure_past_the_allowed_locks_for_longer_up_to_the_maximum(failures: int, seconds: int) -> None:
    assert LOCK_OUT.seconds_after(failures) == seconds


@given(st.integers(0, 50), st.integers(1, 100), st.integers(1, 10), st.integers(1, 10_000), st.integers(0, 10_000))
def test_more_failures_never_lock_for_less(
    allowed: int, initial: int, steepness: int, most: int, failures: int
) -> None:
    lock_out = LockOut(
        allowed_failed_attempts=allowed, initial_lock_out_s=initial, steepness=steepness, max_lock_out_s=most
    )
    assert 0 <= lock_out.seconds_after(failures) <= lock_out.seconds_after(failures + 1) <= most


def test_the_first_failures_are_free_and_the_next_lock(bench: Lab) -> None:
    one = guard(bench.meter)
    for _ in range(3):
        one.failed()
        assert not one.locked
    one.failed()
    assert one.locked
    bench.time.forward(9)
    assert one.locked
    bench.time.forward(1)
    assert not one.locked
    one.failed()
    bench.time.forward(19)
    assert one.locked


def test_what_is_tried_while_locked_neither_counts_nor_prolongs(bench: Lab) -> None:
    one = guard(bench.meter)
    for _ in range(20):
        one.failed()
    assert one.failures == 4
    bench.time.forward(10)
    assert not one.locked


def test_a_success_clears_the_count(bench: Lab) -> None:
    one = guard(bench.meter)
    for _ in range(3):
        one.failed()
    one.succeeded()
    assert one.failures == 0
    one.failed()
    assert not one.locked


def test_success_after_success_writes_nothing(bench: Lab) -> None:
    one = guard(bench.meter)
    one.succeeded()
    assert bench.meter.take_pending() == []


def test_every_failure_is_journaled_before_it_is_answered(bench: Lab) -> None:
    guard(bench.meter).failed()
    assert len(bench.meter.take_pending()) == 1


def test_a_lock_belongs_to_one_association(bench: Lab) -> None:
    for _ in range(4):
        guard(bench.meter, 33).failed()
    assert guard(bench.meter, 33).locked
    assert not guard(bench.meter, 34).locked


def test_a_restart_does_not_lift_a_lock(bench: Lab) -> None:
    for _ in range(4):
        guard(bench.meter).failed()
    again = VirtualMeter(bench.meter.profile, bench.meter.engine, bench.time)
    for entry in bench.meter.take_pending():
        again.replay(entry)
    assert guard(again).locked
    assert guard(again).failures == 4


def test_the_clock_of_the_meter_does_not_lift_a_lock(bench: Lab) -> None:
    for _ in range(4):
        guard(bench.meter).failed()
    bench.meter.apply(SetClock(bench.meter.now() + 86_400))
    assert guard(bench.meter).locked
