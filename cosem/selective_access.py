"""Selective access to profile buffers (Blue Book 4.3.6): range and entry descriptors, as parameters of a GET."""

from __future__ import annotations

from typing import Final, NamedTuple

from obis import Obis

from .data_types import DOUBLE_LONG_UNSIGNED, LONG_UNSIGNED, Array
from .date_time import DateTime
from .errors import DecodeError, TypeUnmatched
from .interface_classes import CAPTURE_OBJECT
from .reader import Reader

BY_RANGE: Final = 1
BY_ENTRY: Final = 2


class CaptureObject(NamedTuple):
    """A column of a buffer: an attribute of an object (`data_index` 0: all of it)."""

    class_id: int
    logical_name: Obis
    attribute: int
    data_index: int = 0


class RangeSelection(NamedTuple):
    """Rows whose `restricting` column lies in begin..end, with these columns (empty: all)."""

    restricting: CaptureObject
    begin: DateTime
    end: DateTime
    columns: tuple[CaptureObject, ...]


class EntrySelection(NamedTuple):
    """Rows and columns by number, as sent: what the numbers mean is the device's choice."""

    from_entry: int
    to_entry: int
    from_column: int
    to_column: int


_CAPTURE_OBJECTS: Final = Array(CAPTURE_OBJECT)


def read_range(reader: Reader) -> RangeSelection:
    """Read a range descriptor; raises `TypeUnmatched` or `DecodeError`."""
    _structure_of_four(reader)
    restricting = _capture_object(CAPTURE_OBJECT.decode(reader))
    begin = _moment(reader)
    end = _moment(reader)
    columns = tuple(_capture_object(item) for item in _CAPTURE_OBJECTS.decode(reader))
    reader.end()
    return RangeSelection(restricting, begin, end, columns)


def read_entry(reader: Reader) -> EntrySelection:
    """Read an entry descriptor; raises `TypeUnmatched` or `DecodeError`."""
    _structure_of_four(reader)
    numbers = (
        DOUBLE_LONG_UNSIGNED.decode(reader),
        DOUBLE_LONG_UNSIGNED.decode(reader),
        LONG_UNSIGNED.decode(reader),
        LONG_UNSIGNED.decode(reader),
    )
    reader.end()
    return EntrySelection(*numbers)


def _structure_of_four(reader: Reader) -> None:
    if reader.octets(2) != b"\x02\x04":
        raise TypeUnmatched("a structure of four fields expected")


def _capture_object(fields: tuple[int, bytes, int, int]) -> CaptureObject:
    return CaptureObject(fields[0], Obis(fields[1]), fields[2], fields[3])


def _moment(reader: Reader) -> DateTime:
    """A limit of the range: a date-time in an octet-string, or with its own tag."""
    tag = reader.u8()
    if tag == 0x09:
        size = reader.length()
    elif tag == 0x19:
        size = 12
    else:
        raise TypeUnmatched("a date-time expected as limit of the range")
    try:
        return DateTime.from_bytes(reader.octets(size))
    except DecodeError as error:
        raise TypeUnmatched(str(error)) from error
