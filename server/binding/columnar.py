"""Loggers that keep their rows in columns as Profile generic objects, encoded column by column.

The load profile and the analysis logger: stamp, status and quality first, then what is captured. Their layout
is that of the meter at the moment, since a client may choose what the analysis logger records.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosem.data_types import DATE_TIME_STRING, DOUBLE_LONG_UNSIGNED, LONG_UNSIGNED, DataType
from cosem.date_time import DEVIATION_UNSPECIFIED, STATUS_DST, STATUS_INVALID, UNSPECIFIED
from cosem.interface_class import BoundAttribute, CosemObject, Invocation, Sink
from cosem.interface_classes import ProfileGeneric
from cosem.reader import Reader
from cosem.rows import ColumnLayout, DateTimeColumn, RowBuffer
from cosem.selective_access import BY_RANGE, CaptureObject, read_entry, read_range
from metering import LoggerStatus
from metering.stamped_rows import Rows, rows_by_entry, rows_in_range
from obis import Obis

from .selection import CLOCK, SELECTORS, check_columns, check_range, entry_range, fixed_attributes, normal_time

# Attributes 255 and 254 of the profile itself, as signed integers (382M DLMS description 3.4).
_STATUS_ATTRIBUTE: Final = -1
_QUALITY_ATTRIBUTE: Final = -2
_CLOCK_INVALID: Final = np.uint16(LoggerStatus.CLOCK_INVALID)
"""The engine's own mark; on the wire it is in the clock status of the stamp."""


class Captured(NamedTuple):
    """One captured column: what it is, its type on the wire, and its values for some rows, or a constant."""

    captures: CaptureObject
    type: DataType
    values: Callable[[Rows], Any]


class Table(NamedTuple):
    """A logger of a meter at the moment."""

    stamps: NDArray[np.int64]
    status: NDArray[np.uint16]
    quality: NDArray[np.uint32]
    captured: list[Captured]
    period_s: int
    entries: int


def columnar_object(
    logical_name: Obis, name: str, table: Callable[[Any], Table], *, set_period: Sink, reset: Invocation
) -> CosemObject:
    """The object of a logger; its capture period may be written, its reset method deletes the rows."""
    first = [
        CLOCK,
        CaptureObject(7, logical_name, _STATUS_ATTRIBUTE),
        CaptureObject(7, logical_name, _QUALITY_ATTRIBUTE),
    ]

    def columns(context: Any) -> list[CaptureObject]:
        return [*first, *(item.captures for item in table(context).captured)]

    def whole(context: Any) -> RowBuffer:
        now = table(context)
        return _encode(context, now, slice(None), range(len(first) + len(now.captured)))

    def select(context: Any, selector: int, reader: Reader) -> RowBuffer:
        now, captured = table(context), columns(context)
        rows: Rows
        if selector == BY_RANGE:
            selection = read_range(reader)
            wanted = check_range(selection, captured)
            begin, end = normal_time(context, selection.begin), normal_time(context, selection.end)
            rows = rows_in_range(now.stamps, begin, end)
        else:
            entry = read_entry(reader)
            wanted = check_columns(entry, len(captured))
            rows = rows_by_entry(now.stamps.size, *entry_range(context, entry, now.stamps.size))
        return _encode(context, now, rows, wanted)

    return CosemObject(
        ProfileGeneric,
        logical_name,
        [
            BoundAttribute(ProfileGeneric.buffer, encoded=whole, select=select, selectors=SELECTORS),
            BoundAttribute(ProfileGeneric.capture_objects, columns),
            BoundAttribute(ProfileGeneric.capture_period, lambda context: table(context).period_s, set_period),
            *fixed_attributes(),
            BoundAttribute(ProfileGeneric.entries_in_use, lambda context: int(table(context).stamps.size)),
            BoundAttribute(ProfileGeneric.profile_entries, lambda context: table(context).entries),
        ],
        {ProfileGeneric.reset: reset},
        name=name,
    )


@lru_cache(maxsize=64)
def _layout(types: tuple[DataType, ...]) -> ColumnLayout:
    return ColumnLayout(types)


def _encode(context: Any, table: Table, rows: Rows, columns: range | list[int]) -> RowBuffer:
    """The selected rows and columns, encoded; blocks follow capture slots."""
    stamps = table.stamps[rows]
    types: list[DataType] = []
    arrays: list[Any] = []
    for number in columns:
        if number == 0:
            types.append(DATE_TIME_STRING)
            arrays.append(_stamp_columns(context, stamps, table.status[rows]))
        elif number == 1:
            types.append(LONG_UNSIGNED)
            arrays.append(table.status[rows] & ~_CLOCK_INVALID)
        elif number == 2:
            types.append(DOUBLE_LONG_UNSIGNED)
            arrays.append(table.quality[rows])
        else:
            captured = table.captured[number - 3]
            types.append(captured.type)
            arrays.append(captured.values(rows))
    slots = None
    if stamps.size:
        # Rows that repeat a slot (the clock was set back) still take one each.
        steps = np.maximum(np.abs(np.diff(stamps)) // table.period_s, 1)
        slots = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(steps)))
    return _layout(tuple(types)).encode(arrays, int(stamps.size), slots)


def _stamp_columns(context: Any, stamps: Any, row_status: NDArray[np.uint16]) -> DateTimeColumn:
    """Stamps as local times; those of rows captured while the clock was invalid say so in their clock status."""
    engine = context.meter.engine
    local = engine.zone.local_columns(stamps - engine.configuration.gmt_offset_s)
    invalid = (row_status & _CLOCK_INVALID) != 0
    status = local.dst.astype(np.uint8) * STATUS_DST | invalid.astype(np.uint8) * STATUS_INVALID
    date = local.year, local.month, local.day, local.weekday
    time = local.hour, local.minute, local.second, UNSPECIFIED
    return DateTimeColumn(*date, *time, DEVIATION_UNSPECIFIED, status)
