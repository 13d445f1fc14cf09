"""Nothing hangs longer than its timer: whatever a line has heard, whoever asks on is soon answered.

Somebody asks every two seconds, as readers do, while bad octets come in any portions at any times. Ten seconds after
the last of them at most, the meter answers again, and then in every protocol. Over TCP, where half a WPDU has more
time, it may also have closed the connection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.echo import EchoStream
from transports.events import ApduReceived, CommandReceived, Event, FrameReceived, HexFrameReceived
from transports.hdlc import Frame
from transports.iec62056_21 import Iec62056Line, Iec62056Settings
from transports.kmp import FROM_METER, TO_METER, KmpLine, encode_frame
from transports.kmp_hex import KmpHexLine
from transports.pacing import PacedStream
from transports.speed import SpeedSearch
from transports.stream import ByteStream, Stream
from transports.wrapper import PARTIAL_TIMEOUT_S, WrapperLine, encode_wpdu

from .meters import FramePort, Readout, hdlc_line

POLL_S = 2.0
SOON_S = 10.0

SNRM = bytes.fromhex("7EA0070321930F017E")
UA = Frame(b"\x21", b"\x03", 0x73, bytes.fromhex("8180140502008006020080070400000001080400000001")).encode()
GET_TYPE = encode_frame(TO_METER, 0x3F, b"\x01")
TYPE = encode_frame(FROM_METER, 0x3F, b"\x01\x68\x00\x01\x01")
POLLS = {"KMP": (GET_TYPE, TYPE), "IEC 62056-21": (b"/?!\r\n", b"68535CC453010\r\n"), "HDLC": (SNRM, UA)}
"""What is asked, and what there is in the answer."""

WHOLE = [
    *(asked for asked, _ in POLLS.values()),
    b"@FE9072\r",
    b"\x06050\r\n",
    b"\x06051\r\n",
    b"\x06252\r\n",
    b"\x01P1\x02(12345)\x03\x50",
    b"\x01R5\x021.0.0()\x03\x50",
    encode_wpdu(16, 1, b"get"),
    encode_wpdu(16, 1, bytes(2000)),
    encode_wpdu(16, 99, bytes(200)),
    bytes.fromhex("00010010000107FF"),
    bytes.fromhex("000100100001FFFF"),
]


@dataclass
class Meter:
    """A stream with its driver, in given time; `sent` is what has come out since it was last emptied."""

    stream: ByteStream
    now: float = 0.0
    sent: bytes = b""

    def hear(self, octets: bytes, at: float) -> None:
        self.wait(at)
        if self.stream.closing is None:
            self._serve(self.stream.receive_data(octets, self.now))

    def wait(self, until: float) -> None:
        while (deadline := self._deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self._serve(self.stream.handle_timer(self.now))
        self.now = max(self.now, until)

    def _deadline(self) -> float | None:
        return None if self.stream.closing is not None else self.stream.next_timer()

    def _serve(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, ApduReceived):
                event.link.send_apdu(b"got", self.now)
            elif isinstance(event, FrameReceived):
                event.link.send_frame(TYPE[2:-3], self.now)
            elif isinstance(event, HexFrameReceived):
                event.link.send_frame(b"\x90", self.now)
            elif isinstance(event, CommandReceived):
                event.link.acknowledge(self.now)
        self.sent += self.stream.data_to_send()


def everything(*, wrapper: bool = False, lossless: bool = False, search: bool = False) -> Stream:
    """A meter that speaks all of it, at 9600 baud."""
    found_wrapper, iec, kmp, kmp_hex = WrapperLine(), Iec62056Line(), KmpLine(), KmpHexLine()
    found_wrapper.attach("meter", lambda: (1, 16))
    settings = Iec62056Settings(modes="ACDE", programming=True, d0_interval_s=5.0, d0_speed=9600, initial_speed=9600)
    iec.attach("meter", Readout(settings=settings))
    kmp.attach("meter", FramePort(reaction_time_s=0.1))
    kmp_hex.attach("meter", FramePort({0xFE}))
    return Stream(
        hdlc_line(),
        found_wrapper if wrapper else None,
        iec,
        kmp,
        kmp_hex,
        lossless=lossless,
        search=SpeedSearch((9600,)) if search else None,
    )


LINES: dict[str, Callable[[], ByteStream]] = {
    "device": everything,
    "searched device": lambda: everything(search=True),
    "device with echo": lambda: EchoStream(everything()),
    "device at pace": lambda: PacedStream(everything()),
    "line over TCP": lambda: everything(wrapper=True),
    "TCP": lambda: everything(wrapper=True, lossless=True),
}

bad_octets = (
    st.lists(st.sampled_from(b"\x00\x01\x7e\x80\x40\x2f\x3f\x06\x0d\xa0\x10\xff"), max_size=24).map(bytes)
    | st.binary(max_size=40)
    | st.tuples(st.sampled_from(WHOLE), st.integers(0, 24)).map(lambda drawn: drawn[0][: drawn[1]])
    | st.tuples(st.sampled_from(b"\x00\x01\x7e\x80\x40\x2f"), st.sampled_from(WHOLE)).map(
        lambda drawn: bytes((drawn[0],)) + drawn[1]
    )
)
pauses = st.sampled_from([0.0, 0.01, 0.3, 0.7, 1.0, 1.4, 1.9]) | st.floats(0, 5)


def answered(meter: Meter, poll: str, until: float) -> bool:
    """Whether somebody who asks every two seconds gets an answer before this time, or the end."""
    asked, answer = POLLS[poll]
    while meter.now < until and meter.stream.closing is None:
        meter.sent = b""
        meter.hear(asked, meter.now)
        meter.wait(meter.now + POLL_S)
        if answer in meter.sent:
            return True
    return meter.stream.closing is not None


@pytest.mark.parametrize("line", LINES)
@given(poll=st.sampled_from(sorted(POLLS)), bad=st.lists(st.tuples(bad_octets, pauses), max_size=12))
def test_whatever_was_heard_whoever_asks_on_is_answered(line: str, poll: str, bad: list[tuple[bytes, float]]) -> None:
    meter = Meter(LINES[line]())
    next_poll, at = POLL_S, 0.0
    for octets, pause in bad:
        meter.hear(octets, at)
        at += pause
        while next_poll <= at:
            meter.hear(POLLS[poll][0], next_poll)
            next_poll += POLL_S
    meter.wait(at)
    assert answered(meter, poll, at + (PARTIAL_TIMEOUT_S if line == "TCP" else SOON_S))
    for other in POLLS:
        assert answered(meter, other, meter.now + SOON_S), f"{other} after {poll}"


@pytest.mark.parametrize("line", [name for name in LINES if name != "TCP"])
@pytest.mark.parametrize("poll", POLLS)
@pytest.mark.parametrize("octets", ["0001", "00010000", "00010010000107FF", "000100100001FFFF", "7EA7FF", "803F"])
def test_half_a_header_holds_nobody_up(line: str, poll: str, octets: str) -> None:
    meter = Meter(LINES[line]())
    assert answered(meter, poll, SOON_S)
    meter.hear(bytes.fromhex(octets), meter.now)
    assert answered(meter, poll, meter.now + SOON_S)
