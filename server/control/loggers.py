"""Logger rows for the API: every Profile generic object of the meter, page by page, the newest row first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, Field

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
from .run_site import Behind, NotThere
from .values import VALUE, context_of, date_time_of, decoded, json_of, name_of, scaler_unit

_RANGE: Final = Structure(CAPTURE_OBJECT, DATE_TIME_STRING, DATE_TIME_STRING, Array(CAPTURE_OBJECT))
_ROW_ATTRIBUTES: Final = {-1: "status", -2: "data quality"}
"""Attributes 255 and 254 that the load profile captures of itself (382M DLMS description 3.4)."""
_TIMES: Final = {(Clock.class_id, Clock.time.index), (ExtendedRegister.class_id, ExtendedRegister.capture_time.index)}
"""Columns that hold a date and time, by class and attribute."""
_FIRST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2105, 12, 31, tzinfo=UTC)


class Column(BaseModel):
    """A column of a logger: the attribute it captures."""

    obis: str
    name: str
    class_id: int
    attribute: int
    unit: str = ""


class Logger(BaseModel):
    """A logger of a meter (Profile generic)."""

    obis: str
    name: str
    period_s: int
    entries: int = Field(description="rows it holds now")
    depth: int = Field(description="rows it can hold")
    columns: list[Column]


class LoggerRows(BaseModel):
    """A page of rows, the newest first; a value a column."""

    obis: str
    name: str
    columns: list[Column]
    total: int = Field(description="rows selected, of which this page shows some")
    offset: int = Field(description="selected rows newer than those of this page")
    rows: list[list[Any]]


class _Column(NamedTuple):
    """A column, and what makes a number of it."""

    shown: Column
    scaler: int


def loggers(behind: Behind) -> Iterator[Logger]:
    """Every logger of the meter."""
    context = context_of(behind)
    for item in behind.model.objects:
        if item.interface_class is ProfileGeneric:
            attributes = item.attributes
            yield Logger(
                obis=str(item.logical_name),
                name=name_of(item.logical_name, item.name),
                period_s=decoded(context, attributes[ProfileGeneric.capture_period.index]),
                entries=decoded(context, attributes[ProfileGeneric.entries_in_use.index]),
                depth=decoded(context, attributes[ProfileGeneric.profile_entries.index]),
                columns=[column.shown for column in _columns(behind, context, item)],
            )


def logger_rows(
    behind: Behind, logical_name: Obis, begin: datetime | None, end: datetime | None, offset: int, limit: int
) -> LoggerRows:
    """A page of the rows captured from `begin` to `end`; raises `NotThere` where there is no such logger."""
    for item in behind.model.objects:
        if item.logical_name == logical_name and item.interface_class is ProfileGeneric:
            break
    else:
        raise NotThere(
            f"this meter has no logger {logical_name}; there are {', '.join(logger.obis for logger in loggers(behind))}"
        )
    context = context_of(behind)
    buffer = _selected(context, item, begin, end)
    columns = _columns(behind, context, item)
    last = max(0, buffer.rows - offset)
    return LoggerRows(
        obis=str(item.logical_name),
        name=name_of(item.logical_name, item.name),
        columns=[column.shown for column in columns],
        total=buffer.rows,
        offset=offset,
        rows=[
            _row(behind, buffer, number, columns) for number in range(last - 1, max(0, last - limit) - 1, -1)
        ],
    )  # fmt: skip


def _selected(context: Context, item: CosemObject, begin: datetime | None, end: datetime | None) -> RowBuffer:
    """The rows as the meter encodes them, by range where a limit is given; limits are sent in UTC."""
    bound = item.attributes[ProfileGeneric.buffer.index]
    if begin is None and end is None:
        assert bound.read is not None
        buffer = bound.read(context)
    else:
        assert bound.select is not None
        limits = [moment.astimezone(UTC) for moment in (begin or _FIRST, end or _LAST)]
        encoded = _RANGE.encode((CLOCK, *(DateTime.from_datetime(limit, deviation=0) for limit in limits), []))
        buffer = bound.select(context, BY_RANGE, Reader(encoded))
    assert isinstance(buffer, RowBuffer)
    return buffer


def _columns(behind: Behind, context: Context, item: CosemObject) -> list[_Column]:
    objects = {(other.interface_class.class_id, other.logical_name): other for other in behind.model.objects}
    columns = []
    for fields in decoded(context, item.attributes[ProfileGeneric.capture_objects.index]):
        captured = CaptureObject(*fields)
        other = objects.get((captured.class_id, captured.logical_name))
        name, scaler, unit = name_of(captured.logical_name, "" if other is None else other.name), 0, ""
        if captured.attribute == VALUE:
            scaler, unit = (0, "") if other is None else scaler_unit(context, other)
        elif (captured.class_id, captured.attribute) in _TIMES:
            name = f"{name}, time"
        else:
            name = _ROW_ATTRIBUTES.get(captured.attribute, f"{name}, attribute {captured.attribute}")
        shown = Column(
            obis=str(captured.logical_name),
            name=name,
            class_id=captured.class_id,
            attribute=captured.attribute,
            unit=unit,
        )
        columns.append(_Column(shown, scaler))
    return columns


def _row(behind: Behind, buffer: RowBuffer, number: int, columns: Sequence[_Column]) -> list[Any]:
    start = buffer.header + number * buffer.row_size if buffer.starts is None else buffer.starts[number]
    row = []
    for column, value in zip(columns, ANY.decode(Reader(buffer.data, start)), strict=True):
        is_time = (column.shown.class_id, column.shown.attribute) in _TIMES
        if is_time and isinstance(value, bytes) and len(value) == 12:
            value = date_time_of(value)
        row.append(json_of(behind.meter.engine, value, column.scaler))
    return row
