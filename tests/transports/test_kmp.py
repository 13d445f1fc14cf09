"""KMP on the wire: frames both ways, what is dropped, and a line of meters that answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.events import Event, FrameReceived, LinkDisconnected
from transports.frame_line import INTER_OCTET_TIMEOUT_S, MOST_UNANSWERED
from transports.kmp import FROM_METER, LONGEST, TO_METER, FrameReader, KmpLine, encode_frame

from .meters import FramePort

REQUESTS = [
    ("GetType", "80 3F 01 05 8A 0D", "01"),
    ("GetSerialNo", "80 3F 02 35 E9 0D", "02"),
    ("GetRegister 0001", "80 3F 10 01 00 01 55 A1 0D", "10 01 00 01"),
    ("GetRegister 041E", "80 3F 10 01 04 1E 7A BB 0D", "10 01 04 1E"),
    ("GetRegister 000D, stuffed", "80 3F 10 01 00 1B F2 94 2D 0D", "10 01 00 0D"),
    ("GetRegister 0080, stuffed", "80 3F 10 01 00 1B 7F D4 08 0D", "10 01 00 80"),
    ("GetCutOffState", "80 3F 98 17 1A 0D", "98"),
    ("ReadEventStatus", "80 3F 9B 27 79 0D", "9B"),
]
ANSWERS = [
    ("GetType", "40 3F 01 00 04 1B F9 01 26 99 0D", "01 00 04 06 01"),
    ("GetSerialNo", "40 3F 02 01 23 45 67 E9 56 0D", "02 01 23 45 67"),
    ("a record of register 0001", "40 3F 10 00 01 02 04 00 00 00 00 8B E1 90 0D", "10 00 01 02 04 00 00 00 00 8B"),
    ("a serial number", "40 3F 02 00 E6 2F B0 1B F2 9E 0D", "02 00 E6 2F B0"),
    ("no register is known", "40 3F 10 07 9A 0D", "10"),
]
"""KMP protocol description (GetType, GetSerialNo), captures of a 382J; the CRC of each was recomputed."""

GET_TYPE = bytes.fromhex(REQUESTS[0][1])


def line(*ports: FramePort) -> KmpLine:
    found = KmpLine()
    for number, port in enumerate(ports or (FramePort(),)):
        found.attach(f"meter {number}", port)
    return found


def requests(events: list[Event]) -> list[FrameReceived]:
    return [event for event in events if isinstance(event, FrameReceived)]


# --- frames ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "frame", "body"),
    [(TO_METER, frame, body) for _, frame, body in REQUESTS]
    + [(FROM_METER, frame, body) for _, frame, body in ANSWERS],
    ids=[name for name, _, _ in REQUESTS + ANSWERS],
)
def test_published_frames_both_ways(start: int, frame: str, body: str) -> None:
    assert encode_frame(start, 0x3F, bytes.fromhex(body)) == bytes.fromhex(frame)
    reader = FrameReader(start)
    assert reader.receive_data(bytes.fromhex(frame)) == [(0x3F, bytes.fromhex(body))]
    assert reader.idle


@given(st.sampled_from([TO_METER, FROM_METER]), st.integers(0, 255), st.binary(min_size=1, max_size=200), st.data())
def test_any_frame_in_any_portions_is_read_as_it_was_written(
    start: int, destination: int, body: bytes, data: st.DataObject
) -> None:
    octets = encode_frame(start, destination, body)
    assert octets.count(start) == octets.count(0x0D) == 1
    cut = data.draw(st.integers(0, len(octets)))
    reader = FrameReader(start)
    frames = reader.receive_data(b"\xff" + octets[:cut]) + reader.receive_data(octets[cut:] + octets)
    assert frames == [(destination, body)] * 2
    assert reader.counters.noise_octets == 1


REFUSED = [
    ("wrong CRC", "80 3F 01 05 8B 0D", "check_errors"),
    (
        "a misprinted SetClock",
        "80 3F 09 00 01 14 4A 00 02 77 15 C3 4A 0D",
        "check_errors",
    ),
    ("no CID", "80 3F 00 00 0D", "too_short"),
    ("nothing at all", "80 0D", "too_short"),
    ("only a destination", "80 3F 0D", "too_short"),
    ("ends inside an escape", "80 3F 10 01 00 1B 0D", "check_errors"),
    ("longer than any", "80 3F" + "11" * LONGEST + "0D", "too_long"),
]


@pytest.mark.parametrize(("octets", "counter"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_no_frame_is_met_with_silence_and_counted(octets: str, counter: str) -> None:
    found = line()
    assert found.receive_data(bytes.fromhex(octets), 0.0) == []
    assert getattr(found.counters, counter) == 1
    assert found.idle
    assert found.messages == 0
    assert len(found.receive_data(GET_TYPE, 0.1)) == 1


def test_octets_that_came_unstuffed_are_read_where_the_check_is_right() -> None:
    assert len(line().receive_data(bytes.fromhex("80 3F 10 01 00 06 25 46 0D"), 0.0)) == 1


def test_a_start_octet_begins_a_frame_anew() -> None:
    found = line()
    assert len(found.receive_data(GET_TYPE[:3] + GET_TYPE, 0.0)) == 1
    assert found.noise_octets == 3


def test_acknowledgements_of_the_client_mean_nothing() -> None:
    found = line()
    assert len(found.receive_data(b"\x06" + GET_TYPE + b"\x06\x06", 0.0)) == 1
    assert found.noise_octets == 0


def test_a_frame_without_end_is_given_up() -> None:
    found = line()
    found.receive_data(GET_TYPE[:3], 0.0)
    assert found.next_timer() == INTER_OCTET_TIMEOUT_S
    found.handle_timer(INTER_OCTET_TIMEOUT_S)
    assert found.next_timer() is None
    assert (found.counters.timeouts, found.noise_octets) == (1, 3)
    assert found.receive_data(GET_TYPE[3:], 1.0) == []
    assert len(found.receive_data(GET_TYPE, 1.0)) == 1


# --- a line ---------------------------------------------------------------------------------------------


def test_a_request_is_answered_from_the_address_it_was_for() -> None:
    found = line(FramePort({0x3F, 0x7F}))
    (first, second) = requests(found.receive_data(GET_TYPE + encode_frame(TO_METER, 0x7F, b"\x10\x01\x00\x01"), 0.0))
    assert (first.cid, first.data, second.cid, second.data) == (0x01, b"", 0x10, b"\x01\x00\x01")
    assert first.link is second.link
    assert first.link.device == "meter 0"
    first.link.send_frame(b"\x01\x00\x04\x06\x01", 0.0)
    second.link.send_frame(b"\x10", 0.0)
    assert found.data_to_send() == bytes.fromhex(ANSWERS[0][1]) + encode_frame(FROM_METER, 0x7F, b"\x10")
    assert found.data_to_send() == b""


@pytest.mark.parametrize("destination", [0x00, 0x06, 0x0D, 0x1B, 0x40, 0x80, 0xFF])
def test_what_is_for_another_address_is_met_with_silence(destination: int) -> None:
    found = line()
    assert found.receive_data(encode_frame(TO_METER, destination, b"\x01"), 0.0) == []
    assert found.counters.wrong_address == 1
    assert found.data_to_send() == b""


def test_a_request_may_be_acknowledged_or_ignored() -> None:
    found = line()
    for event in requests(found.receive_data(GET_TYPE * 3, 0.0)):
        (event.link.ignore if event.link.state else event.link.acknowledge)(0.0)
        event.link.state = True
    assert found.data_to_send() == b"\x06"


def test_an_answer_waits_for_the_reaction_time_and_for_the_one_before() -> None:
    found = line(FramePort(reaction_time_s=0.2))
    first, second = requests(found.receive_data(GET_TYPE * 2, 1.0))
    first.link.send_frame(b"\x01", 1.1)
    assert found.data_to_send() == b""
    assert found.next_timer() == 1.2
    found.handle_timer(1.2)
    assert found.data_to_send() == encode_frame(FROM_METER, 0x3F, b"\x01")
    second.link.send_frame(b"\x02", 3.0)
    assert found.data_to_send() == encode_frame(FROM_METER, 0x3F, b"\x02"), "this one was late anyway"


def test_several_meters_answer_each_from_its_own_address() -> None:
    found = line(FramePort({0x3F, 0x01}), FramePort({0x3F, 0x02}))
    assert [event.link.device for event in requests(found.receive_data(GET_TYPE, 0.0))] == ["meter 0", "meter 1"]
    (event,) = requests(found.receive_data(encode_frame(TO_METER, 0x02, b"\x01"), 0.0))
    assert event.link.device == "meter 1"


def test_a_meter_without_power_hears_nothing_and_sends_nothing() -> None:
    port = FramePort(reaction_time_s=0.2)
    found = line(port)
    (event,) = requests(found.receive_data(GET_TYPE, 0.0))
    event.link.send_frame(b"\x01", 0.0)
    port.powered = False
    found.handle_timer(0.2)
    assert found.receive_data(GET_TYPE, 1.0) == []
    assert (found.data_to_send(), found.next_timer()) == (b"", None)


def test_who_asks_and_asks_is_not_heard_until_there_are_answers() -> None:
    found = line()
    events = requests(found.receive_data(GET_TYPE * (MOST_UNANSWERED + 5), 0.0))
    assert len(events) == MOST_UNANSWERED
    assert found.counters.overruns == 5
    for event in events:
        event.link.acknowledge(0.0)
    assert len(found.receive_data(GET_TYPE, 1.0)) == 1


@pytest.mark.parametrize("detached", [True, False])
def test_a_link_ends_with_its_stream_or_its_meter(detached: bool) -> None:
    found = line()
    (event,) = requests(found.receive_data(GET_TYPE, 0.0))
    ended = found.detach("meter 0") if detached else found.close("stream closed")
    assert ended == [LinkDisconnected(event.link, "detached" if detached else "stream closed")]
    event.link.send_frame(b"\x01", 0.0)
    event.link.acknowledge(0.0)
    event.link.ignore(0.0)
    assert found.data_to_send() == b""
    assert found.detach("nobody") == []


@given(st.lists(st.binary(max_size=40) | st.sampled_from([GET_TYPE, b"\x80", b"\x80\x3f", b"\x1b\r", b"\x06"])))
def test_random_octets_never_raise_and_then_a_request_is_heard(portions: list[bytes]) -> None:
    found = line()
    for portion in portions:
        found.receive_data(portion, 0.0)
    found.close("so that it owes nothing")
    found.handle_timer(1.0)
    assert len(found.receive_data(GET_TYPE, 1.0)) == 1
