"""Characters at another speed than the receiver's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.garbling import heard_at

SPEEDS = st.sampled_from([50, 300, 600, 1200, 2400, 4800, 9600, 19200])


@pytest.mark.parametrize(
    ("octets", "sent", "heard", "expected"),
    [
        # A start bit at 300 baud is 32 bits long at 9600: low for a whole character and its stop bit.
        (b"\xff", 300, 9600, b"\x00"),
        # Two falls: the start bit with bit 0, and bit 2.
        (b"\x02", 300, 9600, b"\x00\x00"),
        # At twice the speed each bit is taken twice. The levels 0 1010 1010 1 are first a start, 01100110 and a low
        # stop; the line rises, and from the next fall on a start, 01100111 (the lowest bit comes first) and a stop.
        (b"\x55", 4800, 9600, b"\x66\xe6"),
        # At half the speed every other bit is taken; a start bit alone is over when the receiver looks again.
        (b"\xff", 9600, 4800, b""),
        (b"\x00", 9600, 4800, b"\xf8"),
    ],
)
def test_bits_are_taken_where_the_receiver_expects_their_middle(
    octets: bytes, sent: int, heard: int, expected: bytes
) -> None:
    assert heard_at(octets, sent, heard) == expected


@given(st.binary(max_size=60), SPEEDS)
def test_at_the_same_speed_everything_arrives(octets: bytes, baud: int) -> None:
    assert heard_at(octets, baud, baud) == octets


@given(st.binary(min_size=1, max_size=60), SPEEDS, SPEEDS)
def test_nobody_hears_more_characters_than_falls_of_the_line(octets: bytes, sent: int, heard: int) -> None:
    assert len(heard_at(octets, sent, heard)) <= 5 * len(octets)


@given(st.binary(min_size=1, max_size=60))
def test_a_sign_on_never_survives_the_wrong_speed(octets: bytes) -> None:
    for sent, heard in ((300, 9600), (9600, 300), (1200, 9600), (300, 1200)):
        assert b"/?!\r\n" not in heard_at(b"/?!\r\n", sent, heard)
