"""The bounded reader: every lack is a `DecodeError`, nothing is allocated that was not sent."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.errors import DecodeError
from cosem.reader import MAX_NESTING, Reader, encode_length

LENGTHS = [
    (0, "00"),
    (1, "01"),
    (127, "7f"),
    (128, "8180"),
    (255, "81ff"),
    (256, "820100"),
    (0xFFFF, "82ffff"),
    (0x10000, "8400010000"),
    (0xFFFFFFFF, "84ffffffff"),
]


@pytest.mark.parametrize(("length", "octets"), LENGTHS)
def test_a_length_is_written_and_read_the_same(length: int, octets: str) -> None:
    assert encode_length(length).hex() == octets
    assert Reader(bytes.fromhex(octets)).length() == length


@pytest.mark.parametrize(("octets", "length"), [("8105", 5), ("820005", 5), ("83010000", 0x10000), ("8400000005", 5)])
def test_a_length_with_more_octets_than_it_needs_is_read(octets: str, length: int) -> None:
    assert Reader(bytes.fromhex(octets)).length() == length


@given(st.integers(0, 0xFFFFFFFF))
def test_every_length_comes_back(length: int) -> None:
    reader = Reader(encode_length(length))
    assert reader.length() == length
    reader.end()


REFUSALS: list[tuple[str, str, Callable[[Reader], Any]]] = [
    ("an octet of nothing", "", Reader.u8),
    ("a look at nothing", "", Reader.peek),
    ("more octets than there are", "0102", lambda reader: reader.octets(3)),
    ("an unsigned cut short", "01", lambda reader: reader.unsigned(2)),
    ("a signed cut short", "01", lambda reader: reader.signed(4)),
    ("the indefinite length of BER", "80", Reader.length),
    ("a length of five octets", "850000000001", Reader.length),
    ("a length cut short", "8201", Reader.length),
    ("a count beyond what is left", "0301", Reader.count),
    ("a count of elements that need two octets", "02010203", lambda reader: reader.count(2)),
    ("a sub-reader beyond what is left", "0102", lambda reader: reader.sub(3)),
    ("octets too many", "01", Reader.end),
]


@pytest.mark.parametrize(("octets", "read"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_a_lack_is_a_decode_error(octets: str, read: Callable[[Reader], Any]) -> None:
    with pytest.raises(DecodeError):
        read(Reader(bytes.fromhex(octets)))


def test_a_decode_error_says_where() -> None:
    reader = Reader(b"\x01\x02\x03")
    reader.u8()
    with pytest.raises(DecodeError, match=r"4 octets expected, 2 left at octet 1") as caught:
        reader.octets(4)
    assert caught.value.position == 1


def test_a_sub_reader_ends_where_it_was_told() -> None:
    reader = Reader(b"\x01\x02\x03")
    part = reader.sub(2)
    assert part.rest() == b"\x01\x02"
    part.end()
    with pytest.raises(DecodeError):
        part.u8()
    assert reader.rest() == b"\x03"


def test_nesting_ends_at_its_limit() -> None:
    reader = Reader(b"")
    for _ in range(MAX_NESTING):
        reader.enter()
    with pytest.raises(DecodeError, match="nested deeper"):
        reader.enter()


@pytest.mark.parametrize("read", [lambda reader: reader.octets(reader.length()), Reader.count])
def test_a_huge_length_allocates_nothing(read: Callable[[Reader], Any]) -> None:
    octets = bytes.fromhex("84fffffff0") + bytes(10)
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError):
            read(Reader(octets))
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
