"""The hexadecimal protocol of the 685-382 on the wire: frames both ways, what is dropped, and a line that answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.events import Event, HexFrameReceived
from transports.frame_line import INTER_OCTET_TIMEOUT_S
from transports.kmp_hex import ADDRESS, FROM_METER, LONGEST, TO_METER, HexFrameReader, KmpHexLine, encode_frame

from .meters import FramePort

CAPTURED = [
    ("who is there", "@FE0002", "00"),
    ("it is me", "HFE0002010701F7", "00 02 01 07 01"),
    ("read memory 0001, 2C octets", "@FE010001002CD4", "01 00 01 00 2C"),
    ("read memory 0384", "@FE010384039BDC", "01 03 84 03 9B"),
    ("read energies", "@FE9072", "90"),
    (
        "energies",
        "HFE9000002348000000000000DECD000DC8410000061700A5CA780000000000000000100010938F",
        "90 00002348 00000000 0000DECD 000DC841 00000617 00A5CA78 0000000000000000 10001093",
    ),
    ("read tariffs", "@FE95006D", "95 00"),
    ("tariffs", "HFE950100002348000023470000000196", "95 01 00002348 00002347 00000001"),
    ("a request with its checksum as data too, as the driver sends it", "@FE907200", "90 72"),
]
"""Captures of a 685-382 in the comments of a public driver."""

HELLO = b"@FE0002\r"


def line() -> KmpHexLine:
    found = KmpHexLine()
    found.attach("meter", FramePort({ADDRESS}))
    return found


def heard(events: list[Event]) -> list[tuple[int, bytes]]:
    return [(event.command, event.data) for event in events if isinstance(event, HexFrameReceived)]


@pytest.mark.parametrize(("text", "body"), [row[1:] for row in CAPTURED], ids=[row[0] for row in CAPTURED])
def test_captured_frames_both_ways(text: str, body: str) -> None:
    octets = text.encode("ascii") + b"\r"
    assert encode_frame(octets[0], ADDRESS, bytes.fromhex(body)) == octets
    assert HexFrameReader(octets[0]).receive_data(octets) == [(ADDRESS, bytes.fromhex(body))]


@given(st.sampled_from([TO_METER, FROM_METER]), st.integers(0, 255), st.binary(min_size=1, max_size=200), st.data())
def test_any_frame_in_any_portions_is_read_as_it_was_written(
    start: int, address: int, body: bytes, data: st.DataObject
) -> None:
    octets = encode_frame(start, address, body)
    cut = data.draw(st.integers(0, len(octets)))
    reader = HexFrameReader(start)
    frames = reader.receive_data(b"7" + octets[:cut]) + reader.receive_data(octets[cut:] + octets)
    assert frames == [(address, body)] * 2
    assert reader.counters.noise_octets == 1
    assert reader.idle


@pytest.mark.parametrize(
    ("octets", "counter"),
    [
        (b"@FE0003\r", "check_errors"),
        (b"@FE00022\r", "malformed"),
        (b"@FE02\r", "too_short"),
        (b"@\r", "too_short"),
        (b"@FD0003\r", "wrong_address"),
        (b"@" + b"0" * LONGEST + b"\r", "too_long"),
        (b"@FE 0002\r", "noise_octets"),
        (b"@FE00\x1002\r", "noise_octets"),
    ],
)
def test_what_is_no_frame_is_met_with_silence_and_counted(octets: bytes, counter: str) -> None:
    found = line()
    assert found.receive_data(octets, 0.0) == []
    assert getattr(found.counters, counter) >= 1
    assert found.idle
    assert heard(found.receive_data(HELLO, 0.1)) == [(0x00, b"")]


def test_a_frame_without_end_grows_to_a_limit() -> None:
    found = line()
    for _ in range(LONGEST + 10):
        found.receive_data(b"0" if not found.idle else b"@", 0.0)
    assert found.counters.too_long == 1


def test_lower_case_digits_are_read_and_never_sent() -> None:
    found = line()
    (event,) = found.receive_data(b"@fe9072\r", 0.0)
    assert isinstance(event, HexFrameReceived)
    event.link.send_frame(b"\x90\xab", 0.0)
    assert found.data_to_send() == b"HFE90ABC7\r"


def test_a_start_character_begins_a_frame_anew() -> None:
    found = line()
    assert heard(found.receive_data(b"@FE@FE9072\r", 0.0)) == [(0x90, b"")]
    assert found.noise_octets == 3


def test_a_frame_without_end_is_given_up() -> None:
    found = line()
    found.receive_data(HELLO[:4], 0.0)
    assert found.next_timer() == INTER_OCTET_TIMEOUT_S
    found.handle_timer(INTER_OCTET_TIMEOUT_S)
    assert (found.next_timer(), found.counters.timeouts) == (None, 1)
    assert found.receive_data(HELLO[4:], 1.0) == []


@given(st.lists(st.binary(max_size=40) | st.sampled_from([HELLO, b"@", b"@F", b"\r"])))
def test_random_octets_never_raise_and_then_a_request_is_heard(portions: list[bytes]) -> None:
    found = line()
    for portion in portions:
        found.receive_data(portion, 0.0)
    found.close("so that it owes nothing")
    found.handle_timer(1.0)
    assert heard(found.receive_data(HELLO, 1.0)) == [(0x00, b"")]
