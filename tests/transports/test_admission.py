"""Who may connect: connections and failures are counted by host, and bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transports.admission import Admission, PeerLimits

LIMITS = PeerLimits(connections=4, connections_per_host=2, failures_per_host=3, window_s=60)


def test_a_host_has_so_many_connections_and_others_still_have_theirs() -> None:
    admission = Admission(LIMITS)
    assert [admission.enter("a", 0), admission.enter("a", 0)] == [None, None]
    assert admission.enter("a", 0) == "2 connections of this host are open"
    assert admission.enter("b", 0) is None
    admission.leave("a")
    assert admission.enter("a", 0) is None


def test_all_hosts_together_have_so_many() -> None:
    admission = Admission(LIMITS)
    for host in "abcd":
        assert admission.enter(host, 0) is None
    assert admission.enter("e", 0) == "4 connections are open"
    admission.leave("c")
    assert admission.enter("e", 0) is None


def test_after_too_many_failures_a_host_is_shut_out_until_the_window_is_over() -> None:
    admission = Admission(LIMITS)
    for second in range(4):
        assert admission.enter("a", second) is None
        assert admission.failed("a", second) is (second == 3)
        admission.leave("a")
    assert admission.enter("a", 4) == "4 failures of this host"
    assert admission.enter("b", 4) is None
    assert admission.enter("a", 59.9) is not None
    assert admission.enter("a", 60) is None


def test_failures_in_different_windows_do_not_add_up() -> None:
    admission = Admission(LIMITS)
    for window in range(10):
        for _ in range(3):
            admission.failed("a", window * 60)
        assert admission.enter("a", window * 60) is None
        admission.leave("a")


def test_hosts_that_are_remembered_are_bounded() -> None:
    admission = Admission(LIMITS)
    for number in range(10_000):
        admission.failed(f"host {number}", 0)
    assert len(admission._failures) == 4096
    assert admission._open == {}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans())))
def test_whatever_comes_and_goes_the_limits_hold(steps: list[tuple[str, bool]]) -> None:
    admission = Admission(LIMITS)
    present: list[str] = []
    for host, comes in steps:
        if comes:
            let_in = admission.enter(host, 0) is None
            assert let_in is (len(present) < 4 and present.count(host) < 2)
            if let_in:
                present.append(host)
        elif host in present:
            admission.leave(host)
            present.remove(host)
    for host in present:
        admission.leave(host)
    assert admission._open == {}
    assert admission._total == 0
