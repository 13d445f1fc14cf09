"""The only place that reads a clock: anchors, the machine's time, time that stands still."""

from __future__ import annotations

import time

import pytest

from server.time_source import Anchor, Reached, RunningTime, SteppedTime, resume


def test_an_anchor_is_a_line_through_time() -> None:
    anchor = Anchor(wall=100.0, moment=5000.0, speed=60.0)
    assert anchor.at(100.0) == 5000.0
    assert anchor.at(101.5) == 5090.0
    assert anchor.at(99.0) == 4940.0


def test_wall_time_is_the_machines_whole_seconds() -> None:
    source = RunningTime(Anchor(0.0, 0.0, 1.0))
    before = int(time.time())
    now = source.now()
    assert before <= now <= int(time.time())
    assert isinstance(now, int)


@pytest.mark.parametrize("speed", [0.5, 60.0, 3600.0])
def test_accelerated_time_runs_along_its_anchor(speed: float) -> None:
    anchor = Anchor(time.time() - 10.0, 1_000_000_000.0, speed)
    before = int(anchor.at(time.time()))
    now = RunningTime(anchor).now()
    assert before <= now <= int(anchor.at(time.time()))
    assert now >= 1_000_000_000 + 10 * speed - 1


def test_time_never_goes_back_when_the_machines_clock_does() -> None:
    source = RunningTime(Anchor(time.time(), 1_000_000_000.0, 1.0))
    first = source.now()
    source.anchor = Anchor(time.time() + 500, 1_000_000_000.0, 1.0)  # as if the machine's clock had been set back
    assert source.now() == first


def test_a_killed_fast_run_goes_on_after_all_it_can_have_read() -> None:
    anchor, reached = Anchor(100.0, 5_000.0, 60.0), Reached(110.0, 5_600.0)
    assert resume(anchor, reached, wall=108.0) == anchor.at(108.0)
    assert resume(anchor, reached, wall=110.0) == 5_600.0
    assert resume(anchor, reached, wall=1_110.0) == 6_600.0


def test_meters_go_on_along_a_line_that_is_not_fast() -> None:
    assert resume(Anchor(100.0, 5_000.0, 1.0), None, wall=200.0) == 5_100.0
    assert resume(Anchor(100.0, 5_000.0, 0.5), None, wall=200.0) == 5_050.0
    assert resume(Anchor(100.0, 5_000.0, 1.0), None, wall=50.0) == 5_000.0


def test_stepped_time_stands_still_until_it_is_moved() -> None:
    source = SteppedTime(1000)
    assert source.now() == source.now() == 1000
    source.forward(0)
    source.forward(86_400)
    assert source.now() == 87_400


def test_stepped_time_does_not_go_back() -> None:
    source = SteppedTime(1000)
    with pytest.raises(ValueError, match="does not go back"):
        source.forward(-1)
    assert source.now() == 1000


def test_who_waits_for_a_moment_is_told_how_long_on_the_machines_clock() -> None:
    source = RunningTime(Anchor(time.time(), 1_000_000_000.0, 60.0))
    assert source.until(1_000_000_600) == pytest.approx(10.0, abs=0.5)
    assert source.until(999_999_999) == 0.0


def test_time_that_stands_still_tells_nobody_how_long_but_says_when_it_was_moved() -> None:
    source, moments = SteppedTime(1_000_000_000), []
    source.moved.add(lambda: moments.append(source.now()))
    assert source.until(1_000_000_010) is None
    source.forward(10)
    assert moments == [1_000_000_010]
    assert source.until(1_000_000_010) == 0.0
