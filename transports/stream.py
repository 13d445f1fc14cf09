"""A stream of octets that finds out for itself which protocol it speaks.

Between messages the first octets tell: 7E begins an HDLC frame, 00 01 a WPDU, `/?` (with or without parity)
an IEC 62056-21 request. What begins no protocol the endpoint serves is noise: dropped up to where one does,
and counted. Inside a message everything belongs to its protocol. The wrapper only ever begins a read.

A *lossless* stream (TCP) has no noise: a first read that begins no protocol closes it, as does a bad header of the
wrapper. On a serial line the wrapper begins with 00 01 and nothing else: a run of NULs is what wakes a meter up, and
other noise may be a client at another speed, which a `SpeedSearch` finds.

Recognition looks at the beginning of what was read at once. That a client changes its protocol inside one
read, without waiting for an answer, does not happen: the protocols are dialogues.
"""

from __future__ import annotations

import re
from typing import Protocol

from .events import Event
from .hdlc.frame import FLAG
from .hdlc.line import HdlcLine
from .iec62056_21.line import Iec62056Line
from .speed import SpeedSearch
from .wrapper import VERSION, WrapperLine

_SIGN_ON = rb"[\x2f\xaf](?:\x3f|\Z)"


class ByteStream(Protocol):
    """What a driver moves octets for; `Stream`, and whatever is wrapped around one."""

    @property
    def closing(self) -> str | None:
        """Why the driver must close the connection; `None` while it need not."""

    @property
    def refused(self) -> str | None:
        """The first WPDU that was for nobody here; `None` while there was none."""

    @property
    def busy(self) -> bool:
        """Octets are still on their way through the stream: a peer that says nothing more waits for them."""

    @property
    def speed(self) -> int | None:
        """Baud the line should have once everything sent so far has left; `None` where no protocol cares."""

    def set_line_speed(self, baud: int | None) -> None:
        """The baud at which the other side sends the octets that come next; `None` where nobody can tell."""

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take octets in any portions; returns what they brought about."""

    def handle_timer(self, now: float) -> list[Event]:
        """Do what is due at this time."""

    def next_timer(self) -> float | None:
        """When `handle_timer` is next due."""

    def data_to_send(self) -> bytes:
        """Everything that is to go out now, once."""

    def close(self, reason: str) -> list[Event]:
        """The stream is gone: every link on it ends."""


class Stream:
    """One endpoint's octets; give it a line for each protocol the endpoint serves, and say whether it is TCP."""

    busy = False

    def __init__(
        self,
        hdlc: HdlcLine | None = None,
        wrapper: WrapperLine | None = None,
        iec: Iec62056Line | None = None,
        *,
        lossless: bool = False,
        search: SpeedSearch | None = None,
    ) -> None:
        self.hdlc = hdlc
        self.wrapper = wrapper
        self.iec = iec
        self.noise_octets = 0
        self._lossless = lossless
        self._search = search
        self._fault: str | None = None
        self._held = b""  # a 00 that may be the first half of a version
        self._current: HdlcLine | WrapperLine | Iec62056Line | None = None
        self._only_wrapper = True  # so far: the others have nothing to say
        patterns = [rb"\x7e"] * (hdlc is not None) + [_SIGN_ON] * (iec is not None)
        self._begin = re.compile(b"|".join(patterns) or rb"(?!)")
        if search is not None:
            self.set_line_speed(search.speed)

    @property
    def closing(self) -> str | None:
        """Why the driver must close the connection: nothing can be made of what it carries."""
        return self._fault or (None if self.wrapper is None else self.wrapper.closing)

    @property
    def refused(self) -> str | None:
        """The first WPDU that was for nobody here."""
        return None if self.wrapper is None else self.wrapper.refused

    @property
    def speed(self) -> int | None:
        """The speed of the IEC 62056-21 dialogue, on lines that serve it; TCP has none."""
        return None if self.iec is None or self._lossless else self.iec.speed

    def set_line_speed(self, baud: int | None) -> None:
        """The baud at which the other side sends: that of the next sign-on and its line time."""
        if self.iec is not None:
            self.iec.set_line_speed(baud)

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take octets in any portions; returns what they brought about, oldest first."""
        current = self._current
        if current is not None and current is self.wrapper and data[:1] == b"\x00":  # no other protocol begins so
            events = current.receive_data(data, now)  # the hot path
            if events and self._search is not None:
                self._search.message(now)
            return events
        if not data:
            return []
        search = self._search
        if search is None:
            return self._receive(data, now)
        messages, noise = self._messages, self.noise_octets
        events = self._receive(data, now)
        if self._messages > messages or (events and self._current is self.wrapper):
            search.message(now)
        elif self.noise_octets - noise >= len(data):  # all of it
            search.noise(now)
        self.set_line_speed(search.speed)
        return events

    @property
    def _messages(self) -> int:
        """Whole messages heard so far, the wrapper's excepted."""
        return (0 if self.hdlc is None else self.hdlc.counters.frames) + (0 if self.iec is None else self.iec.messages)

    def _receive(self, data: bytes, now: float) -> list[Event]:
        events = self.handle_timer(now)
        data, self._held = self._held + data, b""
        if not self._continues(data, now):
            data = self._recognise(data, events)
        current = self._current
        if not data or current is None:
            return events
        return events + current.receive_data(data, now)

    def _continues(self, data: bytes, now: float) -> bool:
        """These octets belong to the protocol spoken last."""
        current = self._current
        if isinstance(current, HdlcLine):
            return not current.idle or (current.expects_frame(now) and data[0] & 0xF0 == 0xA0)
        if isinstance(current, WrapperLine):
            return not current.idle or not self._begin.match(data)
        if current is None or not current.active:
            return False
        # Neither octet can begin anything in a dialogue of printable characters.
        begins_hdlc = self.hdlc is not None and data[0] == FLAG
        begins_wrapper = self.wrapper is not None and data[:2] == VERSION
        return not (begins_hdlc or begins_wrapper)

    def _recognise(self, data: bytes, events: list[Event]) -> bytes:
        """Choose the protocol by what begins here or later; returns the octets from there, adds what ended."""
        if self.wrapper is not None and data[0] == 0:
            if len(data) == 1:
                self._held = data
                return b""
            if data[1] == VERSION[1]:
                events += self._switch(self.wrapper)
                return data
        if self._lossless and self._current is None and self._begin.match(data) is None:
            self._fault = f"{data[:8].hex()} begins no protocol"
            return b""
        match = self._begin.search(data)
        if match is None:
            self.noise_octets += len(data)
            return b""
        self.noise_octets += match.start()
        self._only_wrapper = False
        events += self._switch(self.hdlc if data[match.start()] == FLAG else self.iec)
        return data[match.start() :]

    def _switch(self, line: HdlcLine | WrapperLine | Iec62056Line | None) -> list[Event]:
        """From now on this protocol is spoken; a dialogue of the optical port does not go on behind another's back."""
        ended: list[Event] = []
        if self._current is self.iec and line is not self.iec and self.iec is not None:
            ended = self.iec.reset("another protocol is spoken")
        self._current = line
        return ended

    def handle_timer(self, now: float) -> list[Event]:
        """Let every protocol do what is due."""
        if self._search is not None:
            self._search.handle_timer(now)
            self.set_line_speed(self._search.speed)
        events = [] if self.iec is None else self.iec.handle_timer(now)
        if self.wrapper is not None:
            self.wrapper.handle_timer(now)
        return events if self.hdlc is None else events + self.hdlc.handle_timer(now)

    def next_timer(self) -> float | None:
        """The nearest deadline of any protocol."""
        if self._only_wrapper and self._search is None:
            return None if self.wrapper is None else self.wrapper.next_timer()
        sources = (self.hdlc, self.iec, self.wrapper, self._search)
        deadlines = [source.next_timer() for source in sources if source is not None]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def data_to_send(self) -> bytes:
        """Everything that is to go out now, once."""
        if self._only_wrapper:
            return b"" if self.wrapper is None else self.wrapper.data_to_send()
        return b"".join(line.data_to_send() for line in (self.hdlc, self.iec, self.wrapper) if line is not None)

    def close(self, reason: str) -> list[Event]:
        """The stream is gone: every link ends with this reason."""
        events: list[Event] = []
        if self.hdlc is not None:
            events += self.hdlc.close(reason)
        if self.wrapper is not None:
            events += self.wrapper.close(reason)
        if self.iec is not None:
            events += self.iec.reset(reason)
        return events
