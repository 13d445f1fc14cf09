"""Where the time of the meters comes from: the only place that reads a clock.

`TimeSource.now()` gives true time in UTC seconds and never goes back. Wall time is speed 1 without an offset;
accelerated time runs from an anchor; stepped time moves when told.

Who waits for a moment asks `until` how long that is on the machine's clock. Where it answers None, time moves only when
told, and says so to whoever stands in `moved`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol


class TimeSource(Protocol):
    """True time for meters, in whole UTC seconds."""

    moved: set[Callable[[], None]]
    """Called when time was moved."""

    def now(self) -> int:
        """The present second."""

    def until(self, moment: int) -> float | None:
        """Seconds of the machine until it is `moment`, 0 where that is past; None where time does not go by itself."""


class Anchor(NamedTuple):
    """A line through time: at wall time `wall` true time was `moment`, and it runs `speed` times as fast."""

    wall: float
    moment: float
    speed: float

    def at(self, wall: float) -> float:
        """True time at this wall time."""
        return self.moment + (wall - self.wall) * self.speed


class Reached(NamedTuple):
    """At wall time `wall` the meters will have lived until true time `moment` at the most."""

    wall: float
    moment: float


def resume(kept: Anchor, reached: Reached | None, wall: float) -> float:
    """True time at which meters go on that were left on the line `kept`.

    While nobody runs them, true time goes on like the machine's, whatever the speed was. How far a fast run came
    before it was killed is only known to the last `Reached`, which lies ahead; so nothing read before ever comes
    again.
    """
    if kept.speed <= 1 or reached is None:
        return max(kept.at(wall), kept.moment)
    return min(reached.moment, kept.at(max(wall, kept.wall))) + max(0.0, wall - reached.wall)


class RunningTime:
    """Wall or accelerated time along an `Anchor`."""

    def __init__(self, anchor: Anchor) -> None:
        self.anchor = anchor
        self.moved: set[Callable[[], None]] = set()
        self._latest = 0
        self._is_wall = anchor.speed == 1 and anchor.moment == anchor.wall

    def now(self) -> int:
        """The present second; a machine's clock set back stops it until the time is made up for."""
        wall = time.time()
        moment = int(wall) if self._is_wall else int(self.anchor.at(wall))
        if moment > self._latest:
            self._latest = moment
        return self._latest

    def until(self, moment: int) -> float:
        """Seconds of the machine until then; a clock set back makes it longer, so ask again."""
        return max(0.0, (moment - self.anchor.at(time.time())) / self.anchor.speed)


class SteppedTime:
    """Time that stands still until it is moved: for tests and for the API."""

    def __init__(self, moment: int) -> None:
        self.moment = moment
        self.moved: set[Callable[[], None]] = set()

    def now(self) -> int:
        """The second last set."""
        return self.moment

    def until(self, moment: int) -> float | None:
        """0 where it is past, None while somebody must move time first."""
        return 0.0 if moment <= self.moment else None

    @property
    def anchor(self) -> Anchor:
        """Where this time stands: a restart goes on from there."""
        return Anchor(0.0, float(self.moment), 0.0)

    def forward(self, seconds: int) -> None:
        """Go on by so many seconds."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self.moment += seconds
        for callback in list(self.moved):
            callback()
