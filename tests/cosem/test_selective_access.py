"""Range and entry descriptors: public vectors, and what is refused with which result."""

from __future__ import annotations

from typing import Any

import pytest

from cosem.client import range_parameters
from cosem.date_time import DateTime
from cosem.errors import DecodeError, TypeUnmatched
from cosem.reader import Reader
from cosem.selective_access import CaptureObject, EntrySelection, RangeSelection, read_entry, read_range
from cosem.xdlms import read_attribute_request
from obis import Obis

from .samples import SESSIONS, octets

CLOCK = CaptureObject(8, Obis.parse("0.0.1.0.0.255"), 2)
COLUMN = CaptureObject(3, Obis.parse("1.1.1.8.0.255"), 2)
CLOCK_FIELDS = "0204 120008 09060000010000ff 0f02 120000"
BEGIN, END = "090c07e80101ff000000008000ff", "090c07e80102ff000000008000ff"


def parameters(sent: bytes) -> Reader:
    return Reader(read_attribute_request(Reader(sent, 3)).parameters)


def test_a_public_range_is_read() -> None:
    assert read_range(parameters(octets("V407"))) == RangeSelection(
        CLOCK,
        DateTime(2024, 1, 1, 255, 0, 0, 0, 0, status=0xFF),
        DateTime(2024, 1, 2, 255, 0, 0, 0, 0, status=0xFF),
        (),
    )


@pytest.mark.parametrize(
    ("identifier", "entries"), [("V405", EntrySelection(1, 10, 1, 0)), ("V406", EntrySelection(1, 0, 1, 0))]
)
def test_a_public_entry_selection_is_read(identifier: str, entries: EntrySelection) -> None:
    assert read_entry(parameters(octets(identifier))) == entries


def test_the_range_of_the_published_session_is_what_our_client_sends() -> None:
    sent = bytes.fromhex(SESSIONS[1]["apdus"][2]["hex"])
    clock = Obis.parse("0.1.1.0.0.255")
    days = [DateTime(2013, 10, day, 255, 0, 0, 0, 0, status=0x80) for day in (25, 26)]
    written = range_parameters(clock, *days)
    assert read_attribute_request(Reader(sent, 3)).parameters == written
    assert read_range(Reader(written)) == RangeSelection(CaptureObject(8, clock, 2), *days, ())


def test_columns_of_a_range_are_read() -> None:
    columns = "0102" + CLOCK_FIELDS + "0204 120003 09060101010800ff 0f02 120000"
    selection = read_range(Reader(bytes.fromhex("0204" + CLOCK_FIELDS + BEGIN + END + columns)))
    assert selection.columns == (CLOCK, COLUMN)


def test_a_limit_with_a_tag_of_its_own_is_read() -> None:
    tagged = BEGIN.replace("090c", "19", 1)
    assert read_range(Reader(bytes.fromhex("0204" + CLOCK_FIELDS + tagged + END + "0100"))).begin.day == 1


REFUSED_RANGES: list[tuple[str, str, Any]] = [
    ("nothing", "", DecodeError),
    ("an array", "0104", TypeUnmatched),
    ("three fields", "0203", TypeUnmatched),
    ("a restricting object of another type", "02040203120008", TypeUnmatched),
    ("a limit that is a number", "0204" + CLOCK_FIELDS + "0600000000" + END + "0100", TypeUnmatched),
    ("a limit of five octets", "0204" + CLOCK_FIELDS + "090507e80101ff" + END + "0100", TypeUnmatched),
    ("a limit in month 13", "0204" + CLOCK_FIELDS + BEGIN.replace("e801", "e80d") + END + "0100", TypeUnmatched),
    ("no columns", "0204" + CLOCK_FIELDS + BEGIN + END, DecodeError),
    ("columns that are numbers", "0204" + CLOCK_FIELDS + BEGIN + END + "01011101", TypeUnmatched),
    ("octets behind it", "0204" + CLOCK_FIELDS + BEGIN + END + "010000", DecodeError),
]


@pytest.mark.parametrize(("sent", "error"), [row[1:] for row in REFUSED_RANGES], ids=[r[0] for r in REFUSED_RANGES])
def test_a_malformed_range_is_refused(sent: str, error: Any) -> None:
    with pytest.raises(error):
        read_range(Reader(bytes.fromhex(sent)))


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ("", DecodeError),
        ("0202", TypeUnmatched),
        ("0204 120001 120002 120001 120000", TypeUnmatched),
        ("0204 0600000001 0600000002 120001", DecodeError),
        ("0204 0600000001 0600000002 120001 120000 00", DecodeError),
    ],
)
def test_a_malformed_entry_selection_is_refused(sent: str, error: Any) -> None:
    with pytest.raises(error):
        read_entry(Reader(bytes.fromhex(sent)))
