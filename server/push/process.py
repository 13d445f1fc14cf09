"""The process of one push, sans-I/O: from what triggers it to its last attempt (Blue Book 4.4.8).

| state | triggered | timer | sent | failed | refused | reset |
|---|---|---|---|---|---|---|
| IDLE | WAITING | WAITING | | | | IDLE |
| WAITING for its window, random start or repetition | WAITING | SENDING | | | | IDLE |
| SENDING | SENDING, and then once more | | IDLE | WAITING, after the last retry IDLE | IDLE | IDLE |

Refused is what no further attempt would change, as a push that is longer than its destination takes.

A push that waits takes its values when it is sent, so what triggers it again meanwhile goes with it. A schedule
triggers like everything else, but begins a push that waits for its repetition anew: what it would repeat is old. After
a jump of time the schedule triggers once, however many of its moments lie behind.

Times are true times in whole seconds; `now` in, the next deadline out.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple


class State(Enum):
    """Where a push stands."""

    IDLE = "idle"
    WAITING = "waiting"
    SENDING = "sending"


class Repetition(NamedTuple):
    """Seconds between attempts: each pause is exponent/100 of the one before, from `least` to `most`.

    None is shorter than a second (ours): a destination that refuses at once is not asked in a tight loop.
    """

    least: int = 0
    exponent: int = 100
    most: int = 0xFFFF

    def pause_s(self, number: int) -> int:
        """How long to wait after attempt `number` failed, 1 for the first."""
        pause = float(self.least)
        for _ in range(number - 1):
            pause = min(pause * self.exponent / 100, self.most)
        return max(1, int(pause))


class Timing(NamedTuple):
    """What a Push setup says of attempts, read when a push begins; times in seconds."""

    randomisation_s: int = 0
    retries: int = 0
    repetition: Repetition = Repetition()


class Schedule(NamedTuple):
    """Every so many seconds of the meter's clock, so many behind the whole."""

    every_s: int
    offset_s: int = 0

    def after(self, clock: int) -> int:
        """The first moment behind `clock`."""
        return clock + self.every_s - (clock - self.offset_s) % self.every_s


class PushProcess:
    """One push of one meter.

    `timing` is asked for at each trigger, `opens(now)` for the first moment at which a communication window is open
    (None for never), `clock(now)` for the meter's clock. `random(n)` gives a number below n.
    """

    def __init__(
        self,
        now: int,
        timing: Callable[[], Timing],
        opens: Callable[[int], int | None],
        clock: Callable[[int], int],
        random: Callable[[int], int],
        schedule: Schedule | None = None,
    ) -> None:
        self.state = State.IDLE
        self._timing = timing
        self._opens = opens
        self._clock = clock
        self._random = random
        self._schedule = schedule
        self._scheduled_at: int | None = None
        self._due = 0
        self._failures = 0
        self._again = False
        self._plan(now)

    def trigger(self, now: int) -> None:
        """Something has happened that is to be pushed."""
        if self.state is State.SENDING:
            self._again = True
        elif self.state is State.IDLE:
            self._begin(now)

    def next_timer(self) -> int | None:
        """When `handle_timer` is next due."""
        due = self._due if self.state is State.WAITING else None
        return min((moment for moment in (due, self._scheduled_at) if moment is not None), default=None)

    def handle_timer(self, now: int) -> bool:
        """Do what is due; true where an attempt is to be made now, and then `sent` or `failed` must follow."""
        if self._scheduled_at is not None and now >= self._scheduled_at:
            self._plan(now)
            if self.state is State.WAITING and self._failures:
                self.state = State.IDLE
            self.trigger(now)
        if self.state is not State.WAITING or now < self._due:
            return False
        opens = self._opens(now)
        if opens != now:
            self._wait(opens)
            return False
        self.state = State.SENDING
        return True

    def sent(self, now: int) -> None:
        """The attempt succeeded."""
        if self.state is State.SENDING:
            self._end(now)

    def failed(self, now: int) -> bool:
        """The attempt failed; false where it was the last, and the push is given up."""
        if self.state is not State.SENDING:
            return False
        self._failures += 1
        timing = self._timing()
        if self._failures > timing.retries:
            self._end(now)
            return False
        self._again = False
        self._wait(self._opens(now + timing.repetition.pause_s(self._failures)))
        return self._under_way

    @property
    def _under_way(self) -> bool:
        return self.state is not State.IDLE

    def refused(self, now: int) -> None:
        """The attempt cannot succeed, however often it is made."""
        self.sent(now)

    def reset(self) -> None:
        """Give up what is under way; the schedule goes on."""
        self.state = State.IDLE
        self._again = False

    def _begin(self, now: int) -> None:
        self._failures = 0
        opens = self._opens(now)
        self._wait(None if opens is None else opens + self._random(self._timing().randomisation_s + 1))

    def _wait(self, until: int | None) -> None:
        self.state = State.IDLE if until is None else State.WAITING
        self._due = self._due if until is None else until

    def _end(self, now: int) -> None:
        again = self._again
        self.reset()
        if again:
            self._begin(now)

    def _plan(self, now: int) -> None:
        if self._schedule is not None:
            clock = self._clock(now)
            self._scheduled_at = now + self._schedule.after(clock) - clock
