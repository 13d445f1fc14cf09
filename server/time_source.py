"""Where the time of the meters comes from: the only place that reads a clock.

`TimeSource.now()` gives true time in UTC seconds and never goes back. Wall time is speed 1 without an offset;
accelerated time runs from an anchor; stepped time moves when told.
"""

from __future__ import annotations

import time
from typing import NamedTuple, Protocol


class TimeSource(Protocol):
    """True time for meters, in whole UTC seconds."""

    def now(self) -> int:
        """The present second."""

    def delay_until(self, moment: int) -> float:
        """Real seconds until `moment` comes."""


class Anchor(NamedTuple):
    """A line through time: at wall time `wall` true time was `moment`, and it runs `speed` times as fast."""

    wall: float
    moment: float
    speed: float

    def at(self, wall: float) -> float:
        """True time at this wall time."""
        return self.moment + (wall - self.wall) * self.speed


class RunningTime:
    """Wall or accelerated time along an `Anchor`.

    An anchor that was kept lets a restarted process go on where it was: true time went on meanwhile.
    """

    def __init__(self, anchor: Anchor) -> None:
        self.anchor = anchor
        self._latest = 0
        self._is_wall = anchor.speed == 1 and anchor.moment == anchor.wall

    @classmethod
    def wall(cls) -> RunningTime:
        """True time is the machine's time."""
        return cls(Anchor(0.0, 0.0, 1.0))

    def now(self) -> int:
        """The present second; a machine's clock set back stops it until the time is made up for."""
        wall = time.time()
        moment = int(wall) if self._is_wall else int(self.anchor.at(wall))
        if moment > self._latest:
            self._latest = moment
        return self._latest

    def delay_until(self, moment: int) -> float:
        """Real seconds until `moment` comes; 0 where it has come."""
        return max(0.0, (moment - self.anchor.at(time.time())) / self.anchor.speed)


class SteppedTime:
    """Time that stands still until it is moved: for tests and for the API."""

    def __init__(self, moment: int) -> None:
        self.moment = moment

    def now(self) -> int:
        """The second last set."""
        return self.moment

    def delay_until(self, moment: int) -> float:
        """Nothing is ever waited for."""
        return 0.0

    @property
    def anchor(self) -> Anchor:
        """Where this time stands: a restart goes on from there."""
        return Anchor(0.0, float(self.moment), 0.0)

    def forward(self, seconds: int) -> None:
        """Go on by so many seconds."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self.moment += seconds
