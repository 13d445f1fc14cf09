"""The dialogues of transports/README.md, octet by octet, with the lines they are about.

A line of a dialogue is `-> octets   note` of the client or `<- octets   note` of the meter, after the speed of the
line where it has one; three spaces end the octets, which are pairs of hexadecimal digits or characters with the
escapes of Python. Octets that go on below stand under the first. What is in brackets is a remark; after one that
begins `(2 s pass` the client has waited as long, and the meter has said nothing.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import transports
from transports.events import ApduReceived, CommandReceived, Event, FrameReceived, HexFrameReceived
from transports.iec62056_21 import Iec62056Line, Iec62056Settings
from transports.kmp import KmpLine
from transports.kmp_hex import KmpHexLine
from transports.stream import Stream
from transports.wrapper import WrapperLine

from .meters import FramePort, Readout, hdlc_line

README = Path(transports.__file__).parent / "README.md"
_LINE = re.compile(r" *(?:(?P<speed>\d+) +)?(?P<direction>->|<-) (?P<octets>.+?)(?: {3,}.*)?")
_MORE = re.compile(r" {3,}(?P<octets>[0-9A-F]{2}(?: [0-9A-F]{2})*)(?: {3,}.*)?")
_HEX = re.compile(r"[0-9A-F]{2}(?: [0-9A-F]{2})*")
_PAUSE = re.compile(r" *\((?P<seconds>[0-9.]+) s pass.*")
_LONGEST_S = 60.0


class Message(NamedTuple):
    """What one side says, or how long neither does."""

    direction: str
    speed: int | None
    octets: bytes
    seconds: float = 0.0


def dialogues() -> dict[str, list[Message]]:
    """The dialogues of the chapter by their headings."""
    chapter = README.read_text().split("\n## A dialogue of each protocol\n")[1].split("\n## ")[0]
    found = {}
    for part in chapter.split("\n### ")[1:]:
        title, text = part.split("\n", 1)
        assert text.count("```") == 2, title
        found[title] = messages(text.split("```")[1])
    return found


def messages(text: str) -> list[Message]:
    """What is said, in order."""
    found: list[Message] = []
    for line in text.strip("\n").splitlines():
        if match := _LINE.fullmatch(line):
            speed = None if match["speed"] is None else int(match["speed"])
            found.append(Message(match["direction"], speed, octets_of(match["octets"])))
        elif match := _MORE.fullmatch(line):
            found[-1] = found[-1]._replace(octets=found[-1].octets + octets_of(match["octets"]))
        elif match := _PAUSE.fullmatch(line):
            found.append(Message("--", None, b"", float(match["seconds"])))
        else:
            assert line.strip().startswith("("), line
    return found


def octets_of(text: str) -> bytes:
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    return codecs.decode(text, "unicode_escape").encode("latin-1")


# --- the meters -----------------------------------------------------------------------------------------

AARE = "6129A109060760857405080101A203020100A305A103020100BE10040E0800065F1F0400001010007D0007"
APDUS = {
    "601DA109060760857405080101BE10040E01000000065F1F040000181DFFFF": AARE,
    "C0018100010101000001FF0200": "C40181000600BC614F",
}
"""382M DLMS description 4."""

LOAD_PROFILE = [
    "99.1.0(2)(1.0.0)()(1.8.0)(kWh)\r\n(01050201073000)(0000009)\r\n(01050201074500)(0000010)\r\n",
    "99.1.0(2)(1.0.0)()(1.8.0)(kWh)\r\n(01050201080000)(0000010)\r\n",
]
FRAMES = {
    "01": "01 00 04 06 01",
    "10 01 00 01": "10 00 01 02 04 00 00 00 00 8B",
    "10 01 00 80": "10",
    "90": "90 00002348 00000000 0000DECD 000DC841 00000617 00A5CA78 00000000 00000000 10001093",
}
"""KMP protocol description; captures of a 382J and of a 685-382."""


class Meter(Readout):
    """What it says of itself at sign-on may differ."""

    def __init__(self, text: str, settings: Iec62056Settings) -> None:
        super().__init__(settings=settings)
        self._text = text

    def identification(self) -> str:
        return self._text


def answer(event: Event, now: float) -> None:
    """What the meter's application has to say."""
    if isinstance(event, ApduReceived):
        event.link.send_apdu(bytes.fromhex(APDUS[event.apdu.hex().upper()]), now)
    elif isinstance(event, FrameReceived):
        event.link.send_frame(bytes.fromhex(FRAMES[bytes((event.cid, *event.data)).hex(" ").upper()]), now)
    elif isinstance(event, HexFrameReceived):
        event.link.send_frame(bytes.fromhex(FRAMES[f"{event.command:02X}"]), now)
    elif isinstance(event, CommandReceived):
        answer_command(event, now)


def answer_command(event: CommandReceived, now: float) -> None:
    match event.command, event.address, event.data:
        case "P1", _, "12345":
            event.link.acknowledge(now)
        case "P1", _, _:
            event.link.break_off(now)
        case "R5", "1.0.0", _:
            event.link.send_data(["1.0.0(01050201075012)"], now)
        case "R6", "99.1.0", _:
            event.link.send_data(LOAD_PROFILE, now)
        case "W5", _, _:
            event.link.send_error("ER02 READ ONLY", now)
        case _:
            event.link.send_data([f"{event.address}(1)"], now)


def iec_stream(text: str = "KAM5 68535CC453010", hdlc: bool = False, **settings: Any) -> Stream:
    iec = Iec62056Line()
    iec.attach("meter", Meter(text, Iec62056Settings(**settings)))
    return Stream(hdlc_line() if hdlc else None, None, iec)


def wrapper_stream() -> Stream:
    wrapper = WrapperLine()
    wrapper.attach("meter", lambda: (1, 16))
    return Stream(None, wrapper, lossless=True)


def kmp_stream() -> Stream:
    kmp = KmpLine()
    kmp.attach("meter", FramePort())
    return Stream(kmp=kmp)


def hexadecimal_stream() -> Stream:
    kmp_hex = KmpHexLine()
    kmp_hex.attach("meter", FramePort({0xFE}))
    return Stream(kmp_hex=kmp_hex)


def stream_of_everything() -> Stream:
    iec, kmp = Iec62056Line(), KmpLine()
    iec.attach("meter", Meter("KAM5 68535CC453010", Iec62056Settings(programming=True)))
    kmp.attach("meter", FramePort())
    return Stream(hdlc_line(), None, iec, kmp)


SUM = {"bcc": "sum", "end_on_own_line": False}
PROGRAMMED = {"programming": True, "manufacturer_modes": "6"}
STREAMS: dict[str, Callable[[], Stream]] = {
    "HDLC": lambda: Stream(hdlc_line()),
    "Wrapper": wrapper_stream,
    "IEC 62056-21, mode A": lambda: iec_stream("KAM 68438BC450000", modes="A", programming=True),
    "IEC 62056-21, mode A of a 685": lambda: iec_stream("KAM 685-382-OK-10", modes="A", **SUM),
    "IEC 62056-21, mode B": lambda: iec_stream("KAME 68535CC453010", modes="B", max_baud="E"),
    "IEC 62056-21, mode C": iec_stream,
    "IEC 62056-21, programming": lambda: iec_stream(**PROGRAMMED),
    "IEC 62056-21, manufacturer mode": lambda: iec_stream(**PROGRAMMED),
    "IEC 62056-21, mode D": lambda: iec_stream(modes="ACD", d0_interval_s=5.0),
    "IEC 62056-21, mode E": lambda: iec_stream(modes="ACE", hdlc=True),
    "KMP": kmp_stream,
    "The hexadecimal protocol": hexadecimal_stream,
    "One port, whoever comes next": stream_of_everything,
}


# --- the replay -----------------------------------------------------------------------------------------


class Replay:
    """The client's side of a stream: says what the README says, and hears what comes."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.now = 0.0
        self.speed = stream.speed
        """That of the line when the last message was said or heard; it may change once that has left."""

    def say(self, octets: bytes) -> bytes:
        """A moment after whatever was before; gives what is answered at once."""
        self.now += 0.05
        self.speed = self.stream.speed
        return self._after(self.stream.receive_data(octets, self.now))

    def hear(self) -> bytes:
        """Wait until something comes, but not too long; gives it."""
        end = self.now + _LONGEST_S
        while (deadline := self.stream.next_timer()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.speed = self.stream.speed
            if heard := self._after(self.stream.handle_timer(self.now)):
                return heard
        return b""

    def wait(self, seconds: float) -> bytes:
        """Let time pass; gives what has come meanwhile."""
        end = self.now + seconds
        heard = b""
        while (deadline := self.stream.next_timer()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            heard += self._after(self.stream.handle_timer(self.now))
        self.now = end
        return heard

    def _after(self, events: list[Event]) -> bytes:
        for event in events:
            answer(event, self.now)
        return self.stream.data_to_send()


def test_every_protocol_and_mode_has_a_dialogue() -> None:
    assert set(dialogues()) == set(STREAMS)


@pytest.mark.parametrize("title", STREAMS)
def test_a_dialogue_of_the_readme_is_what_happens(title: str) -> None:
    found, heard = Replay(STREAMS[title]()), b""
    for message in dialogues()[title]:
        if message.direction == "<-":
            assert (heard or found.hear()) == message.octets
            heard = b""
        else:
            assert heard + found.wait(message.seconds) == b"", "the README leaves something out"
        if message.direction == "->":
            heard = found.say(message.octets)
        if message.speed is not None:
            assert found.speed == message.speed, message
    assert heard + found.wait(0.1) == b"", "the README leaves something out"
    assert found.stream.closing is None
