"""Lock-out: wrong passwords count in permanent memory, and only time lifts it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.security.layer import Guard
from server.assembly import build_meter
from server.binding import Context
from server.binding.model import object_model
from server.config import MeterConfig
from server.lockout import PasswordGuard
from server.store import Store
from server.time_source import SteppedTime

from .conftest import Lab

RIGHT, WRONG = "12345", "54321"


def test_the_right_password_is_taken_and_costs_nothing(lab: Callable[..., Lab]) -> None:
    bench = lab()
    assert PasswordGuard(bench.meter, "optical").check(RIGHT)
    assert not bench.meter.pending


@pytest.mark.parametrize("password", ["", "1234", "123456", "12345 ", "12345\x00"])
def test_another_is_refused(lab: Callable[..., Lab], password: str) -> None:
    assert not PasswordGuard(lab().meter, "optical").check(password)


def test_the_third_wrong_password_locks_the_port_for_the_right_one_too(lab: Callable[..., Lab]) -> None:
    bench = lab()
    guard = PasswordGuard(bench.meter, "optical")
    assert [guard.check(password) for password in (WRONG, WRONG)] == [False, False]
    assert not guard.locked
    assert not guard.check(WRONG)
    assert guard.locked
    assert not guard.check(RIGHT)
    bench.time.forward(599)
    assert not guard.check(RIGHT)
    bench.time.forward(1)
    assert guard.check(RIGHT)


def test_what_is_tried_while_locked_neither_counts_nor_prolongs_it(lab: Callable[..., Lab]) -> None:
    bench = lab()
    guard = PasswordGuard(bench.meter, "optical")
    for _ in range(3):
        guard.check(WRONG)
    bench.meter.take_pending()
    for _ in range(600):
        assert not guard.check(WRONG)
        bench.time.forward(1)
    assert not bench.meter.pending, "a locked port fills no journal"
    assert guard.check(RIGHT)


def test_after_the_lock_out_there_are_all_attempts_again(lab: Callable[..., Lab]) -> None:
    bench = lab()
    guard = PasswordGuard(bench.meter, "optical")
    for _ in range(3):
        guard.check(WRONG)
    bench.time.forward(600)
    assert not guard.check(WRONG)
    assert not guard.check(WRONG)
    assert guard.check(RIGHT)


def test_a_right_password_clears_the_count(lab: Callable[..., Lab]) -> None:
    guard = PasswordGuard(lab().meter, "optical")
    for _ in range(5):
        assert not guard.check(WRONG)
        assert not guard.check(WRONG)
        assert guard.check(RIGHT)


def test_ports_count_for_themselves(lab: Callable[..., Lab]) -> None:
    bench = lab()
    optical, module = PasswordGuard(bench.meter, "optical"), PasswordGuard(bench.meter, "module")
    for _ in range(3):
        optical.check(WRONG)
    assert module.check(RIGHT)
    assert not optical.check(RIGHT)


@given(st.lists(st.sampled_from([RIGHT, WRONG]) | st.integers(1, 700), max_size=40))
def test_in_any_time_of_the_lock_out_no_more_than_the_attempts_are_wrong(events: list[str | int]) -> None:
    """Whoever guesses gets three guesses each 600 s, unless a right password has come between."""
    config = MeterConfig.model_validate({"installation": "constant", "commissioned": "2026-03-01"})
    time = SteppedTime(1_772_452_800)
    meter, _ = build_meter(config, time, None)
    failures, locked_until = 0, 0
    for event in events:
        if isinstance(event, int):
            time.forward(event)
            continue
        guard = PasswordGuard(meter, "optical")  # a new client each time
        now = meter.now()
        assert guard.locked == (now < locked_until)
        assert guard.check(event) == (event == RIGHT and now >= locked_until)
        if now >= locked_until:
            failures = failures + 1 if event == WRONG else 0
            if failures == 3:
                failures, locked_until = 0, now + 600


@pytest.mark.parametrize("snapshot", [False, True], ids=["from the journal", "from a snapshot"])
def test_a_restart_does_not_lift_it(tmp_path: Path, snapshot: bool) -> None:
    config = MeterConfig.model_validate({"installation": "constant", "commissioned": "2026-03-01"})
    time = SteppedTime(1_772_452_800)
    store = Store(tmp_path / "state.sqlite")
    meter, _ = build_meter(config, time, store)
    guard = PasswordGuard(meter, "optical")
    for _ in range(3):
        guard.check(WRONG)
    store.commit(meter.take_pending()).result()
    if snapshot:
        store.save_snapshot(meter.snapshot()).result()
    store.close()
    again = Store(tmp_path / "state.sqlite")
    meter, _ = build_meter(config, time, again)
    assert PasswordGuard(meter, "optical").locked
    time.forward(600)
    assert PasswordGuard(meter, "optical").check(RIGHT)
    again.close()


# --- where an association has the password of the port ------------------------------------------------------


def guard_of(bench: Lab, client_sap: int, interface: str = "optical") -> Guard:
    model = object_model(bench.meter.profile.name)
    definition = model.definitions[client_sap, 16]
    assert definition.guard is not None
    return definition.guard(Context(model, bench.meter, interface))


def test_the_configuration_association_counts_with_the_port(lab: Callable[..., Lab]) -> None:
    bench = lab()
    door, association = PasswordGuard(bench.meter, "optical"), guard_of(bench, 22)
    assert not door.check(WRONG)
    association.failed()
    assert not door.locked
    association.failed()
    assert door.locked
    assert association.locked
    assert not door.check(RIGHT)
    bench.time.forward(600)
    assert not association.locked
    association.failed()
    association.succeeded()
    assert not door.check(WRONG)
    assert not door.check(WRONG)
    assert door.check(RIGHT)


def test_with_a_password_of_its_own_the_configuration_association_counts_for_itself(lab: Callable[..., Lab]) -> None:
    bench = lab()
    bench.meter.keep_secrets("password of client 22", bench.meter.secrets.with_password(22, 16, b"another"))
    association = guard_of(bench, 22)
    for _ in range(2):
        association.failed()
    assert not association.locked
    association.failed()
    assert association.locked
    assert not PasswordGuard(bench.meter, "optical").locked
    bench.time.forward(600)
    assert not association.locked


@pytest.mark.parametrize("client_sap", [18, 19, 20])
def test_the_documented_associations_of_the_382m_are_never_locked(lab: Callable[..., Lab], client_sap: int) -> None:
    bench = lab()
    for _ in range(20):
        guard_of(bench, client_sap).failed()
    assert not guard_of(bench, client_sap).locked
    assert not PasswordGuard(bench.meter, "optical").locked
