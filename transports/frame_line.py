"""What KMP and the hexadecimal protocol of the 685 share: one frame asks, one frame or an acknowledgement answers.

The rules:
- A frame is handed up with the link of each meter it is for. For nobody here, or broken: silence, and a count.
- Every request handed up gets one answer, an acknowledgement or nothing; answers leave in the order of the
  requests, from the address that was asked, no earlier than the meter's reaction time after the request.
- While a meter owes `MOST_UNANSWERED` answers it hears no further request.
- Between two octets of a frame at most `INTER_OCTET_TIMEOUT_S` may pass; then it is given up. Not public, ours: the
  27 ms that KMP's description gives for 1200 baud would break on any serial server or scheduler.
- A link lasts as long as its stream; a meter without power hears and answers nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from .events import Event, FrameReceived, HexFrameReceived, LinkDisconnected

INTER_OCTET_TIMEOUT_S: Final = 0.5
MOST_UNANSWERED: Final = 16


class KmpPort(Protocol):
    """What a line asks a meter for, each time anew."""

    @property
    def powered(self) -> bool:
        """Whether the meter hears anything at all."""

    @property
    def destinations(self) -> frozenset[int]:
        """The addresses it answers to: 0x3F by KMP, 0xFE by the hexadecimal protocol."""

    @property
    def reaction_time_s(self) -> float:
        """From a request to the answer, at least."""


class Addressed(NamedTuple):
    """A frame without start, stuffing and check."""

    destination: int
    body: bytes
    """Command identifier and data; never empty."""

    def __str__(self) -> str:
        size = len(self.body) - 1
        return f"{self.destination:02X} CID {self.body[0]:02X}" + (f" {size} octets" if size else "")


@dataclass
class FrameCounters:
    """What a reader has seen: good frames, and what it dropped and why."""

    frames: int = 0
    noise_octets: int = 0
    too_short: int = 0
    too_long: int = 0
    malformed: int = 0
    check_errors: int = 0
    timeouts: int = 0
    wrong_address: int = 0
    overruns: int = 0


class Reader(ABC):
    """Cuts a stream of octets into frames that begin with `start`, for the addresses that `hears` accepts."""

    def __init__(self, start: int, hears: Callable[[int], bool]) -> None:
        self.counters = FrameCounters()
        self._start = start
        self._hears = hears
        self._buffer = bytearray()  # empty, or begins with the start octet

    @property
    def idle(self) -> bool:
        """No frame has begun."""
        return not self._buffer

    def drop(self) -> None:
        """Give up a frame that has begun."""
        self.counters.noise_octets += len(self._buffer)
        self._buffer.clear()

    @abstractmethod
    def receive_data(self, data: bytes) -> list[Addressed]:
        """Take octets in any portions; returns the good frames they complete, oldest first."""

    def _judge(self, octets: bytes, check_size: int, check: Callable[[bytes], int]) -> Addressed | None:
        """The frame in these octets, whose last `check_size` make `check` 0; what is none is counted."""
        counters = self.counters
        if len(octets) < 2 + check_size:  # address, command
            counters.too_short += 1
        elif check(octets):
            counters.check_errors += 1
        elif not self._hears(octets[0]):
            counters.wrong_address += 1
        else:
            counters.frames += 1
            return Addressed(octets[0], octets[1:-check_size])
        return None


class MeterLink:
    """Whoever asks one meter on this line; see `events.FrameLink`."""

    def __init__(
        self, device: Hashable, port: KmpPort, encode: Callable[[int, bytes], bytes], acknowledgement: bytes
    ) -> None:
        self.device = device
        self.port = port
        self.state: Any = None
        self.output: list[bytes] = []
        self._encode = encode
        self._acknowledgement = acknowledgement
        self._asked: deque[tuple[int, float]] = deque()  # address and earliest answer of requests handed up
        self._due: deque[tuple[float, bytes]] = deque()  # answers that wait for their time

    def send_frame(self, data: bytes, now: float) -> None:
        """Answer the oldest request with a frame."""
        if self._asked:
            destination, ready = self._asked.popleft()
            self._answer(self._encode(destination, data), ready, now)

    def acknowledge(self, now: float) -> None:
        """Answer the oldest request with the acknowledgement alone."""
        if self._asked:
            self._answer(self._acknowledgement, self._asked.popleft()[1], now)

    def ignore(self, now: float) -> None:
        """Give the oldest request no answer."""
        if self._asked:
            self._asked.popleft()

    def ask(self, destination: int, now: float) -> bool:
        """Take a request; `False` where the meter owes too many answers."""
        if len(self._asked) + len(self._due) >= MOST_UNANSWERED:
            return False
        self._asked.append((destination, now + self.port.reaction_time_s))
        return True

    def next_timer(self) -> float | None:
        """When the next answer may leave."""
        return self._due[0][0] if self._due else None

    def handle_timer(self, now: float) -> None:
        """Put out what may leave now."""
        if self._due and not self.port.powered:
            self._due.clear()
        while self._due and self._due[0][0] <= now:
            self.output.append(self._due.popleft()[1])

    def end(self) -> None:
        """The link is dead: nothing is owed any more, nothing waits."""
        self._asked.clear()
        self._due.clear()

    def _answer(self, octets: bytes, ready: float, now: float) -> None:
        self._due.append((ready, octets))
        self.handle_timer(now)


class FrameLine:
    """All meters on one line that speak such a protocol, sans-I/O; used like the other lines."""

    def __init__(
        self,
        make_reader: Callable[[Callable[[int], bool]], Reader],
        encode: Callable[[int, bytes], bytes],
        acknowledgement: bytes,
        event: type[FrameReceived] | type[HexFrameReceived],
    ) -> None:
        self._reader = make_reader(self._hears)
        self._encode = encode
        self._acknowledgement = acknowledgement
        self._event = event
        self._links: dict[Hashable, MeterLink] = {}
        self._last_octet = 0.0

    def attach(self, device: Hashable, meter: KmpPort) -> None:
        """Put a meter on the line."""
        self._links[device] = MeterLink(device, meter, self._encode, self._acknowledgement)

    def detach(self, device: Hashable) -> list[Event]:
        """Take a meter off the line; its link ends."""
        link = self._links.pop(device, None)
        if link is None:
            return []
        link.end()
        return [LinkDisconnected(link, "detached")]

    @property
    def idle(self) -> bool:
        """The line is between frames."""
        return self._reader.idle

    @property
    def owes(self) -> bool:
        """An answer waits for its time."""
        return any(link.next_timer() is not None for link in self._links.values())

    @property
    def counters(self) -> FrameCounters:
        """What happened on the line."""
        return self._reader.counters

    @property
    def messages(self) -> int:
        """Good frames heard for meters here."""
        return self._reader.counters.frames

    @property
    def noise_octets(self) -> int:
        """Octets dropped because they belonged to no frame."""
        return self._reader.counters.noise_octets

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take octets in any portions; returns the requests they complete."""
        events = self.handle_timer(now)
        self._last_octet = now
        for destination, body in self._reader.receive_data(data):
            for link in self._links.values():
                if not link.port.powered or destination not in link.port.destinations:
                    continue
                if link.ask(destination, now):
                    events.append(self._event(link, body[0], body[1:]))
                else:
                    self.counters.overruns += 1
        return events

    def handle_timer(self, now: float) -> list[Event]:
        """Give up half a frame; let answers leave whose time has come."""
        if not self._reader.idle and now >= self._last_octet + INTER_OCTET_TIMEOUT_S:
            self.counters.timeouts += 1
            self._reader.drop()
        for link in self._links.values():
            link.handle_timer(now)
        return []

    def next_timer(self) -> float | None:
        """When `handle_timer` is next due."""
        deadlines = [deadline for link in self._links.values() if (deadline := link.next_timer()) is not None]
        if not self._reader.idle:
            deadlines.append(self._last_octet + INTER_OCTET_TIMEOUT_S)
        return min(deadlines, default=None)

    def data_to_send(self) -> bytes:
        """Everything that is to go out now, once."""
        chunks: list[bytes] = []
        for link in self._links.values():
            chunks += link.output
            link.output.clear()
        return b"".join(chunks)

    def close(self, reason: str) -> list[Event]:
        """The stream is gone: every link ends with this reason, nothing is answered any more."""
        for link in self._links.values():
            link.end()
            link.output.clear()
        return [LinkDisconnected(link, reason) for link in self._links.values()]

    def _hears(self, destination: int) -> bool:
        return any(destination in link.port.destinations for link in self._links.values())
