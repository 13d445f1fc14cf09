"""A hand-held terminal for the tests: signs on, gives a password, sends commands, hears what the meter says."""

from __future__ import annotations

import time

from tests.server.clients import PATIENCE_S, Port
from transports.iec62056_21.characters import BlockCheck
from transports.iec62056_21.client_messages import (
    Acknowledge,
    Break,
    ClientMessage,
    Command,
    Fault,
    OptionSelect,
    Request,
)
from transports.iec62056_21.framing import OF_METERS, MessageReader
from transports.iec62056_21.meter_messages import Challenge, Data, Identification, MeterMessage, parse_meter

QUICK = """name = "quick"
inherits = "{profile}"
[iec62056_21]
initial_speed = 9600
reaction_time_s = 0.002
ack_to_data_s = 0.002
ident_to_data_s = 0.002
"""
"""A device profile whose meter does not keep a test waiting."""


class Terminal:
    """A client at one port; blocking, with a deadline for each answer."""

    def __init__(self, port: Port, bcc: BlockCheck = "xor") -> None:
        self.port = port
        self._bcc = bcc
        self._reader = MessageReader(OF_METERS)
        self._reader.option_select = False
        self._heard: list[MeterMessage] = []

    def say(self, message: ClientMessage) -> None:
        """Send a message."""
        octets = message.encode(self._bcc) if isinstance(message, (Command, Break)) else message.encode()
        self.port.write(octets)

    def hear(self, patience_s: float = PATIENCE_S) -> MeterMessage | None:
        """The next message; `None` where none comes in time."""
        deadline = time.monotonic() + patience_s
        while not self._heard:
            left = deadline - time.monotonic()
            data = self.port.read(left) if left > 0 else b""
            if not data:
                return None
            for octet in data:
                whole = self._reader.receive(octet)
                if whole is not None:
                    message = parse_meter(whole.octets, self._bcc)
                    assert message is not None, whole
                    assert not isinstance(message, Fault), whole
                    self._heard.append(message)
        return self._heard.pop(0)

    def sign_on(self, mode: str = "1", address: str = "") -> Identification:
        """Open programming or another mode; its P0 is heard."""
        self.say(Request(address))
        identification = self.hear()
        assert isinstance(identification, Identification), identification
        self.say(OptionSelect("0", "5", mode))
        if mode != "0":
            assert self.hear() == Challenge("")
        return identification

    def login(self, mode: str = "1", password: str = "12345") -> None:
        """Sign on and give the right password."""
        self.sign_on(mode)
        assert self.ask("P1", "", password) == Acknowledge()

    def ask(self, command: str, address: str = "", data: str = "") -> MeterMessage | None:
        """Send a command and hear its answer."""
        self.say(Command(command, address, data))
        return self.hear()

    def blocks(self, command: str, address: str, data: str = "") -> list[str]:
        """The blocks of an answer, each acknowledged."""
        answer = self.ask(command, address, data)
        found = []
        while True:
            assert isinstance(answer, Data), answer
            found.append(answer.text)
            if not answer.more:
                return found
            self.say(Acknowledge())
            answer = self.hear()

    def end(self) -> None:
        """Sign off and leave."""
        self.say(Break())
        self.port.close()  # type: ignore[attr-defined]  # every port can
