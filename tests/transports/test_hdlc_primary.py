"""The primary station against the secondary: connecting, segments both ways, polling, giving up."""

from __future__ import annotations

import pytest

from transports.events import ApduReceived as Asked
from transports.hdlc import Frame, HdlcLine, HdlcParameters, HdlcPrimary
from transports.hdlc.frame import FrameCounters, FrameReceiver
from transports.hdlc.parameters import Negotiated
from transports.hdlc.primary import ApduReceived, Connected, Disconnected, Failed, PrimaryEvent, State

from .meters import SESSIONS, echo, hdlc_line


class Bench:
    """A client and a meter with a good line between them, and a clock that stops at every deadline."""

    def __init__(self, line: HdlcLine | None = None, primary: HdlcPrimary | None = None) -> None:
        self.line = line or hdlc_line()
        self.primary = primary or HdlcPrimary(16, 1)
        self.now = 0.0
        self.events: list[PrimaryEvent] = []
        self.asked: list[Asked] = []
        self.sent: list[bytes] = []
        self.answering = True

    def run(self, seconds: float = 0.0) -> list[PrimaryEvent]:
        self.events.clear()
        end = self.now + seconds
        while True:
            while data := self.primary.data_to_send():
                self.sent.append(data)
                events = self.line.receive_data(data, self.now)
                self.asked += [event for event in events if isinstance(event, Asked)]
                if self.answering:
                    echo(events, self.now)
                self.events += self.primary.receive_data(self.line.data_to_send(), self.now)
            deadlines = [deadline for deadline in (self.primary.next_timer(), self.line.next_timer()) if deadline]
            if not deadlines or min(deadlines) > end:
                self.now = end
                return list(self.events)
            self.now = min(deadlines)
            self.line.handle_timer(self.now)
            self.events += self.primary.handle_timer(self.now)

    def connect(self) -> None:
        self.primary.connect(self.now)
        (event,) = self.run()
        assert isinstance(event, Connected)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_connect_ask_and_disconnect(size: int) -> None:
    bench = Bench(primary=HdlcPrimary(16, 1, None if size == 1 else 32, size))
    bench.connect()
    assert bench.primary.limits == Negotiated(128, 512, 1, 1)
    bench.primary.send_apdu(b"get", bench.now)
    assert bench.run() == [ApduReceived(b"get")]
    bench.primary.disconnect(bench.now)
    assert bench.run() == [Disconnected()]
    with pytest.raises(ConnectionError):
        bench.primary.send_apdu(b"get", bench.now)


def test_the_382m_session_from_the_clients_side() -> None:
    primary = HdlcPrimary(16, 1, parameters=HdlcParameters(max_info_transmit=512, max_info_receive=512))
    frames = [bytes.fromhex(frame["hex"]) for frame in SESSIONS[0]["frames"]]
    primary.connect(0.0)
    for asked, answer in zip(frames[::2], frames[1::2], strict=True):
        assert primary.data_to_send() == asked
        primary.receive_data(answer, 0.0)
        following = frames[frames.index(answer) + 1 :][:1]
        if following and following[0] != frames[-2]:
            primary.send_apdu(following[0][11:-3], 0.0)
        elif following:
            primary.disconnect(0.0)
    assert primary.state is State.DISCONNECTED


@pytest.mark.parametrize("window", [1, 3, 7])
def test_long_apdus_go_in_segments_both_ways(window: int) -> None:
    own = HdlcParameters(window, window, 64, 64)
    bench = Bench(hdlc_line(own), HdlcPrimary(16, 1, parameters=own))
    bench.connect()
    apdus = [bytes((number,)) * 1000 for number in range(3)]
    for apdu in apdus:
        bench.primary.send_apdu(apdu, bench.now)
    assert bench.run(5.0) == [ApduReceived(apdu) for apdu in apdus]


def test_a_late_answer_is_fetched_by_polling() -> None:
    bench = Bench()
    bench.connect()
    bench.answering = False
    bench.primary.send_apdu(b"set", bench.now)
    assert bench.run(3.0) == []
    assert len(bench.asked) == 1
    bench.asked[0].link.send_apdu(b"done", bench.now)
    assert bench.run(0.2) == [ApduReceived(b"done")]


def test_an_unconfirmed_apdu_needs_only_rr() -> None:
    bench = Bench()
    bench.connect()
    bench.answering = False
    bench.primary.send_apdu(b"set", bench.now, answered=False)
    bench.run()
    bench.asked[0].link.acknowledge(bench.now)
    bench.primary.receive_data(bench.line.data_to_send(), bench.now)
    assert bench.primary.next_timer() is None


def test_a_meter_that_never_answers_fails_the_connection() -> None:
    bench = Bench()
    bench.connect()
    bench.answering = False
    bench.primary.send_apdu(b"set", bench.now)
    assert bench.run(40.0) == [Failed("no answer for 30 s")]


def test_silence_fails_the_connection_after_the_retries() -> None:
    primary = HdlcPrimary(16, 1, retries=2)
    primary.connect(0.0)
    assert primary.handle_timer(2.0) == []
    assert primary.handle_timer(4.0) == []
    assert primary.handle_timer(6.0) == [Failed("no answer to 3 commands")]
    assert primary.data_to_send().count(b"\x93") >= 3
    assert primary.next_timer() is None


@pytest.mark.parametrize(("control", "words"), [(0x1F, "DM"), (0x97, "FRMR")])
def test_a_rejection_fails_the_connection(control: int, words: str) -> None:
    bench = Bench()
    bench.connect()
    bench.primary.send_apdu(b"get", bench.now)
    (event,) = bench.primary.receive_data(Frame(b"\x21", b"\x03", control).encode(), bench.now)
    assert isinstance(event, Failed)
    assert words in event.reason


def test_a_refused_connection_and_a_ua_without_sense_fail() -> None:
    for answer in (Frame(b"\x21", b"\x03", 0x1F), Frame(b"\x21", b"\x03", 0x73, b"\x81\x80\x01")):
        primary = HdlcPrimary(16, 1)
        primary.connect(0.0)
        (event,) = primary.receive_data(answer.encode(), 0.0)
        assert isinstance(event, Failed)


def test_frames_of_other_stations_are_ignored() -> None:
    primary = HdlcPrimary(16, 1)
    primary.connect(0.0)
    assert primary.receive_data(Frame(b"\x21", b"\x21", 0x73).encode(), 0.0) == []
    assert primary.receive_data(Frame(b"\x23", b"\x03", 0x73).encode(), 0.0) == []


def test_the_client_only_sends_again_what_the_meter_lacks() -> None:
    bench = Bench()
    bench.connect()
    bench.primary.send_apdu(b"get", bench.now)
    bench.primary.data_to_send()  # lost
    bench.now = 2.0
    bench.primary.handle_timer(2.0)
    assert bench.run() == [ApduReceived(b"get")]
    kinds = [frame.kind.name for data in bench.sent for frame in FrameReceiver(FrameCounters()).receive_data(data, 0.0)]
    assert kinds == ["SNRM", "RR", "I"]
