"""APDUs with short names: one table for both directions, the public vectors, and what is refused."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.data_types import OCTET_STRING
from cosem.errors import DataAccessResult, DecodeError
from cosem.reader import Reader
from cosem.short_names import apdus
from cosem.short_names.apdus import (
    Access,
    BlockNumber,
    DataBlock,
    InformationReport,
    Parameterized,
    ReadResult,
    Received,
    Variable,
    WriteBlock,
    WriteResult,
)

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "short_names.json").read_text())


def rewritten(apdu: bytes) -> bytes:
    """An APDU read and written again."""
    tag, reader = apdu[:1], Reader(apdu, 1)
    match apdu[0]:
        case apdus.READ_REQUEST:
            accesses = apdus.read_accesses(reader)
            reader.end()
            return tag + apdus.write_accesses(accesses)
        case apdus.WRITE_REQUEST | apdus.UNCONFIRMED_WRITE_REQUEST:
            return tag + apdus.write_contents(*apdus.read_contents(reader))
        case apdus.READ_RESPONSE:
            return tag + apdus.write_read_results(apdus.read_read_results(reader))
        case apdus.WRITE_RESPONSE:
            return tag + apdus.write_write_results(apdus.read_write_results(reader))
        case apdus.INFORMATION_REPORT:
            return apdus.write_information_report(apdus.read_information_report(apdu))
    raise AssertionError(apdu.hex())


@pytest.mark.parametrize(
    "apdu",
    [vector[side] for vector in VECTORS for side in ("hex_in", "hex_out") if vector[side]],
)
def test_a_public_vector_is_read_and_written_octet_by_octet(apdu: str) -> None:
    assert rewritten(bytes.fromhex(apdu)) == bytes.fromhex(apdu)


ACCESSES: list[tuple[list[Access], str]] = [
    ([Variable(0xFA00)], "01 02fa00"),
    ([Variable(0xFA00), Variable(8)], "02 02fa00 020008"),
    ([Parameterized(0x2EE8, 2, b"\x12\x00\x01")], "01 042ee8 02 120001"),
    ([BlockNumber(1)], "01 050001"),
    ([DataBlock(True, 2, b"abc")], "01 06 01 0002 03616263"),
    ([WriteBlock(False, 0xFFFF)], "01 07 00 ffff"),
    ([], "00"),
]


@pytest.mark.parametrize(("accesses", "octets"), ACCESSES)
def test_accesses_are_written_and_read(accesses: list[Access], octets: str) -> None:
    assert apdus.write_accesses(accesses) == bytes.fromhex(octets)
    assert apdus.read_accesses(Reader(bytes.fromhex(octets))) == accesses


READ_RESULTS: list[tuple[list[ReadResult], str]] = [
    ([b"\x12\x00\x64"], "01 00 120064"),
    ([DataAccessResult.OBJECT_UNDEFINED], "01 01 04"),
    ([DataBlock(False, 1, b"ab")], "01 02 00 0001 026162"),
    ([Received(3)], "01 03 0003"),
    ([b"\x00", DataAccessResult.OTHER_REASON], "02 00 00 01 fa"),
]


@pytest.mark.parametrize(("results", "octets"), READ_RESULTS)
def test_results_of_a_read_are_written_and_read(results: list[ReadResult], octets: str) -> None:
    assert apdus.write_read_results(results) == bytes.fromhex(octets)
    assert apdus.read_read_results(Reader(bytes.fromhex(octets))) == results


WRITE_RESULTS: list[tuple[list[WriteResult], str]] = [
    ([DataAccessResult.SUCCESS], "01 00"),
    ([DataAccessResult.READ_WRITE_DENIED, DataAccessResult.SUCCESS], "02 01 03 00"),
    ([Received(1)], "01 02 0001"),
]


@pytest.mark.parametrize(("results", "octets"), WRITE_RESULTS)
def test_results_of_a_write_are_written_and_read(results: list[WriteResult], octets: str) -> None:
    assert apdus.write_write_results(results) == bytes.fromhex(octets)
    assert apdus.read_write_results(Reader(bytes.fromhex(octets))) == results


REPORTS = [
    (InformationReport(None, [Variable(0x2EE8)], [b"\x11\x05"]), "18 00 01 022ee8 01 1105"),
    (
        InformationReport("20261121120000Z", [Variable(8), Variable(16)], [b"\x00", b"\x03\x01"]),
        "18 01 0f 32303236313132313132303030305a 02 020008 020010 02 00 0301",
    ),
    (InformationReport("20261121120000.5+0100", [], []), "18 01 15 32303236313132313132303030302e352b30313030 00 00"),
]


@pytest.mark.parametrize(("report", "octets"), REPORTS)
def test_information_reports_are_written_and_read(report: InformationReport, octets: str) -> None:
    assert apdus.write_information_report(report) == bytes.fromhex(octets)
    assert apdus.read_information_report(bytes.fromhex(octets)) == report


def test_a_report_without_a_time_of_day_is_not_written() -> None:
    with pytest.raises(ValueError, match="no GeneralizedTime"):
        apdus.write_information_report(InformationReport("today", [], []))


def test_the_data_of_a_block_is_one_octet_string() -> None:
    assert apdus.block_contents(b"ab") == [OCTET_STRING.encode(b"ab")]


REFUSED: list[tuple[str, Callable[[Reader], Any], str]] = [
    ("an access that does not exist", apdus.read_accesses, "01 03 fa00"),
    ("a name that is cut off", apdus.read_accesses, "01 02 fa"),
    ("more accesses than octets", apdus.read_accesses, "7f 02fa00"),
    ("a parameter that is no data", apdus.read_accesses, "01 04 fa08 02 ff"),
    ("a block longer than what comes", apdus.read_accesses, "01 06 01 0001 7f 00"),
    ("data without access", apdus.read_contents, "00 01 1105"),
    ("an access without data", apdus.read_contents, "01 020008 00"),
    ("octets after the data", apdus.read_contents, "01 020008 01 1105 00"),
    ("no data at all", apdus.read_contents, "01 020008"),
    ("a result that does not exist", apdus.read_read_results, "01 04 00"),
    ("a data-access-result that does not exist", apdus.read_read_results, "01 01 08"),
    ("octets after the results", apdus.read_read_results, "01 00 00 00"),
    ("a result of a WRITE that does not exist", apdus.read_write_results, "01 03"),
    ("octets after the results of a WRITE", apdus.read_write_results, "01 00 00"),
]


@pytest.mark.parametrize(("read", "octets"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_octets_that_are_not_what_they_should_be_are_refused(read: Callable[[Reader], Any], octets: str) -> None:
    with pytest.raises(DecodeError):
        read(Reader(bytes.fromhex(octets)))


@pytest.mark.parametrize(
    "octets", ["", "19 00 00 00", "18 01 05 746f646179 00 00", "18 00 01 020008 00", "18 01 0f 3230"]
)
def test_a_report_that_does_not_decode_is_refused(octets: str) -> None:
    with pytest.raises(DecodeError):
        apdus.read_information_report(bytes.fromhex(octets))


names = st.integers(0, 0xFFFF)
raw = st.binary(max_size=300)
data = raw.map(OCTET_STRING.encode)
accesses_of_any_kind: st.SearchStrategy[list[Access]] = st.lists(
    st.one_of(
        names.map(Variable),
        st.builds(Parameterized, names, st.integers(0, 0xFF), data),
        names.map(BlockNumber),
        st.builds(DataBlock, st.booleans(), names, raw),
        st.builds(WriteBlock, st.booleans(), names),
    ),
    max_size=5,
)


@given(accesses_of_any_kind, st.data())
def test_whatever_is_written_is_read_again(accesses: list[Access], drawn: st.DataObject) -> None:
    values = drawn.draw(st.lists(data, min_size=len(accesses), max_size=len(accesses)))
    assert apdus.read_contents(Reader(apdus.write_contents(accesses, values))) == (accesses, values)


@given(st.sampled_from([apdus.read_accesses, apdus.read_contents, apdus.read_read_results]), st.binary(max_size=60))
def test_any_octets_are_read_or_refused(read: Callable[[Reader], Any], octets: bytes) -> None:
    with contextlib.suppress(DecodeError):
        read(Reader(octets))
