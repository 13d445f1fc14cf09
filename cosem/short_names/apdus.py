"""xDLMS service APDUs with short names (Green Book 9.5): READ, WRITE, UnconfirmedWrite, InformationReport.

| APDU | contents |
|---|---|
| `05` ReadRequest | list of accesses |
| `0C` ReadResponse | list of results |
| `06` WriteRequest, `16` UnconfirmedWriteRequest | list of accesses, list of data |
| `0D` WriteResponse | list of results |
| `18` InformationReportRequest | current time or none, list of accesses, list of data |

Every access and every result is a NamedTuple whose tag is in the tables below; values stay octets. A long READ or WRITE
travels in blocks, each alone in its list; what the blocks hold together is the contents of the APDU that was too long,
without its tag.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from ..data_types import OCTET_STRING
from ..errors import DataAccessResult, DecodeError
from ..reader import Reader, encode_length
from ..xdlms import read_raw_value, read_raw_values, read_result

READ_REQUEST: Final = 0x05
WRITE_REQUEST: Final = 0x06
READ_RESPONSE: Final = 0x0C
WRITE_RESPONSE: Final = 0x0D
CONFIRMED_SERVICE_ERROR: Final = 0x0E
UNCONFIRMED_WRITE_REQUEST: Final = 0x16
INFORMATION_REPORT: Final = 0x18

# Choices of Variable-Access-Specification.
_VARIABLE_NAME: Final = 0x02
_PARAMETERIZED: Final = 0x04
_BLOCK_NUMBER: Final = 0x05
_READ_BLOCK: Final = 0x06
_WRITE_BLOCK: Final = 0x07

BLOCK_OVERHEAD: Final = 9
"""Octets around the raw data of a block in a ReadResponse: tag, count, choice, last-block, number, long length."""
LAST_NUMBER: Final = 0xFFFF
"""Blocks with short names are numbered in 16 bits."""

_SMALLEST_ACCESS: Final = 3
_GENERALIZED_TIME: Final = re.compile(r"\d{14}([.,]\d+)?(Z|[+-]\d{2}(\d{2})?)?", re.ASCII)


class Variable(NamedTuple):
    """An attribute by its short name; in a WRITE also a method, whose parameter is the data."""

    name: int


class Parameterized(NamedTuple):
    """An attribute with an access selector, or a method; `parameter` is encoded."""

    name: int
    selector: int
    parameter: bytes

    def __repr__(self) -> str:
        """Silent: the parameter may be a secret."""
        return f"Parameterized(0x{self.name:04x}, {self.selector}, …)"


class BlockNumber(NamedTuple):
    """In a READ: this block of the response came, the next please."""

    number: int


class DataBlock(NamedTuple):
    """A block of a ReadRequest (as access) or of a ReadResponse (as result)."""

    last: bool
    number: int
    raw: bytes


class WriteBlock(NamedTuple):
    """In a WRITE: the only data is an octet-string that holds this block of the WriteRequest."""

    last: bool
    number: int


class Received(NamedTuple):
    """In a response: this block of the request came."""

    number: int


Access = Variable | Parameterized | BlockNumber | DataBlock | WriteBlock
ReadResult = bytes | DataAccessResult | DataBlock | Received
"""Encoded data, or what else a READ may have for result."""
WriteResult = DataAccessResult | Received


def read_accesses(reader: Reader) -> list[Access]:
    """A list of accesses; raises `DecodeError`."""
    return [_read_access(reader) for _ in range(reader.count(_SMALLEST_ACCESS))]


def _read_access(reader: Reader) -> Access:
    position = reader.position
    choice = reader.u8()
    if choice == _VARIABLE_NAME:
        return Variable(reader.unsigned(2))
    if choice == _PARAMETERIZED:
        return Parameterized(reader.unsigned(2), reader.u8(), read_raw_value(reader))
    if choice == _BLOCK_NUMBER:
        return BlockNumber(reader.unsigned(2))
    if choice == _READ_BLOCK:
        return _read_block(reader)
    if choice == _WRITE_BLOCK:
        return WriteBlock(reader.u8() != 0, reader.unsigned(2))
    raise DecodeError(f"variable-access-specification {choice} (2, 4, 5, 6 or 7 expected)", position)


def _read_block(reader: Reader) -> DataBlock:
    return DataBlock(reader.u8() != 0, reader.unsigned(2), reader.octets(reader.length()))


def _write_block(block: DataBlock) -> bytes:
    head = bytes((block.last,)) + block.number.to_bytes(2, "big")
    return head + encode_length(len(block.raw)) + block.raw


def write_accesses(accesses: Sequence[Access]) -> bytes:
    """The octets of a list of accesses."""
    return encode_length(len(accesses)) + b"".join(map(_write_access, accesses))


def _write_access(access: Access) -> bytes:
    match access:
        case Variable(name):
            return b"\x02" + name.to_bytes(2, "big")
        case Parameterized(name, selector, parameter):
            return b"\x04" + name.to_bytes(2, "big") + bytes((selector,)) + parameter
        case BlockNumber(number):
            return b"\x05" + number.to_bytes(2, "big")
        case DataBlock():
            return b"\x06" + _write_block(access)
        case WriteBlock(last, number):
            return b"\x07" + bytes((last,)) + number.to_bytes(2, "big")


def read_contents(reader: Reader) -> tuple[list[Access], list[bytes]]:
    """Accesses and as many data: what a WriteRequest holds after its tag; raises `DecodeError`."""
    accesses = read_accesses(reader)
    values = read_raw_values(reader)
    reader.end()
    if len(values) != len(accesses):
        raise DecodeError(f"{len(values)} data for {len(accesses)} accesses")
    return accesses, values


def write_contents(accesses: Sequence[Access], values: Sequence[bytes]) -> bytes:
    """Accesses and their data."""
    return write_accesses(accesses) + encode_length(len(values)) + b"".join(values)


def block_contents(raw: bytes) -> list[bytes]:
    """The data of a WRITE that carries a block."""
    return [OCTET_STRING.encode(raw)]


def write_read_results(results: Sequence[ReadResult]) -> bytes:
    """The octets of a ReadResponse after its tag."""
    return encode_length(len(results)) + b"".join(map(_write_read_result, results))


def _write_read_result(result: ReadResult) -> bytes:
    match result:
        case bytes():
            return b"\x00" + result
        case DataAccessResult():
            return bytes((0x01, result))
        case DataBlock():
            return b"\x02" + _write_block(result)
        case Received(number):
            return b"\x03" + number.to_bytes(2, "big")


def write_write_results(results: Sequence[WriteResult]) -> bytes:
    """The octets of a WriteResponse after its tag."""
    parts = [encode_length(len(results))]
    for result in results:
        if isinstance(result, Received):
            parts.append(b"\x02" + result.number.to_bytes(2, "big"))
        else:
            parts.append(b"\x00" if result is DataAccessResult.SUCCESS else bytes((0x01, result)))
    return b"".join(parts)


def read_read_results(reader: Reader) -> list[ReadResult]:
    """The results of a READ, after the tag or put together from blocks; raises `DecodeError`."""
    results = [_read_read_result(reader) for _ in range(reader.count(2))]
    reader.end()
    return results


def _read_read_result(reader: Reader) -> ReadResult:
    position = reader.position
    choice = reader.u8()
    if choice == 0x00:
        return read_raw_value(reader)
    if choice == 0x01:
        return read_result(reader)
    if choice == 0x02:
        return _read_block(reader)
    if choice == 0x03:
        return Received(reader.unsigned(2))
    raise DecodeError(f"result {choice} of a READ (0 to 3 expected)", position)


def read_write_results(reader: Reader) -> list[WriteResult]:
    """The results of a WRITE, after the tag; raises `DecodeError`."""
    results: list[WriteResult] = []
    for _ in range(reader.count()):
        position = reader.position
        choice = reader.u8()
        if choice > 0x02:
            raise DecodeError(f"result {choice} of a WRITE (0 to 2 expected)", position)
        if choice == 0x02:
            results.append(Received(reader.unsigned(2)))
        else:
            results.append(read_result(reader) if choice else DataAccessResult.SUCCESS)
    reader.end()
    return results


class InformationReport(NamedTuple):
    """Values that a server sends unasked; `time` is a GeneralizedTime such as "20261121120000Z"."""

    time: str | None
    accesses: list[Access]
    values: list[bytes]


def read_information_report(octets: bytes) -> InformationReport:
    """Read an InformationReportRequest; raises `DecodeError`."""
    reader = Reader(octets)
    if reader.u8() != INFORMATION_REPORT:
        raise DecodeError("InformationReportRequest (tag 0x18) expected", 0)
    time = None
    if reader.u8():
        time = reader.octets(reader.length()).decode("ascii", "replace")
        if not _GENERALIZED_TIME.fullmatch(time):
            raise DecodeError(f"{time!r} is no GeneralizedTime", 2)
    return InformationReport(time, *read_contents(reader))


def write_information_report(report: InformationReport) -> bytes:
    """Write an InformationReportRequest; raises `ValueError` where the time is none."""
    head = bytes((INFORMATION_REPORT,))
    if report.time is None:
        return head + b"\x00" + write_contents(report.accesses, report.values)
    if not _GENERALIZED_TIME.fullmatch(report.time):
        raise ValueError(f"{report.time!r} is no GeneralizedTime")
    time = report.time.encode("ascii")
    return head + b"\x01" + encode_length(len(time)) + time + write_contents(report.accesses, report.values)
