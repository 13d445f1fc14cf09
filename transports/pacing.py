"""Characters take their time: what a line at 300 or 9600 baud does to octets that come and go at once.

The rules, sans-I/O like any stream:
- A character is ten bits: start, seven data bits and parity, or eight data bits, stop. The eleventh of 8N2 and 8E2
  cannot be told from a pause by whoever receives, so it is not counted.
- Both ways characters arrive in groups of about 5 ms, one character at least, each when its last character is
  complete. A line at 9600 baud so wakes 200 times a second and not 960 times.
- So a request is complete to the stream when its last character would have come, and a pause is one that the
  line had.
- Everything leaves at the speed it was sent at. `speed` follows the stream only when all of that has left.
- Where the stream knows no speed (TCP without a dialogue), and for what comes where nobody can tell the speed of the
  other side, it is the `baud` of the line.
- With `echo`, what is heard also goes back while it comes, as an optical head's own light does, also while an answer
  leaves.
- When somebody takes the line over in a dialogue of IEC 62056-21, or signs on anew, what that dialogue has not sent
  yet is dropped: who comes to a readout at 300 baud does not wait for its end. Nothing else is.
- A line has no memory: of what comes faster than the line for long, what exceeds 64 KiB is lost. While more than that
  waits to leave, nothing is handed on; so memory stays bounded.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final, NamedTuple

from .events import Event
from .stream import ByteStream
from .stream_around import StreamAround

BITS_PER_CHARACTER: Final = 10
GROUP_S: Final = 0.005
"""Shorter than any time-out of a client, longer than a turn of the event loop."""
_LIMIT: Final = 1 << 16
_AT_ONCE: Final = 16
"""Of what has come while too much waited to leave, this is handed on at once, so that its answers are seen in time."""


class _Segment(NamedTuple):
    speed: int
    dialogue: int | None
    octets: bytearray


class _Direction:
    """Characters one after the other, each at the speed it was sent at."""

    def __init__(self) -> None:
        self.octets = 0  # under way
        self._segments: deque[_Segment] = deque()
        self._begun: float | None = None  # when the first of them began; `None`: with the next look

    @property
    def speed(self) -> int | None:
        """That of the characters on the line now."""
        return self._segments[0].speed if self._segments else None

    def send(self, data: bytes, speed: int, begin: float | None = None, dialogue: int | None = None) -> None:
        """Let these follow the others, or begin at this time, or with the next look, where there are none."""
        if not data:
            return
        if not self._segments:
            self._begun = begin
        if not self._segments or self._segments[-1][:2] != (speed, dialogue):
            self._segments.append(_Segment(speed, dialogue, bytearray()))
        self._segments[-1].octets.extend(data)
        self.octets += len(data)

    def arrive(self, now: float, most: int = _LIMIT) -> bytes:
        """The characters that are complete by now, once."""
        arrived = bytearray()
        while self._segments and len(arrived) < most:
            speed, _, octets = self._segments[0]
            if self._begun is None:
                self._begun = now
            # A timer may come a little early; a thousandth of a character is complete enough.
            count = min(len(octets), most - len(arrived), int((now - self._begun) * speed / BITS_PER_CHARACTER + 1e-3))
            if count <= 0:
                break
            arrived += octets[:count]
            del octets[:count]
            self._begun += count * BITS_PER_CHARACTER / speed
            if not octets:
                self._segments.popleft()
        self.octets -= len(arrived)
        return bytes(arrived)

    def next_arrival(self, now: float) -> float | None:
        """When the next group of characters is complete; `now` where they have not begun yet."""
        if not self._segments:
            return None
        if self._begun is None:
            return now
        speed, _, octets = self._segments[0]
        group = max(1, math.ceil(GROUP_S * speed / BITS_PER_CHARACTER))
        return self._begun + min(group, len(octets)) * BITS_PER_CHARACTER / speed

    def drop(self, dialogue: int) -> None:
        """Lose what this dialogue has under way."""
        if self._segments and self._segments[0].dialogue == dialogue:
            self._begun = None
        self._segments = deque(segment for segment in self._segments if segment.dialogue != dialogue)
        self.octets = sum(len(segment.octets) for segment in self._segments)

    def clear(self) -> None:
        """Lose everything under way."""
        self._segments.clear()
        self.octets = 0


class PacedStream(StreamAround):
    """A stream at the pace of its line."""

    def __init__(self, stream: ByteStream, baud: int = 9600, echo: bool = False) -> None:
        super().__init__(stream)
        self._baud = baud
        self._echo = echo
        self._peer_speed: int | None = None
        self._speed = stream.speed or baud  # of what is sent next
        self._now = 0.0
        self._coming = _Direction()
        self._echoed = _Direction()
        self._leaving = _Direction()
        self._left = bytearray()

    @property
    def closing(self) -> str | None:
        """As the stream says, once everything sent has left."""
        return None if self._under_way else self._stream.closing

    @property
    def busy(self) -> bool:
        """Characters are under way."""
        return bool(self._coming.octets) or self._under_way or self._stream.busy

    @property
    def speed(self) -> int | None:
        """The speed of what leaves now, else that of the stream."""
        speed = self._stream.speed
        return speed if speed is None else self._leaving.speed or speed

    def set_line_speed(self, baud: int | None) -> None:
        """What comes next comes at this speed."""
        self._peer_speed = baud
        self._stream.set_line_speed(baud)
        self._speed = self._stream.speed or self._baud

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take octets; they are handed on when they would have come."""
        events = self.handle_timer(now)
        speed = self._peer_speed or self._speed
        data = data[: max(0, _LIMIT - self._coming.octets)]
        self._coming.send(data, speed, now)
        if self._echo:
            self._echoed.send(data, speed, now)
        return events

    def handle_timer(self, now: float) -> list[Event]:
        """Hand on the characters that have come, let those go out that have left."""
        self._now = now
        self._left += self._echoed.arrive(now) + self._leaving.arrive(now)
        events = self._stream.handle_timer(now)
        if self._leaving.octets < _LIMIT and (data := self._coming.arrive(now, _AT_ONCE)):
            events += self._hand_on(data, now)
        return events

    def next_timer(self) -> float | None:
        """When the next characters have come or left, or the stream has something to do."""
        coming = self._coming.next_arrival(self._now) if self._leaving.octets < _LIMIT else None
        going = self._echoed.next_arrival(self._now), self._leaving.next_arrival(self._now)
        deadlines = (self._stream.next_timer(), coming, *going)
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def data_to_send(self) -> bytes:
        """What has left by the time of the last call. What the stream sends now begins to leave with the next."""
        self._leaving.send(self._stream.data_to_send(), self._speed, dialogue=self._stream.dialogue)
        self._speed = self._stream.speed or self._baud
        left = bytes(self._left)
        self._left.clear()
        return left

    def close(self, reason: str) -> list[Event]:
        """What is under way is lost."""
        for direction in (self._coming, self._echoed, self._leaving):
            direction.clear()
        self._left.clear()
        return self._stream.close(reason)

    @property
    def _under_way(self) -> bool:
        return bool(self._echoed.octets or self._leaving.octets or self._left)

    def _hand_on(self, data: bytes, now: float) -> list[Event]:
        dialogue = self._stream.dialogue
        events = self._stream.receive_data(data, now)
        if dialogue is not None and self._stream.dialogue != dialogue:  # timers were before: these octets ended it
            self._leaving.drop(dialogue)
            self._speed = self._stream.speed or self._baud
        return events
