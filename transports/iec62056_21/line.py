"""All IEC 62056-21 meters on one line: each hears every message, only the one addressed answers."""

from __future__ import annotations

from collections.abc import Hashable

from ..events import Event
from .dialogue import Dialogue, MeterPort
from .messages import MessageReader

_DEFAULT_SPEED = 300


class Iec62056Line:
    """The meters' side of one line, sans-I/O. It carries no APDUs, so unlike its neighbours it has no events.

    Speed changes: after taking `data_to_send`, look at `speed`; where it differs from the port's, change the
    port once those octets have left it.
    """

    def __init__(self) -> None:
        self._reader = MessageReader()
        self._dialogues: dict[Hashable, Dialogue] = {}
        self._first_octet = 0.0  # of the message that has begun
        self._octets = 0
        self._last_octet = 0.0
        self._line_speed: int | None = None
        self.messages = 0  # heard on the line, for whomever
        self.opened_hdlc = False

    def attach(self, device: Hashable, meter: MeterPort) -> None:
        """Put a meter on the line."""
        self._dialogues[device] = Dialogue(meter)
        self._dialogues[device].set_line_speed(self._line_speed)

    def detach(self, device: Hashable) -> None:
        """Take a meter off the line; its dialogue ends."""
        self._dialogues.pop(device, None)

    @property
    def idle(self) -> bool:
        """The line is between messages."""
        return self._reader.idle

    @property
    def active(self) -> bool:
        """A dialogue goes on, or a message has begun."""
        return not self.idle or any(dialogue.next_timer() is not None for dialogue in self._dialogues.values())

    @property
    def noise_octets(self) -> int:
        """Octets dropped because they belonged to no message."""
        return self._reader.noise_octets

    def set_line_speed(self, baud: int | None) -> None:
        """The speed at which readers sign on now, where that is known; `None`: that of each meter's settings."""
        self._line_speed = baud
        for dialogue in self._dialogues.values():
            dialogue.set_line_speed(baud)

    @property
    def speed(self) -> int:
        """The speed of the dialogue that goes on, else the initial one."""
        speeds = [(dialogue.next_timer() is None, dialogue.speed) for dialogue in self._dialogues.values()]
        return min(speeds, default=(True, _DEFAULT_SPEED))[1]

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take octets in any portions.

        A message ends for the dialogue when its last character would have come over a line at the present
        speed. On a real line that is now; a pty delivers at once what a reader believes to be under way.
        """
        events = self.handle_timer(now)
        if self._reader.idle:
            self._first_octet, self._octets = now, 0
        self._octets += len(data)
        self._last_octet = now
        for message in self._reader.receive_data(data):
            self.messages += 1
            ended = max(now, self._first_octet + self._octets * 10 / self.speed)
            for dialogue in self._dialogues.values():
                dialogue.receive_message(message, ended)
        return events

    def handle_timer(self, now: float) -> list[Event]:
        """Give up half a message; let the dialogues send what is due."""
        if not self._reader.idle and now >= self._last_octet + self._inter_character_timeout_s():
            self._reader.drop()
        for dialogue in self._dialogues.values():
            dialogue.handle_timer(now)
        return []

    def next_timer(self) -> float | None:
        """When `handle_timer` is next due."""
        deadlines = [dialogue.next_timer() for dialogue in self._dialogues.values()]
        if not self._reader.idle:
            deadlines.append(self._last_octet + self._inter_character_timeout_s())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def data_to_send(self) -> bytes:
        """Everything that is to go out now, once."""
        chunks: list[bytes] = []
        for dialogue in self._dialogues.values():
            chunks += dialogue.output
            dialogue.output.clear()
        return b"".join(chunks)

    def reset(self, reason: str) -> list[Event]:
        """End every dialogue: the stream is gone, or speaks another protocol now."""
        self._reader.drop()
        self.opened_hdlc = False
        for dialogue in self._dialogues.values():
            dialogue.reset()
        return []

    def _inter_character_timeout_s(self) -> float:
        return max((dialogue.meter.settings.ta_s for dialogue in self._dialogues.values()), default=0.0)
