"""A client of KMP, or of the hexadecimal protocol, and a meter on one line in memory."""

from __future__ import annotations

from server.kmp.asker import Asker
from server.kmp.commands import execute
from server.kmp.hex_commands import HexCommands
from server.kmp.port import Port
from server.kmp.sessions import reply
from tests.server.conftest import Lab
from transports.events import FrameReceived, HexFrameReceived
from transports.kmp import FROM_METER, TO_METER, FrameReader, KmpLine, encode_frame
from transports.kmp_hex import KmpHexLine

METER = 0x3F
LATER = 10.0
"""More than any reaction time."""


class KmpWire:
    """Frames in, frames out."""

    def __init__(self, bench: Lab, interface: str = "optical") -> None:
        self.bench = bench
        self.asker = Asker(bench.model, bench.meter, interface)
        self.line = KmpLine()
        self.line.attach(bench.meter, Port(bench.meter, self.asker.profile))

    def exchange(self, octets: bytes) -> bytes:
        """What comes back."""
        for event in self.line.receive_data(octets, 0.0):
            assert isinstance(event, FrameReceived)
            try:
                answer = execute(self.asker, event.cid, event.data)
            except ValueError:
                answer = None
            reply(event.link, answer, 0.0)
        self.line.handle_timer(LATER)
        return self.line.data_to_send()

    def ask(self, cid: int, data: bytes | str = b"", destination: int = METER) -> bytes | None:
        """The data of the answer without its CID; empty for 06; None for silence."""
        octets = bytes.fromhex(data) if isinstance(data, str) else data
        answer = self.exchange(encode_frame(TO_METER, destination, bytes((cid,)) + octets))
        if not answer:
            return None
        if answer == b"\x06":
            return b""
        (frame,) = FrameReader(FROM_METER).receive_data(answer)
        assert (frame.destination, frame.body[0]) == (destination, cid)
        return frame.body[1:]

    def read(self, *numbers: int) -> dict[int, tuple[bytes, bytes]]:
        """Registers: format and mantissa by number, in the order of the answer."""
        data = bytes((len(numbers),)) + b"".join(number.to_bytes(2, "big") for number in numbers)
        answer = self.ask(0x10, data)
        assert answer is not None
        found = {}
        while answer:
            number, width = int.from_bytes(answer[:2], "big"), answer[3]
            found[number] = answer[2:5], answer[5 : 5 + width]
            assert len(found[number][1]) == width
            answer = answer[5 + width :]
        return found

    def value(self, number: int) -> int:
        """The mantissa of a register."""
        return int.from_bytes(self.read(number)[number][1], "big")

    def write(self, number: int, mantissa: int, password: int = 12345) -> bool:
        """Write a register in the format it is read with; whether the meter acknowledged."""
        form, octets = self.read(number)[number]
        record = number.to_bytes(2, "big") + form + mantissa.to_bytes(len(octets), "big")
        return self.ask(0x11, password.to_bytes(2, "big") + record) == b""


class HexWire:
    """Lines of hexadecimal digits in and out, without CR."""

    def __init__(self, bench: Lab) -> None:
        profile = bench.meter.profile.kmp
        assert profile is not None
        self.commands = HexCommands(bench.meter, "optical")
        self.line = KmpHexLine()
        self.line.attach(bench.meter, Port(bench.meter, profile))

    def exchange(self, text: str) -> str:
        """What comes back, nothing for silence."""
        for event in self.line.receive_data(text.encode() + b"\r", 0.0):
            assert isinstance(event, HexFrameReceived)
            reply(event.link, self.commands.execute(event.command, event.data), 0.0)
        self.line.handle_timer(LATER)
        return self.line.data_to_send().decode().rstrip("\r")
