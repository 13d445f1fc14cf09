"""A line with meters of IEC 62056-21 on it, as the reader at its other end sees it, with a clock of its own."""

from __future__ import annotations

from transports.events import CommandReceived, Event, LinkDisconnected
from transports.iec62056_21 import Iec62056Line
from transports.iec62056_21.characters import block_check

from .meters import Readout

IDENTIFICATION = b"/KAM5 68535CC453010\r\n"
BLOCK = b"0.0.1(12345678)\r\n1.8.0(0000010*kWh)\r\n!\r\n\x03"
DATA = b"\x02" + BLOCK + bytes((block_check(BLOCK, "xor"),))


class Bench:
    """Time passes in `wait` and stops at every deadline."""

    def __init__(self, *meters: Readout) -> None:
        self.line = Iec62056Line()
        for number, meter in enumerate(meters or (Readout(),)):
            self.line.attach(number, meter)
        self.now = 0.0
        self.sent: list[tuple[float, int, bytes]] = []  # when, at which speed, what
        self.events: list[Event] = []

    def send(self, data: bytes) -> None:
        """The reader sends."""
        self.events += self.line.receive_data(data, self.now)
        self.note()

    def wait(self, seconds: float) -> bytes:
        """Let time pass; returns what was sent meanwhile."""
        already, end = len(self.sent), self.now + seconds
        while (deadline := self.line.next_timer()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.events += self.line.handle_timer(self.now)
            self.note()
        self.now = end
        return b"".join(data for _, _, data in self.sent[already:])

    def note(self) -> None:
        """Look at what was sent."""
        if data := self.line.data_to_send():
            self.sent.append((self.now, self.line.speed, data))

    @property
    def command(self) -> CommandReceived:
        """The last event, which is a command."""
        event = self.events[-1]
        assert isinstance(event, CommandReceived)
        return event

    @property
    def ends(self) -> list[str]:
        """Why links ended."""
        return [event.reason for event in self.events if isinstance(event, LinkDisconnected)]
