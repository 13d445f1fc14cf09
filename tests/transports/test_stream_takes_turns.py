"""Whoever comes next: messages of every protocol in one read, in any portions, with noise, in another's dialogue."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.events import ApduReceived, CommandReceived, Event, FrameReceived, HexFrameReceived, LinkDisconnected
from transports.frame_line import INTER_OCTET_TIMEOUT_S
from transports.hdlc import Frame
from transports.iec62056_21 import Iec62056Line, Iec62056Settings
from transports.iec62056_21.characters import with_even_parity
from transports.kmp import FROM_METER, TO_METER, KmpLine, encode_frame
from transports.kmp_hex import KmpHexLine
from transports.speed import SETTLED_S, SpeedSearch
from transports.stream import HELD_S, MOST_BEGINNINGS, Stream
from transports.wrapper import WrapperLine, encode_wpdu

from .meters import FramePort, Readout, hdlc_line

SNRM = bytes.fromhex("7EA0070321930F017E")
UA = Frame(b"\x21", b"\x03", 0x73, bytes.fromhex("8180140502008006020080070400000001080400000001")).encode()
RR = Frame(b"\x03", b"\x21", 0x11).encode()
REQUEST = b"/?!\r\n"
IDENTIFICATION = b"/KAM5 68535CC453010\r\n"
GET_TYPE = encode_frame(TO_METER, 0x3F, b"\x01")
TYPE = encode_frame(FROM_METER, 0x3F, b"\x01\x68\x00\x01\x01")
ENERGIES = b"@FE9072\r"
NO_ENERGIES = b"HFE9072\r"
GET = encode_wpdu(16, 1, b"get")
GOT = encode_wpdu(1, 16, b"got")


PUSHING = Iec62056Settings(modes="ACD", d0_interval_s=5.0)
_SETTINGS = Iec62056Settings(reaction_time_s=0.02, programming=True)


def stream(
    *,
    lossless: bool = False,
    search: SpeedSearch | None = None,
    wrapper: bool = True,
    settings: Iec62056Settings = _SETTINGS,
) -> Stream:
    """A meter that speaks everything."""
    found_wrapper, iec, kmp, kmp_hex = WrapperLine(), Iec62056Line(), KmpLine(), KmpHexLine()
    found_wrapper.attach("meter", lambda: (1, 16))
    iec.attach("meter", Readout(settings=settings))
    kmp.attach("meter", FramePort())
    kmp_hex.attach("meter", FramePort({0xFE}))
    return Stream(hdlc_line(), found_wrapper if wrapper else None, iec, kmp, kmp_hex, lossless=lossless, search=search)


def converse(found: Stream, octets: bytes, now: float) -> bytes:
    """Hand octets to the stream, answer every request at once, return everything that is sent."""
    answer(found.receive_data(octets, now), now)
    return found.data_to_send()


def answer(events: list[Event], now: float) -> None:
    for event in events:
        if isinstance(event, ApduReceived):
            event.link.send_apdu(b"got", now)
        elif isinstance(event, FrameReceived):
            event.link.send_frame(TYPE[2:-3], now)
        elif isinstance(event, HexFrameReceived):
            event.link.send_frame(b"\x90", now)


def sign_on(found: Stream, now: float, request: bytes = REQUEST) -> bytes:
    sent = converse(found, request, now)
    found.handle_timer(now + 0.5)
    return sent + found.data_to_send()


AT_ONCE = {"HDLC": (SNRM, UA), "KMP": (GET_TYPE, TYPE), "hexadecimal": (ENERGIES, NO_ENERGIES), "wrapper": (GET, GOT)}
"""A request that is answered at once, and its answer. HDLC is answered with the same UA to each SNRM."""

QUIET = bytes(set(range(0x01, 0x100)) - set(b"\x2f\xaf\x40\x7e\x80") - set(range(0xA0, 0xB0)))
"""Octets that begin nothing; A0 to AF would begin an HDLC frame behind a flag."""


# --- one read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("second", AT_ONCE)
@pytest.mark.parametrize("first", AT_ONCE)
@pytest.mark.parametrize("lossless", [True, False])
def test_two_messages_in_one_read_are_both_answered(first: str, second: str, lossless: bool) -> None:
    found = stream(lossless=lossless)
    (asked, answered), (asked_next, answered_next) = AT_ONCE[first], AT_ONCE[second]
    sent = converse(found, asked + asked_next, 0.0)
    assert sorted(sent) == sorted(answered + answered_next)
    assert answered in sent
    assert answered_next in sent
    assert (found.closing, found.noise_octets) == (None, 0)


@pytest.mark.parametrize("first", AT_ONCE)
def test_a_sign_on_behind_another_message_in_one_read_is_answered(first: str) -> None:
    for parity in (bytes, with_even_parity):
        asked, answered = AT_ONCE[first]
        assert sign_on(stream(), 0.0, asked + parity(REQUEST)) == answered + parity(IDENTIFICATION)


@pytest.mark.parametrize("protocol", ["HDLC", "KMP", "hexadecimal"])
def test_noise_between_messages_in_one_read_is_dropped(protocol: str) -> None:
    asked, answered = AT_ONCE[protocol]
    sent = converse(stream(), b"\xf8\x11" + asked + b"\xf8\x00\x00\x11" + asked, 0.0)
    assert sent == answered * 2


@given(st.data())
def test_any_messages_with_noise_between_in_any_portions_are_all_answered(data: st.DataObject) -> None:
    """Over a noisy line; the last is a sign-on, whose answer takes its time."""
    octets, expected, now = b"", [], 0.0
    for name in data.draw(st.lists(st.sampled_from(sorted(AT_ONCE)), max_size=8)):
        octets += AT_ONCE[name][0]
        expected.append(AT_ONCE[name][1])
        octets += bytes(data.draw(st.lists(st.sampled_from(sorted(QUIET)), max_size=5)))
    parity = data.draw(st.sampled_from([bytes, with_even_parity]))
    octets += parity(REQUEST)
    found, sent = stream(), []
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(octets) - 1)), max_size=12)))
    for begin, end in zip([0, *cuts], [*cuts, len(octets)], strict=True):
        sent.append(converse(found, octets[begin:end], now))
        now += 0.01
    found.handle_timer(now + 0.5)
    sent.append(found.data_to_send())
    together = b"".join(sent)
    for name, (_, answered) in AT_ONCE.items():
        assert together.count(answered) == expected.count(answered), name
    assert together.endswith(parity(IDENTIFICATION))
    assert len(together) == sum(map(len, expected)) + len(IDENTIFICATION)


@given(st.lists(st.tuples(st.sampled_from([*sorted(AT_ONCE), "readout"]), st.binary(max_size=30)), max_size=6))
def test_after_any_noise_and_its_time_every_message_is_answered(steps: list[tuple[str, bytes]]) -> None:
    found, now = stream(wrapper=False), 0.0
    for name, noise in steps:
        found.receive_data(noise, now)
        found.data_to_send()
        now += 30.0
        found.handle_timer(now)
        found.data_to_send()
        if name == "readout":
            assert sign_on(found, now) == IDENTIFICATION
            now += 1.0
            converse(found, b"\x06050\r\n", now)
            now += 2.0
            found.handle_timer(now)
            assert found.data_to_send().startswith(b"\x020.0.1(")
        elif name != "wrapper":
            assert converse(found, AT_ONCE[name][0], now) == AT_ONCE[name][1]
        now += 30.0


@pytest.mark.parametrize(
    "octets", [b"\x80\x7e", b"@/", b"\x7e/?", b"\x80\x3f\x7e\xa0", b"/?\x80", b"\x7e\xa0\x80", b"\0\1"]
)
def test_a_flood_of_beginnings_keeps_nobody_out(octets: bytes) -> None:
    found = stream()
    for _ in range(3):
        found.receive_data(octets * 3 * MOST_BEGINNINGS, 0.0)
    found.handle_timer(30.0)
    found.data_to_send()
    assert converse(found, GET_TYPE, 40.0) == TYPE


def test_a_flood_of_messages_is_none() -> None:
    found = stream()
    for _ in range(3):
        sent = converse(found, (SNRM + ENERGIES) * MOST_BEGINNINGS, 0.0)
        assert sent.count(UA) == MOST_BEGINNINGS


# --- inside a message -----------------------------------------------------------------------------------

INSIDE = b"\x80\x3f\x01\x05\x8a\x0d" + b"@FE9072\r" + b"\x00\x01" + REQUEST + b"\x7e"


def test_beginnings_inside_an_hdlc_frame_are_data() -> None:
    for cut in range(1, 40):
        found = stream()
        converse(found, SNRM, 0.0)
        frame = Frame(b"\x03", b"\x21", 0x10, b"\xe6\xe6\x00" + INSIDE).encode()
        events = found.receive_data(frame[:cut], 0.1) + found.receive_data(frame[cut:], 0.2)
        (apdu,) = [event.apdu for event in events if isinstance(event, ApduReceived)]
        assert apdu == INSIDE


def test_beginnings_inside_a_wpdu_and_a_kmp_frame_are_data() -> None:
    for cut in range(1, 30):
        found = stream()
        octets = encode_wpdu(16, 1, INSIDE) + encode_frame(TO_METER, 0x3F, b"\xb6" + INSIDE)
        events = found.receive_data(octets[:cut], 0.1) + found.receive_data(octets[cut:], 0.2)
        assert [event.apdu for event in events if isinstance(event, ApduReceived)] == [INSIDE]
        assert [event.data for event in events if isinstance(event, FrameReceived)] == [INSIDE]


def programming(lossless: bool = False) -> Stream:
    """A stream at second 3 whose meter has just asked for the password, at 9600 baud."""
    found = stream(lossless=lossless)
    assert sign_on(found, 0.0) == IDENTIFICATION
    found.receive_data(b"\x06051\r\n", 1.0)
    found.handle_timer(3.0)
    assert found.data_to_send().startswith(b"\x01P0\x02(")
    return found


def command(text: bytes) -> bytes:
    body = text.replace(b"(", b"\x02(", 1) + b"\x03"
    return b"\x01" + body + bytes((reduce(xor, body),))


def test_beginnings_inside_a_programming_command_are_data() -> None:
    octets = command(b"P1(@FE9072~@)")
    for cut in range(1, len(octets)):
        found = programming()
        events = found.receive_data(octets[:cut], 3.1) + found.receive_data(octets[cut:], 3.2)
        assert [event.data for event in events if isinstance(event, CommandReceived)] == ["@FE9072~@"]


@pytest.mark.parametrize("lossless", [True, False])
def test_a_wpdu_may_hold_as_many_beginnings_as_it_likes(lossless: bool) -> None:
    apdu = b"\x80\x7e" * 2048
    octets = encode_wpdu(16, 1, apdu)
    for portion in (1, 5, 7, 1000, len(octets)):
        found = stream(lossless=lossless)
        events = [
            event
            for begin in range(0, len(octets) * 2, portion)
            for event in found.receive_data((octets * 2)[begin : begin + portion], 0.0)
        ]
        assert [event.apdu for event in events if isinstance(event, ApduReceived)] == [apdu] * 2


@pytest.mark.parametrize("lossless", [True, False])
def test_a_wpdu_for_nobody_is_a_message_too(lossless: bool) -> None:
    assert converse(stream(lossless=lossless), encode_wpdu(16, 99, b"get") + GET + GET_TYPE, 0.0) in (
        GOT + TYPE,
        TYPE + GOT,
    )


# --- half a message -------------------------------------------------------------------------------------


@pytest.mark.parametrize("half", [SNRM[:5], GET_TYPE[:3], ENERGIES[:4], b"/?12", b"/", b"\x7e", b"\x80", b"@"])
@pytest.mark.parametrize("protocol", ["HDLC", "KMP", "hexadecimal", "readout"])
def test_half_a_message_keeps_nobody_out_for_longer_than_its_timer(half: bytes, protocol: str) -> None:
    found = stream()
    found.receive_data(half, 0.0)
    now = max(INTER_OCTET_TIMEOUT_S, HELD_S)
    if protocol == "readout":
        assert sign_on(found, now) == IDENTIFICATION
    else:
        assert converse(found, AT_ONCE[protocol][0], now) == AT_ONCE[protocol][1]


def test_kmp_needs_no_pause_behind_half_a_message_of_characters() -> None:
    for half in (b"/?12", b"/", b"@FE90", b"@"):
        assert converse(stream(), half + GET_TYPE, 0.0) == TYPE


# --- on TCP ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", AT_ONCE)
def test_on_tcp_every_beginning_is_one(protocol: str) -> None:
    found = stream(lossless=True)
    sent = b"".join(converse(found, bytes((octet,)), 0.0) for octet in AT_ONCE[protocol][0])
    assert sent == AT_ONCE[protocol][1]
    assert found.closing is None


def test_on_tcp_a_frame_to_another_address_is_met_with_silence_and_one_without_kmp_closes() -> None:
    found = stream(lossless=True)
    assert converse(found, encode_frame(TO_METER, 0x7F, b"\x01"), 0.0) == b""
    assert found.closing is None
    assert converse(found, GET_TYPE, 0.0) == TYPE
    without = Stream(hdlc_line(), lossless=True)
    without.receive_data(GET_TYPE, 0.0)
    assert without.closing == "803f01058a0d begins no protocol"


def test_a_serial_line_carried_by_tcp_has_noise() -> None:
    found = stream()
    assert converse(found, b"\xf8\x11\x03", 0.0) == b""
    assert found.closing is None
    assert converse(found, GET_TYPE, 0.0) == TYPE


# --- another head is put on -----------------------------------------------------------------------------


def at_9600_in_a_dialogue(search: SpeedSearch | None = None) -> Stream:
    """A readout that began at 300 baud was just sent at 9600, and may be asked for again."""
    found = stream(search=search)
    if search is not None:
        search.noise(0.0)
    assert sign_on(found, 1.0) == IDENTIFICATION
    found.receive_data(b"\x06050\r\n", 2.0)
    found.handle_timer(3.0)
    assert found.data_to_send().startswith(b"\x020.0.1(")
    assert found.speed == 9600
    return found


@pytest.mark.parametrize("search", [SpeedSearch, lambda: None])
@pytest.mark.parametrize("protocol", AT_ONCE)
def test_a_newcomer_in_a_dialogue_is_answered_at_its_speed_and_the_dialogue_is_over(
    protocol: str, search: Callable[[], SpeedSearch | None]
) -> None:
    asked, answered = AT_ONCE[protocol]
    given = search()
    found = at_9600_in_a_dialogue(given)
    assert converse(found, asked, 3.1) == answered
    assert found.speed == 9600
    assert converse(found, b"\x15", 3.2) == b"", "nobody may ask for the data again"
    found.handle_timer(4.0)
    assert found.data_to_send() == b""
    assert converse(found, asked, 20.0) == answered
    found.handle_timer(19.9 + SETTLED_S)
    assert found.speed == 9600
    found.handle_timer(20.0 + SETTLED_S)
    assert found.speed == (300 if given is None else 9600), "at rest"


@pytest.mark.parametrize("protocol", AT_ONCE)
def test_a_newcomer_ends_a_programming_dialogue_and_its_link(protocol: str) -> None:
    found = programming()
    (event,) = found.receive_data(command(b"P1(12345)"), 3.1)
    asked, answered = AT_ONCE[protocol]
    events = found.receive_data(asked, 3.2)
    assert [ended.link for ended in events if isinstance(ended, LinkDisconnected)] == [event.link]
    answer(events, 3.2)
    assert found.data_to_send() == answered
    assert isinstance(event, CommandReceived)
    event.link.acknowledge(3.3)
    found.handle_timer(5.0)
    assert found.data_to_send() == b"", "the link is dead"
    assert found.speed == 9600


@pytest.mark.parametrize("noise", [b"\x00", b"\x00" * 5, b"\x00\x01", b"\x00\x01\x00\x10\x00"])
@pytest.mark.parametrize("lossless", [True, False])
def test_nuls_before_a_command_of_a_programming_dialogue_are_noise(noise: bytes, lossless: bool) -> None:
    found = programming(lossless)
    events = found.receive_data(noise + command(b"P1(12345)"), 3.1)
    assert [event.data for event in events if isinstance(event, CommandReceived)] == ["12345"]
    assert (found.speed, found.closing) == (None if lossless else 9600, None)


def test_a_sign_on_after_a_newcomer_is_answered_at_the_speed_it_is_heard_at() -> None:
    found = at_9600_in_a_dialogue()
    converse(found, GET_TYPE, 3.1)
    assert sign_on(found, 10.0) == IDENTIFICATION
    assert found.speed == 9600


@pytest.mark.parametrize("protocol", AT_ONCE)
def test_mode_d_does_not_send_into_a_conversation(protocol: str) -> None:
    found = stream(settings=Iec62056Settings(modes="ACD", d0_interval_s=5.0))
    found.handle_timer(0.0)
    for now in (4.0, 8.0, 12.0):
        asked, answered = AT_ONCE[protocol]
        assert converse(found, asked, now) == answered
    found.handle_timer(16.9)
    assert found.data_to_send() == b""
    found.handle_timer(17.0)
    found.handle_timer(18.0)
    assert found.data_to_send().startswith(b"/KAM3")


def pushes(found: Stream, now: float, until: float) -> int:
    """How often mode D sends while a driver calls at every deadline."""
    sent = 0
    while (deadline := found.next_timer()) is not None and deadline <= until:
        now = max(now, deadline)
        answer(found.handle_timer(now), now)
        sent += found.data_to_send().count(b"/KAM3")
    return sent


@pytest.mark.parametrize("lossless", [False, True])
def test_mode_d_sends_on_a_stream_that_nobody_has_spoken_on(lossless: bool) -> None:
    assert pushes(stream(lossless=lossless, settings=PUSHING), 0.0, 31.0) == 6


@pytest.mark.parametrize("protocol", ["HDLC", "KMP", "hexadecimal"])
def test_mode_d_sends_over_tcp_after_a_conversation_of_another_protocol(protocol: str) -> None:
    found = stream(lossless=True, settings=PUSHING)
    assert pushes(found, 0.0, 4.0) == 0
    converse(found, AT_ONCE[protocol][0], 4.0)
    assert pushes(found, 4.0, 8.9) == 0
    assert pushes(found, 8.9, 20.5) == 3


@pytest.mark.parametrize("already", [False, True])
def test_mode_d_sends_nothing_to_a_client_of_the_wrapper_over_tcp(already: bool) -> None:
    """It would take it for the header of a WPDU; whoever speaks another protocol after it may have it."""
    found = stream(lossless=True, settings=PUSHING)
    assert pushes(found, 0.0, 5.5 if already else 0.0) == already
    for now in (7.0, 7.5, 100.0):
        assert converse(found, GET, now) == GOT
        assert pushes(found, now, now + 60.0) == 0
    converse(found, GET_TYPE, 200.0)
    assert pushes(found, 200.0, 211.0) == 2


def test_mode_d_that_is_switched_on_again_begins_with_a_whole_interval() -> None:
    meter = Readout(settings=PUSHING)
    iec = Iec62056Line()
    iec.attach("meter", meter)
    found = Stream(None, None, iec)
    assert pushes(found, 0.0, 5.5) == 1
    meter.settings = Iec62056Settings()
    assert pushes(found, 6.0, 100.0) == 0
    assert found.next_timer() is None
    meter.settings = PUSHING
    assert pushes(found, 100.0, 104.9) == 0
    assert pushes(found, 104.9, 105.5) == 1


def test_a_driver_that_knows_the_speed_is_believed() -> None:
    found = at_9600_in_a_dialogue()
    converse(found, GET_TYPE, 3.1)
    found.set_line_speed(1200)
    assert found.speed == 1200


@pytest.mark.parametrize("noise", [b"\x7e", b"\x80", b"\x80\x11", b"@", b"@zz", b"\x00", b"\xf8", b"\x7e\x7e\x55"])
def test_a_mere_beginning_of_another_protocol_does_not_end_a_dialogue(noise: bytes) -> None:
    found = stream()
    assert sign_on(found, 0.0) == IDENTIFICATION
    found.receive_data(noise, 0.6)
    found.receive_data(b"\x06050\r\n", 1.3)
    found.handle_timer(2.5)
    assert found.data_to_send().startswith(b"\x020.0.1(")


def test_an_hdlc_connection_goes_on_when_kmp_was_spoken_meanwhile() -> None:
    found = stream()
    converse(found, SNRM, 0.0)
    assert converse(found, GET_TYPE, 1.0) == TYPE
    assert converse(found, RR, 2.0) == Frame(b"\x21", b"\x03", 0x11).encode()


def test_the_end_of_the_stream_ends_the_links_of_frames() -> None:
    found = stream()
    converse(found, GET_TYPE + ENERGIES, 0.0)
    reasons = {event.reason for event in found.close("stream closed") if isinstance(event, LinkDisconnected)}
    assert reasons == {"stream closed"}


# --- searching for the speed ----------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["HDLC", "KMP", "hexadecimal"])
def test_a_message_of_any_protocol_keeps_the_speed(protocol: str) -> None:
    search = SpeedSearch()
    found = stream(search=search)
    found.receive_data(b"\xf8\xe0", 0.0)
    assert search.speed == 300
    assert converse(found, AT_ONCE[protocol][0], 1.0) == AT_ONCE[protocol][1]
    found.receive_data(b"\xf8\xe0", 30.0)
    assert search.speed == 300


def test_noise_that_looks_like_a_beginning_is_noise_when_nothing_followed() -> None:
    search = SpeedSearch()
    found = stream(search=search)
    found.receive_data(b"\x80\x3f\x11", 0.0)
    assert search.speed == 9600
    deadline = found.next_timer()
    assert deadline == INTER_OCTET_TIMEOUT_S
    found.handle_timer(deadline)
    assert search.speed == 300
