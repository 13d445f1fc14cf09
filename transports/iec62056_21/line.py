"""All IEC 62056-21 meters on one line: each hears every message, only the one addressed answers."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from ..events import Event
from .characters import ACK
from .dialogue import Dialogue, MeterPort
from .dialogue_states import State
from .framing import OF_CLIENTS, MessageReader
from .push import PushSchedule
from .settings import BITS_PER_CHARACTER

_DEFAULT_SPEED: Final = 300


class Iec62056Line:
    """The meters' side of one line, sans-I/O.

    Its events are those of programming links: `CommandReceived`, `LinkDisconnected`.

    Speed changes: after taking `data_to_send`, look at `speed`; where it differs from the port's, change the
    port once those octets have left it.
    """

    def __init__(self) -> None:
        self._reader = MessageReader(OF_CLIENTS)
        self._dialogues: dict[Hashable, Dialogue] = {}
        self._pushes: dict[Hashable, PushSchedule] = {}
        self._noise_octets = 0  # in messages that say nothing
        self._begun = 0.0  # when the message that is being heard began
        self._last_octet = 0.0
        self._line_speed: int | None = None
        self.messages = 0  # heard on the line, for whomever

    def attach(self, device: Hashable, meter: MeterPort) -> None:
        """Put a meter on the line."""
        self._dialogues[device] = Dialogue(device, meter)
        self._dialogues[device].set_line_speed(self._line_speed)
        self._pushes[device] = PushSchedule()

    def detach(self, device: Hashable) -> list[Event]:
        """Take a meter off the line; its dialogue ends."""
        dialogue = self._dialogues.pop(device, None)
        self._pushes.pop(device, None)
        if dialogue is None:
            return []
        dialogue.reset("the meter is detached")
        return dialogue.events

    @property
    def idle(self) -> bool:
        """The line is between messages."""
        return self._reader.idle

    @property
    def active(self) -> bool:
        """A dialogue goes on, or a message has begun."""
        return not self.idle or any(dialogue.busy for dialogue in self._dialogues.values())

    @property
    def owes(self) -> bool:
        """A meter is still to say what a reader has asked for."""
        return any(dialogue.owes for dialogue in self._dialogues.values())

    @property
    def dialogue(self) -> int | None:
        """A number that each dialogue has for itself; `None` while there is none, or HDLC has the line."""
        if self.opened_hdlc or not any(dialogue.busy for dialogue in self._dialogues.values()):
            return None
        return sum(dialogue.begun for dialogue in self._dialogues.values())

    @property
    def opened_hdlc(self) -> bool:
        """A meter has confirmed mode E: what comes is HDLC at `speed`, until `reset`."""
        return any(dialogue.state is State.HDLC for dialogue in self._dialogues.values())

    @property
    def noise_octets(self) -> int:
        """Octets dropped because they belonged to no message, or to one that says nothing."""
        return self._reader.noise_octets + self._noise_octets

    def set_line_speed(self, baud: int | None) -> None:
        """The speed at which readers sign on now, where that is known; `None`: that of each meter's settings."""
        self._line_speed = baud
        for dialogue in self._dialogues.values():
            dialogue.set_line_speed(baud)

    @property
    def speed(self) -> int:
        """The speed of the dialogue that goes on, else the initial one."""
        speeds = [(not dialogue.busy, dialogue.speed) for dialogue in self._dialogues.values()]
        return min(speeds, default=(True, _DEFAULT_SPEED))[1]

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take octets in any portions; returns what they brought about.

        Where characters take their time (`line_time`), a message ends for the dialogue when its last one would have
        come over a line at the present speed. On a real line that is now, and what comes alone has begun a character
        ago; a pty delivers at once what a reader believes to be under way.
        """
        self._do_due(now)
        begun = now - BITS_PER_CHARACTER / self.speed if len(data) == 1 else now
        for octet in data:
            if self._reader.idle:
                self._begun = begun
            if octet & 0x7F == ACK:
                self._reader.option_select = not self._programming
            heard = self._reader.receive(octet)
            self._last_octet = now
            if heard is None:
                continue
            on_line = self._begun + len(heard.octets) * BITS_PER_CHARACTER / self.speed
            said = [dialogue.receive(heard, now, on_line) for dialogue in self._dialogues.values()]
            if any(said):
                self.messages += 1
            else:
                self._noise_octets += len(heard.octets)
        self.note_traffic(now)
        return self._events()

    def handle_timer(self, now: float) -> list[Event]:
        """Give up half a message; let the dialogues do what is due."""
        self._do_due(now)
        return self._events()

    def next_timer(self) -> float | None:
        """When `handle_timer` is next due."""
        receiving = not self._reader.idle
        deadlines = [self._last_octet + self._inter_character_timeout_s()] if receiving else []
        for device, dialogue in self._dialogues.items():
            if not (receiving and dialogue.waits) and (deadline := dialogue.next_timer()) is not None:
                deadlines.append(deadline)
            if (deadline := self._pushes[device].next_timer(dialogue.meter.settings)) is not None:
                deadlines.append(deadline)
        return min(deadlines, default=None)

    def data_to_send(self) -> bytes:
        """Everything that is to go out now, once."""
        chunks: list[bytes] = []
        for dialogue in self._dialogues.values():
            chunks += dialogue.output
            dialogue.output.clear()
        return b"".join(chunks)

    def note_traffic(self, now: float) -> None:
        """The port is used now, by this protocol or another: what would be sent unasked waits for a whole interval."""
        for push in self._pushes.values():
            push.postpone(now)

    def reset(self, reason: str) -> list[Event]:
        """End every dialogue and send no more of it: the stream is gone, or speaks another protocol now."""
        self._reader.drop()
        for dialogue in self._dialogues.values():
            dialogue.reset(reason)
            dialogue.output.clear()
        return self._events()

    @property
    def _programming(self) -> bool:
        return any(dialogue.state is State.PROGRAMMING for dialogue in self._dialogues.values())

    def _do_due(self, now: float) -> None:
        if not self._reader.idle and now >= self._last_octet + self._inter_character_timeout_s():
            self._reader.drop()
        receiving = not self._reader.idle
        for dialogue in self._dialogues.values():
            if not (receiving and dialogue.waits):
                dialogue.handle_timer(now)
        for device, dialogue in self._dialogues.items():
            if self._pushes[device].due(dialogue.meter.settings, now) and not self.active:
                dialogue.push(now)

    def _events(self) -> list[Event]:
        events: list[Event] = []
        for dialogue in self._dialogues.values():
            if dialogue.events:
                events += dialogue.events
                dialogue.events.clear()
        return events

    def _inter_character_timeout_s(self) -> float:
        return max((dialogue.meter.settings.ta_s for dialogue in self._dialogues.values()), default=0.0)
