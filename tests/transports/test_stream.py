"""Recognition: each protocol by its first octets, from a fresh stream and after any other, noise or not."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.events import ApduReceived, LinkDisconnected
from transports.hdlc import Frame
from transports.iec62056_21 import Iec62056Line, Iec62056Settings
from transports.iec62056_21.characters import with_even_parity
from transports.stream import Stream
from transports.wrapper import WrapperLine, encode_wpdu

from .meters import Readout, hdlc_line

SNRM = bytes.fromhex("7EA0070321930F017E")
RR = Frame(b"\x03", b"\x21", 0x11).encode()
IDENTIFICATION = b"/KAM5 68535CC453010\r\n"


def stream(hdlc: bool = True, wrapper: bool = True, iec: bool = True, lossless: bool = False) -> Stream:
    found_wrapper = WrapperLine()
    found_wrapper.attach("meter", lambda: (1, 16))
    found_iec = Iec62056Line()
    found_iec.attach("meter", Readout(settings=Iec62056Settings(reaction_time_s=0.02, initial_speed=9600)))
    lines = hdlc_line() if hdlc else None, found_wrapper if wrapper else None, found_iec if iec else None
    return Stream(*lines, lossless=lossless)


def speak_hdlc(found: Stream, now: float) -> None:
    found.receive_data(SNRM, now)
    found.data_to_send()
    found.receive_data(RR, now)
    assert found.data_to_send() == Frame(b"\x21", b"\x03", 0x11).encode()


def speak_wrapper(found: Stream, now: float) -> None:
    (event,) = [
        event for event in found.receive_data(encode_wpdu(16, 1, b"get"), now) if isinstance(event, ApduReceived)
    ]
    event.link.send_apdu(b"answer", now)
    assert found.data_to_send() == encode_wpdu(1, 16, b"answer")


def speak_iec(found: Stream, now: float) -> None:
    found.receive_data(b"/?!\r\n", now)
    found.handle_timer(now + 0.1)
    assert found.data_to_send() == IDENTIFICATION
    found.receive_data(b"\x06050\r\n", now + 0.1)
    found.handle_timer(now + 1.0)
    assert found.data_to_send().startswith(b"\x020.0.1(")


@pytest.mark.parametrize("order", list(permutations([speak_hdlc, speak_wrapper, speak_iec])))
def test_every_protocol_is_recognised_after_every_other(order: tuple[object, ...]) -> None:
    found = stream()
    for number, speak in enumerate(order * 2):
        assert callable(speak)
        speak(found, number * 2.0)
    assert found.closing is None
    assert found.noise_octets == 0


def test_octet_by_octet_is_as_good() -> None:
    for message in (SNRM + RR[1:], b"/?!\r\n", encode_wpdu(16, 1, b"get")):
        found = stream()
        events = [event for octet in message for event in found.receive_data(bytes((octet,)), 0.0)]
        found.handle_timer(0.1)
        assert found.data_to_send() or any(isinstance(event, ApduReceived) for event in events)


def test_a_request_with_parity_is_recognised() -> None:
    found = stream()
    found.receive_data(with_even_parity(b"/?!\r\n"), 0.0)
    found.handle_timer(0.1)
    assert found.data_to_send() == with_even_parity(IDENTIFICATION)


def test_noise_before_a_message_is_dropped_and_counted() -> None:
    found = stream()
    found.receive_data(b"\x01\x02\xff" + SNRM, 0.0)
    assert found.data_to_send() != b""
    assert found.noise_octets == 3
    found = stream(wrapper=False)
    found.receive_data(b"\x00" * 50 + b"/?!\r\n", 0.0)
    found.handle_timer(0.1)
    assert found.data_to_send() == IDENTIFICATION
    assert found.noise_octets == 50


def test_a_slash_or_zeros_inside_a_lost_frame_begin_nothing() -> None:
    found = stream()
    speak_hdlc(found, 0.0)
    found.receive_data(b"\x03\x21/1.0\x00\x01\x00\x02\x00", 1.0)
    assert found.closing is None
    found.receive_data(b"\x00\x07\x00", 2.0)
    assert found.closing is None
    speak_hdlc(found, 3.0)


def test_a_frame_may_share_the_flag_that_closed_the_one_before() -> None:
    found = stream()
    found.receive_data(SNRM, 0.0)
    found.data_to_send()
    found.receive_data(RR[1:], 0.1)
    assert found.data_to_send() == Frame(b"\x21", b"\x03", 0x11).encode()


def test_flags_and_slashes_inside_a_wpdu_are_data() -> None:
    found = stream()
    octets = encode_wpdu(16, 1, b"~~/?!\r\n~")
    found.receive_data(octets[:9], 0.0)
    (event,) = found.receive_data(octets[9:], 0.0)
    assert isinstance(event, ApduReceived)
    assert event.apdu == b"~~/?!\r\n~"


@pytest.mark.parametrize("wrapper", [True, False])
@pytest.mark.parametrize(
    "octets", ["0002001000010000", "0000001000010001C0", "FFFF001000010001C0", "0102037EA0070321930F017E", "41"]
)
def test_on_tcp_a_first_read_that_begins_no_protocol_closes(octets: str, wrapper: bool) -> None:
    found = stream(wrapper=wrapper, lossless=True)
    found.receive_data(bytes.fromhex(octets), 0.0)
    assert found.closing is not None
    assert octets[:16].lower() in found.closing
    assert found.data_to_send() == b""


def test_on_tcp_half_a_version_may_come_alone() -> None:
    for second, closes in ((1, False), (0, True), (2, True)):
        found = stream(lossless=True)
        found.receive_data(b"\x00", 0.0)
        assert found.closing is None
        found.receive_data(bytes((second, 0)), 0.0)
        assert (found.closing is not None) is closes


@pytest.mark.parametrize("octets", ["0002", "0000", "FFFF"])
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("lossless", [True, False])
def test_a_wrong_version_behind_a_good_wpdu_closes_unless_it_may_be_noise(
    octets: str, at_once: bool, lossless: bool
) -> None:
    found = stream(lossless=lossless)
    speak_wrapper(found, 0.0)
    found.receive_data(encode_wpdu(16, 1, b"get") * at_once + bytes.fromhex(octets + "0010000100 01C0"), 1.0)
    assert (found.closing is not None) is lossless
    if not lossless:
        speak_wrapper(found, 2.0)


@pytest.mark.parametrize("octets", ["0080", "0000001000010001C0", "FFFF001000010001C0", "00FE00"])
def test_on_a_serial_line_the_same_octets_are_noise(octets: str) -> None:
    """What a request at another speed looks like, for example."""
    found = stream()
    found.receive_data(bytes.fromhex(octets), 0.0)
    assert found.closing is None
    speak_iec(found, 1.0)


def test_a_wrapper_length_above_the_limit_closes_a_stream_without_noise() -> None:
    for lossless in (True, False):
        found = stream(lossless=lossless)
        found.receive_data(bytes.fromhex("0001001000017000"), 0.0)
        assert found.closing == ("length 28672 above the limit of 4096" if lossless else None)


def test_what_an_endpoint_does_not_serve_is_noise() -> None:
    found = stream(hdlc=False, iec=False)
    assert found.receive_data(SNRM + b"/?!\r\n", 0.0) == []
    assert found.data_to_send() == b""
    assert found.next_timer() is None
    found = stream(wrapper=False)
    assert found.receive_data(encode_wpdu(16, 1, b"get"), 0.0) == []
    assert found.speed == 9600


def test_the_end_of_the_stream_ends_links_of_every_protocol() -> None:
    found = stream()
    speak_hdlc(found, 0.0)
    speak_wrapper(found, 1.0)
    speak_iec(found, 2.0)
    events = found.close("stream closed")
    assert [type(event) for event in events] == [LinkDisconnected] * 2
    assert found.next_timer() is None


def test_a_stream_that_only_ever_spoke_wrapper_has_no_timer() -> None:
    found = stream()
    speak_wrapper(found, 0.0)
    assert found.next_timer() is None


@given(
    st.lists(
        st.binary(max_size=40)
        | st.sampled_from([SNRM, RR, b"/?!\r\n", b"\x06050\r\n", b"\x15", b"\x7e\xa7\xff\x03", b"/?", b"\x7e"]),
        max_size=20,
    )
)
def test_random_octets_never_raise_and_then_every_serial_protocol_works(portions: list[bytes]) -> None:
    found = stream(wrapper=False)
    for number, portion in enumerate(portions):
        found.receive_data(portion, number * 0.1)
        found.data_to_send()
    found.handle_timer(50.0)
    found.handle_timer(200.0)
    found.data_to_send()
    speak_hdlc(found, 300.0)
    speak_iec(found, 400.0)


def test_an_optical_dialogue_does_not_go_on_behind_another_protocol() -> None:
    found = stream()
    found.receive_data(b"/?!\r\n", 0.0)
    found.handle_timer(0.1)
    assert found.data_to_send() == IDENTIFICATION
    found.receive_data(SNRM, 0.2)
    found.data_to_send()
    found.handle_timer(5.0)
    assert found.data_to_send() == b""


@pytest.mark.parametrize("count", [1, 2, 3, 50])
@pytest.mark.parametrize("at_once", [True, False])
def test_the_nuls_that_wake_a_meter_up_are_noise_where_the_wrapper_is_served_too(count: int, at_once: bool) -> None:
    found = stream()
    if at_once:
        found.receive_data(bytes(count), 0.0)
    else:
        for _ in range(count):
            found.receive_data(b"\x00", 0.0)
    found.receive_data(b"/?!\r\n", 0.0)
    found.handle_timer(0.1)
    assert found.closing is None
    assert found.data_to_send() == IDENTIFICATION


def test_half_a_wpdu_does_not_hold_a_stream_for_ever() -> None:
    found = stream(lossless=True)
    found.receive_data(encode_wpdu(16, 1, bytes(2000))[:9], 1.0)
    assert found.next_timer() == 31.0
    found.receive_data(SNRM, 20.0)
    found.handle_timer(30.9)
    assert found.closing is None
    found.handle_timer(31.0)
    assert found.closing == "half a WPDU for 30 s"


def test_among_noise_half_a_wpdu_is_given_up_after_a_pause_or_when_it_takes_too_long() -> None:
    found = stream()
    found.receive_data(encode_wpdu(16, 1, bytes(2000))[:9], 1.0)
    found.receive_data(b"\x00", 2.0)
    assert found.next_timer() == 3.5
    found.handle_timer(3.5)
    speak_hdlc(found, 3.5)
    now = 10.0
    found.receive_data(encode_wpdu(16, 1, bytes(2000))[:9], now)
    while now < 39.0:
        now += 1.0
        found.receive_data(SNRM, now)
        assert found.data_to_send() == b""
    speak_hdlc(found, 40.0)
    assert found.closing is None


@pytest.mark.parametrize(
    "octets",
    ["0001", "00010000", "000100000001", "0001001000", "000100100002", "00010010000170", "0001001000011001", "000100"],
)
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("message", [SNRM, b"/?!\r\n"], ids=["HDLC", "IEC 62056-21"])
def test_the_version_of_a_wpdu_keeps_nobody_out(octets: str, at_once: bool, message: bytes) -> None:
    found = stream()
    noise = bytes.fromhex(octets)
    for piece in [noise + message] if at_once else [noise, message]:
        found.receive_data(piece, 0.0)
    found.handle_timer(0.1)
    assert found.data_to_send()
    assert found.closing is None


def test_on_tcp_the_version_of_a_wpdu_is_noise_after_another_protocol() -> None:
    found = stream(lossless=True)
    speak_hdlc(found, 0.0)
    found.receive_data(b"\x00\x01\x00\x10\x00\x07\x00\x09", 1.0)
    speak_hdlc(found, 1.1)
    speak_wrapper(found, 2.0)
    assert found.closing is None


@given(st.integers(1, 0xFFFF), st.sampled_from([1, 16]), st.binary(max_size=30), st.data())
def test_among_noise_a_wpdu_is_heard_wherever_it_begins(
    source: int, destination: int, apdu: bytes, data: st.DataObject
) -> None:
    found = stream()
    noise = bytes(data.draw(st.lists(st.sampled_from(b"\x00\x02\x10\xf8"), max_size=10)))
    octets = noise + b"\xf8" + encode_wpdu(source, destination, apdu)
    cut = data.draw(st.integers(0, len(octets)))
    events = found.receive_data(octets[:cut], 0.0) + found.receive_data(octets[cut:], 0.1)
    assert [event.apdu for event in events if isinstance(event, ApduReceived)] == [apdu]
