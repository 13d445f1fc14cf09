"""Loggers as R6 gives them: blocks of some records each, every block with the header (IEC 1107 description 5.4, 8.1.5).

    99.1.0(4)(1.0.0)()(96.56.2)()(96.56.3)()(1.8.0)(kWh)
    (01050101000000)(0)(0)(0000586.12)

The header has the number of columns, then code and unit of each; a record has a line with a value for each. Columns
and records are those of the DLMS object of the logger, so one description serves both. The time comes first, then
the status of a row (96.56.2) and its data quality (96.56.3) where a logger has them. Left out is the energy format
(1.1.134.0.1), which says how DLMS has to read the energies: here they come in the format of the display. The time of a
peak stands behind the peak under the same code, without unit.

The parameters are `start;end;records in a block`. Each may be left out, but an end needs a start (8.1.5). Start and
end are NYYMMDDhhmmss, both included, and go by the stamps of the rows. A logger without rows in between has its header
only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from cosem.data_types import ANY, DATE_TIME_STRING, Array, Structure
from cosem.date_time import DateTime
from cosem.interface_class import CosemObject
from cosem.interface_classes import CAPTURE_OBJECT, Clock, ExtendedRegister, ProfileGeneric
from cosem.reader import Reader
from cosem.rows import RowBuffer
from cosem.selective_access import BY_RANGE, CaptureObject
from obis import Obis

from ..binding import Context
from ..binding.selection import CLOCK
from . import registers
from .errors import Fault, Refusal
from .notation import Notation, date_time_stamp, formatted, normal_time, notation_of, plain

RECORDS: Final = 6
"""Records in a block, where none are asked for."""
_RECORDS: Final = re.compile(r"0?[1-9]|[1-9][0-9]")
_ROW_ATTRIBUTES: Final = {-1: "96.56.2", -2: "96.56.3"}
_TIMES: Final = {(Clock.class_id, Clock.time.index), (ExtendedRegister.class_id, ExtendedRegister.capture_time.index)}
_NOT_HERE: Final = Obis.parse("1.1.134.0.1.255")
_RANGE: Final = Structure(CAPTURE_OBJECT, DATE_TIME_STRING, DATE_TIME_STRING, Array(CAPTURE_OBJECT))
_BEGIN: Final = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp())
_END: Final = int(datetime(2105, 12, 31, tzinfo=UTC).timestamp())


class Request(NamedTuple):
    """What of a logger is wanted; begin and end in normal time."""

    begin: int = _BEGIN
    end: int = _END
    records: int = RECORDS

    @classmethod
    def parse(cls, text: str) -> Request:
        """Read `start;end;records`; what is left out is empty or missing. Raises `ValueError`."""
        parts = text.split(";")
        if len(parts) > len(cls._fields):
            raise ValueError(f"{text!r} is no start;end;records")
        begin, end, records = parts + [""] * (len(cls._fields) - len(parts))
        if end and not begin:
            raise ValueError(f"{text!r} has an end without a start")
        if records and not _RECORDS.fullmatch(records):
            raise ValueError(f"{records!r} records in a block; allowed: 1..99")
        return cls(
            normal_time(begin) if begin else _BEGIN,
            normal_time(end) if end else _END,
            int(records) if records else RECORDS,
        )


class _Column(NamedTuple):
    captures: CaptureObject
    code: str
    notation: Notation


class Blocks(Sequence[str]):
    """The blocks of an answer, each written when it is asked for; their rows are those there were at the request."""

    def __init__(
        self, code: str, columns: Sequence[_Column], buffer: RowBuffer, records: int, display_decimals: str
    ) -> None:
        self._columns = columns
        self._buffer = buffer
        self._records = records
        self._decimals = display_decimals
        shown = "".join(f"({column.code})({column.notation.unit})" for column in columns)
        self._header = f"{code}({len(columns)}){shown}\r\n"

    def __len__(self) -> int:
        return max(1, -(-self._buffer.rows // self._records))

    def __getitem__(self, index: Any) -> Any:
        """A block; there are no slices of an answer."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        first = index * self._records
        rows = range(first, min(first + self._records, self._buffer.rows))
        return self._header + "".join(map(self._line, rows))

    def _line(self, number: int) -> str:
        buffer = self._buffer
        start = buffer.header + number * buffer.row_size if buffer.starts is None else buffer.starts[number]
        values = ANY.decode(Reader(buffer.data, start))
        texts = (self._text(*pair) for pair in zip(self._columns, values, strict=True))
        return "".join(f"({text})" for text in texts) + "\r\n"

    def _text(self, column: _Column, value: Any) -> str:
        if (column.captures.class_id, column.captures.attribute) in _TIMES:
            return date_time_stamp(DateTime.from_bytes(value))
        if column.notation.format == "plain":
            return plain(value)
        return formatted(column.notation.format, value, self._decimals)


def read_logger(context: Context, item: CosemObject, text: str) -> Blocks:
    """The answer to R6 with these parameters; raises `Refusal`."""
    try:
        request = Request.parse(text)
    except ValueError as error:
        raise Refusal(Fault.FORMAT) from error
    captured = registers.value(context, item.attributes[ProfileGeneric.capture_objects.index])
    columns = [_column(CaptureObject(fields[0], Obis(fields[1]), *fields[2:])) for fields in captured]
    columns = [column for column in columns if column.captures.logical_name != _NOT_HERE]
    limits = (_limit(context, moment) for moment in (request.begin, request.end))
    selection = _RANGE.encode((CLOCK, *limits, [column.captures for column in columns]))
    select = item.attributes[ProfileGeneric.buffer.index].select
    assert select is not None
    buffer = select(context, BY_RANGE, Reader(selection))
    assert isinstance(buffer, RowBuffer)
    decimals = context.meter.profile.metering.display_decimals
    return Blocks(registers.identification(item.logical_name), columns, buffer, request.records, decimals)


def _limit(context: Context, moment: int) -> DateTime:
    """Normal time as an instant that needs no daylight saving."""
    utc = datetime.fromtimestamp(moment - context.meter.engine.configuration.gmt_offset_s, UTC)
    return DateTime.from_datetime(utc, deviation=0)


def _column(captures: CaptureObject) -> _Column:
    code = _ROW_ATTRIBUTES.get(captures.attribute)
    if code is not None:
        return _Column(captures, code, Notation("plain", ""))
    code = registers.identification(captures.logical_name)
    if (captures.class_id, captures.attribute) in _TIMES:
        return _Column(captures, code, Notation("plain", ""))
    return _Column(captures, code, notation_of(captures.logical_name))
