"""Frames that nobody asked for: how they are made, and when a line has room for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.hdlc import HdlcLine, HdlcParameters, ServerAddress
from transports.hdlc.frame import Frame, FrameCounters, FrameReceiver, Kind
from transports.hdlc.unnumbered import MAX_INFORMATION, UnnumberedTooLong, unnumbered_information
from transports.stream import Stream
from transports.transmit_only import TransmitOnly

ANNOUNCED = unnumbered_information(21, ServerAddress(16, None, 1), b"\x0f\x00")
SNRM = Frame(b"\x03", b"\x21", 0x93).encode()
DISC = Frame(b"\x03", b"\x21", 0x53).encode()


def stream() -> Stream:
    line = HdlcLine()
    line.attach("meter", lambda: 32, lambda: (1, 16), HdlcParameters)
    return Stream(line)


def test_the_header_of_a_captured_push() -> None:
    assert ANNOUNCED[3:6] == bytes.fromhex("2b2113")


@given(st.integers(1, 126), st.integers(0, 0x3FFE), st.binary(min_size=1, max_size=MAX_INFORMATION - 3))
def test_a_receiver_finds_what_was_announced(client: int, server: int, apdu: bytes) -> None:
    address = ServerAddress(server, 32, 4)
    (frame,) = FrameReceiver(FrameCounters()).receive_data(unnumbered_information(client, address, apdu), 0.0)
    assert (frame.kind, frame.poll, frame.information) == (Kind.UI, True, b"\xe6\xe7\x00" + apdu)
    assert (frame.destination[0] >> 1, ServerAddress.decode(frame.source)) == (client, address)


def test_what_no_frame_holds_is_refused() -> None:
    with pytest.raises(UnnumberedTooLong):
        unnumbered_information(21, ServerAddress(16, None, 1), bytes(MAX_INFORMATION - 2))


def test_an_idle_line_takes_an_announcement() -> None:
    line = stream()
    assert line.announce(ANNOUNCED)
    assert line.data_to_send() == ANNOUNCED
    assert line.data_to_send() == b""


def test_a_line_takes_none_while_somebody_is_connected_or_speaks() -> None:
    line = stream()
    line.receive_data(SNRM, 0.0)
    line.data_to_send()
    assert not line.announce(ANNOUNCED)
    line.receive_data(DISC, 1.0)
    line.data_to_send()
    assert line.announce(ANNOUNCED)
    line.data_to_send()
    line.receive_data(SNRM[:6], 2.0)
    assert not line.announce(ANNOUNCED)
    assert line.data_to_send() == b""


def test_a_line_without_hdlc_takes_none() -> None:
    assert not Stream().announce(ANNOUNCED)


def test_a_line_that_only_sends_hears_nothing() -> None:
    line = TransmitOnly()
    line.send(b"one")
    line.send(b"two")
    assert line.receive_data(SNRM, 0.0) == []
    assert line.data_to_send() == b"onetwo"
    assert line.data_to_send() == b""
    assert (line.next_timer(), line.handle_timer(1e9), line.close("end")) == (None, [], [])
