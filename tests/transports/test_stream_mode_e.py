"""HDLC that was opened by mode E of IEC 62056-21: whose the line is, at which speed, and until when."""

from __future__ import annotations

import pytest

from transports.hdlc import Frame, HdlcParameters
from transports.iec62056_21 import Iec62056Line, Iec62056Settings
from transports.kmp import FROM_METER, TO_METER, KmpLine, encode_frame
from transports.stream import OPENED_S, Stream

from .meters import FramePort, Readout, hdlc_line

SNRM = bytes.fromhex("7EA0070321930F017E")
DISC = Frame(b"\x03", b"\x21", 0x53).encode()
RR = Frame(b"\x03", b"\x21", 0x11).encode()
READY = Frame(b"\x21", b"\x03", 0x11).encode()
REQUEST = b"/?!\r\n"
GET_TYPE = encode_frame(TO_METER, 0x3F, b"\x01")
TYPE = encode_frame(FROM_METER, 0x3F, b"\x01\x68\x00\x01\x01")


def stream(parameters: HdlcParameters | None = None) -> Stream:
    iec, kmp = Iec62056Line(), KmpLine()
    iec.attach("meter", Readout(settings=Iec62056Settings(modes="ACE", reaction_time_s=0.02)))
    kmp.attach("meter", FramePort())
    return Stream(hdlc_line(parameters), None, iec, kmp)


def opened(parameters: HdlcParameters | None = None) -> Stream:
    """A stream at second 3 whose meter has just confirmed mode E at 9600 baud."""
    found = stream(parameters)
    assert sign_on(found, 0.0).startswith(b"/KAM5\\2")
    found.receive_data(b"\x06252\r\n", 1.0)
    found.handle_timer(3.0)
    assert found.data_to_send() == b"\x06252\r\n"
    assert found.speed == 9600
    return found


def sign_on(found: Stream, now: float) -> bytes:
    assert found.receive_data(REQUEST, now) == []
    found.handle_timer(now + 0.5)
    return found.data_to_send()


def converse(found: Stream, octets: bytes, now: float) -> bytes:
    for event in found.receive_data(octets, now):
        if hasattr(event.link, "send_frame"):
            event.link.send_frame(TYPE[2:-3], now)
    return found.data_to_send()


def test_a_connection_is_made_and_kept_at_the_speed_of_the_opening() -> None:
    found = opened()
    assert converse(found, SNRM, 4.0)
    for now in range(10, 200, 10):
        assert converse(found, RR, float(now)) == READY
        assert found.speed == 9600


def test_disc_leads_back_to_sign_on_at_the_initial_speed_behind_its_answer() -> None:
    found = opened()
    converse(found, SNRM, 4.0)
    assert converse(found, DISC, 5.0).startswith(b"\x7e\xa0"), "UA, still at 9600: a speed counts behind what was sent"
    assert found.speed == 300
    assert sign_on(found, 6.0).startswith(b"/KAM5")


def test_so_does_an_idle_connection() -> None:
    found = opened()
    converse(found, SNRM, 4.0)
    assert found.next_timer() == 24.0
    found.handle_timer(24.0)
    assert found.speed == 300
    assert found.next_timer() is None


@pytest.mark.parametrize(("inactivity_timeout_s", "patience_s"), [(20.0, 20.0), (0.0, OPENED_S)])
def test_so_does_an_opening_that_nobody_uses(inactivity_timeout_s: float, patience_s: float) -> None:
    found = opened(HdlcParameters(inactivity_timeout_s=inactivity_timeout_s))
    assert found.next_timer() == 3.0 + patience_s
    converse(found, Frame(b"\x05", b"\x21", 0x93).encode(), 5.0)
    assert found.next_timer() == 5.0 + patience_s, "a frame, though for nobody here"
    found.handle_timer(5.0 + patience_s)
    assert (found.speed, found.next_timer()) == (300, None)


def test_a_new_snrm_goes_on_with_the_opening() -> None:
    found = opened()
    converse(found, SNRM, 4.0)
    assert converse(found, SNRM, 5.0)
    assert found.speed == 9600


def test_a_sign_on_ends_the_opening_and_is_answered_at_the_speed_it_was_heard_at() -> None:
    found = opened()
    assert sign_on(found, 4.0).startswith(b"/KAM5\\2")
    assert found.speed == 9600
    found.handle_timer(30.0)
    assert found.data_to_send().startswith(b"\x02"), "the dialogue goes on"


def test_kmp_ends_the_opening_and_is_answered_at_the_speed_it_was_heard_at() -> None:
    found = opened()
    converse(found, SNRM, 4.0)
    assert converse(found, GET_TYPE, 5.0) == TYPE
    assert found.speed == 9600
    assert converse(found, RR, 6.0) == READY, "the connection has its own end"
    found.handle_timer(100.0)
    assert found.speed == 300


def test_characters_of_a_dialogue_are_noise_once_hdlc_is_opened() -> None:
    found = opened()
    assert converse(found, b"\x06252\r\n\x15", 4.0) == b""
    assert found.noise_octets == 7
    assert converse(found, SNRM, 5.0)
