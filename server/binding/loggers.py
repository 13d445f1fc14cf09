"""Loggers of the engine as Profile generic objects: buffers, capture objects, selective access.

The load profile has a fixed row and is encoded column-wise; the other loggers hold some hundred rows at
most and are encoded row by row. Rows come oldest first. All loggers select in the same way: by range on
their clock column, by entry as the device profile counts, and by column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, cast

import numpy as np

from cosem.data_types import (
    DATE_TIME_STRING,
    DOUBLE_LONG_UNSIGNED,
    INTEGER,
    LONG_UNSIGNED,
    UNSIGNED,
    DataType,
    Structure,
)
from cosem.date_time import DEVIATION_UNSPECIFIED, STATUS_DST, UNSPECIFIED, DateTime
from cosem.errors import DecodeError, ScopeOfAccessViolated, TypeUnmatched
from cosem.interface_class import BoundAttribute, Constant, CosemObject
from cosem.interface_classes import ProfileGeneric
from cosem.reader import Reader
from cosem.rows import ColumnLayout, DateTimeColumn, RowBuffer
from cosem.selective_access import BY_RANGE, CaptureObject, EntrySelection, RangeSelection, read_entry, read_range
from metering import EnergyType, EventLog, LoadProfile, Maximum, Peak
from metering.inputs import ClearLoadProfile, SetLoadProfilePeriod, StopBilling
from obis import Obis

from .values import stamp_date_time

CLOCK: Final = CaptureObject(8, Obis.parse("0.1.1.0.0.255"), 2)
_CLOCK_BEFORE: Final = CaptureObject(8, Obis.parse("0.1.1.0.1.255"), 2)
_NO_OBJECT: Final = (0, bytes(6), 0, 0)
_FIFO: Final = 1
_SELECTORS: Final = (1, 2)
# Attributes 255 and 254 of the profile itself, as signed integers (382M DLMS description 3.4).
_STATUS_ATTRIBUTE: Final = -1
_QUALITY_ATTRIBUTE: Final = -2
_FORMAT: Final = CaptureObject(1, Obis.parse("1.1.134.0.1.255"), 2)
_FLOW_NAMES: Final = ("1.1.1.8.0.255", "1.1.2.8.0.255", "1.1.3.8.0.255", "1.1.4.8.0.255")


def value_column(class_id: int, name: str, attribute: int = 2) -> CaptureObject:
    """The capture object of an attribute, by its logical name as text."""
    return CaptureObject(class_id, Obis.parse(name), attribute)


class Column(NamedTuple):
    """A column of a logger: what it captures, its type, and how to take it from a row."""

    captures: CaptureObject
    type: DataType
    take: Callable[[Any, Any], Any]
    """Context and row in, plain value out."""


def normal_time(context: Any, moment: DateTime) -> int:
    """A limit of a range in the normal time of stamps.

    A given deviation names the instant; otherwise it is local time of the meter, in daylight saving time
    where the status says so. An open time of day is midnight.
    """
    engine = context.meter.engine
    try:
        if moment.deviation != DEVIATION_UNSPECIFIED:
            utc = moment.to_utc()
            assert utc is not None
            seconds = int(utc.timestamp())
        else:
            local = moment.to_datetime()
            dst = None if moment.status == 0xFF else moment.is_dst
            seconds = engine.zone.utc(local.year, local.month, local.day, local.hour, local.minute, local.second, dst)
    except (DecodeError, ValueError) as error:
        raise TypeUnmatched(str(error)) from error
    return int(seconds + engine.configuration.gmt_offset_s)


def check_range(selection: RangeSelection, columns: Sequence[CaptureObject]) -> list[int]:
    """The numbers of the selected columns; raises `ScopeOfAccessViolated` for what is not captured."""
    if selection.restricting[:3] != CLOCK[:3]:
        raise ScopeOfAccessViolated("rows are selected by the clock column")
    if not selection.columns:
        return list(range(len(columns)))
    try:
        return [columns.index(column) for column in selection.columns]
    except ValueError:
        raise ScopeOfAccessViolated("a selected column is not captured") from None


def check_columns(selection: EntrySelection, count: int) -> list[int]:
    """The numbers of the selected columns: counted from 1, 0 as the last one means all that follow."""
    last = selection.to_column or count
    first = selection.from_column or 1
    if not 1 <= first <= last <= count:
        raise ScopeOfAccessViolated(f"columns {first} to {last} of {count}")
    return list(range(first - 1, last))


def entry_range(context: Any, selection: EntrySelection, rows: int) -> tuple[int, int]:
    """First and last row in the 382's counting: 0 is the newest, ascending numbers go backwards in time.

    A device profile with Blue Book numbering counts 1 from the oldest, 0 as the last means the newest.
    """
    if context.meter.profile.cosem.entry_numbering == "382":
        return selection.from_entry, selection.to_entry
    first, last = selection.from_entry or 1, selection.to_entry or rows
    if first > last:
        raise ScopeOfAccessViolated(f"entries {first} to {last}")
    return rows - first, rows - last


# --- the load profile -------------------------------------------------------------------------------


def load_profile_columns(logical_name: Obis, energy_type: EnergyType) -> list[CaptureObject]:
    """What a row of the load profile captures (382M DLMS description 3.4)."""
    return [
        CLOCK,
        CaptureObject(7, logical_name, _STATUS_ATTRIBUTE),
        CaptureObject(7, logical_name, _QUALITY_ATTRIBUTE),
        _FORMAT,
        *(value_column(3, _FLOW_NAMES[flow]) for flow in energy_type.flows),
    ]


@lru_cache(maxsize=32)
def _layout(columns: tuple[int, ...]) -> ColumnLayout:
    types: tuple[DataType, ...] = (DATE_TIME_STRING, LONG_UNSIGNED, DOUBLE_LONG_UNSIGNED, INTEGER)
    return ColumnLayout([types[number] if number < 4 else DOUBLE_LONG_UNSIGNED for number in columns])


def encode_load_profile(context: Any, profile: LoadProfile, rows: Any, columns: list[int]) -> RowBuffer:
    """The selected rows and columns, encoded; blocks follow capture slots."""
    stamps = profile.stamps[rows]
    arrays: list[Any] = []
    for number in columns:
        if number == 0:
            arrays.append(_stamp_columns(context, stamps))
        elif number == 1:
            arrays.append(profile.status[rows])
        elif number == 2:
            arrays.append(profile.quality[rows])
        elif number == 3:
            arrays.append(context.energy_format)
        else:
            arrays.append(profile.energies[number - 4][rows])
    slots = None
    if stamps.size:
        # Rows that repeat a slot (the clock was set back) still take one each.
        steps = np.maximum(np.abs(np.diff(stamps)) // profile.period_s, 1)
        slots = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(steps)))
    return _layout(tuple(columns)).encode(arrays, int(stamps.size), slots)


def _stamp_columns(context: Any, stamps: Any) -> DateTimeColumn:
    engine = context.meter.engine
    local = engine.zone.local_columns(stamps - engine.configuration.gmt_offset_s)
    status = local.dst.astype(np.uint8) * STATUS_DST
    date = local.year, local.month, local.day, local.weekday
    time = local.hour, local.minute, local.second, UNSPECIFIED
    return DateTimeColumn(*date, *time, DEVIATION_UNSPECIFIED, status)


def load_profile_object(logical_name: Obis, energy_type: EnergyType, name: str) -> CosemObject:
    """The load profile; only its capture period may be written."""
    columns = load_profile_columns(logical_name, energy_type)
    everything = list(range(len(columns)))

    def profile_of(context: Any) -> LoadProfile:
        return cast("LoadProfile", context.meter.engine.load_profile(context.meter.now()))

    def whole(context: Any) -> RowBuffer:
        return encode_load_profile(context, profile_of(context), slice(None), everything)

    def select(context: Any, selector: int, reader: Reader) -> RowBuffer:
        profile = profile_of(context)
        if selector == BY_RANGE:
            selection = read_range(reader)
            wanted = check_range(selection, columns)
            rows = profile.select_range(normal_time(context, selection.begin), normal_time(context, selection.end))
        else:
            entry = read_entry(reader)
            wanted = check_columns(entry, len(columns))
            rows = profile.select_entries(*entry_range(context, entry, len(profile)))
        return encode_load_profile(context, profile, rows, wanted)

    return CosemObject(
        ProfileGeneric,
        logical_name,
        [
            BoundAttribute(ProfileGeneric.buffer, encoded=whole, select=select, selectors=_SELECTORS),
            BoundAttribute(ProfileGeneric.capture_objects, Constant(columns)),
            BoundAttribute(
                ProfileGeneric.capture_period,
                lambda context: profile_of(context).period_s,
                lambda context, period: context.meter.apply(SetLoadProfilePeriod(period)),
            ),
            *_fixed_attributes(),
            BoundAttribute(ProfileGeneric.entries_in_use, lambda context: len(profile_of(context))),
            BoundAttribute(ProfileGeneric.profile_entries, lambda context: profile_of(context).entries),
        ],
        {ProfileGeneric.reset: lambda context, parameter: context.meter.apply(ClearLoadProfile())},
        name=name,
    )


def _fixed_attributes() -> list[BoundAttribute]:
    return [
        BoundAttribute(ProfileGeneric.sort_method, Constant(_FIFO)),
        BoundAttribute(ProfileGeneric.sort_object, Constant(_NO_OBJECT)),
    ]


# --- all other loggers ------------------------------------------------------------------------------


class RowSource(NamedTuple):
    """Where rows come from: `rows(context)`, oldest first, with the normal time of each, and the depth."""

    rows: Callable[[Any], Sequence[Any]]
    stamp: Callable[[Any], int]
    depth: Callable[[Any], int]


def row_logger_object(
    logical_name: Obis,
    name: str,
    columns: list[Column],
    source: RowSource,
    *,
    capture: Callable[[Any, Any], None] | None = None,
    period: BoundAttribute | None = None,
) -> CosemObject:
    """A logger of plain rows."""
    captured = [column.captures for column in columns]

    def encode(context: Any, rows: Sequence[Any], wanted: Sequence[int]) -> RowBuffer:
        chosen = [columns[number] for number in wanted]
        row_type = Structure(*(column.type for column in chosen))
        return RowBuffer.of(row_type, [[column.take(context, row) for column in chosen] for row in rows])

    def select(context: Any, selector: int, reader: Reader) -> RowBuffer:
        rows = source.rows(context)
        if selector == BY_RANGE:
            selection = read_range(reader)
            wanted = check_range(selection, captured)
            begin, end = normal_time(context, selection.begin), normal_time(context, selection.end)
            return encode(context, [row for row in rows if begin <= source.stamp(row) <= end], wanted)
        entry = read_entry(reader)
        wanted = check_columns(entry, len(captured))
        first, last = entry_range(context, entry, len(rows))
        newest_first = rows[::-1]
        low, high = min(first, last), max(first, last)
        chosen = newest_first[low : high + 1]
        return encode(context, chosen if first <= last else chosen[::-1], wanted)

    return CosemObject(
        ProfileGeneric,
        logical_name,
        [
            BoundAttribute(
                ProfileGeneric.buffer,
                encoded=lambda context: encode(context, source.rows(context), range(len(columns))),
                select=select,
                selectors=_SELECTORS,
            ),
            BoundAttribute(ProfileGeneric.capture_objects, Constant(captured)),
            period or BoundAttribute(ProfileGeneric.capture_period, Constant(0)),
            *_fixed_attributes(),
            BoundAttribute(ProfileGeneric.entries_in_use, lambda context: len(source.rows(context))),
            BoundAttribute(ProfileGeneric.profile_entries, source.depth),
        ],
        {ProfileGeneric.capture: capture} if capture else None,
        name=name,
    )


def _stamp_column(captures: CaptureObject = CLOCK) -> Column:
    return Column(captures, DATE_TIME_STRING, lambda context, row: stamp_date_time(context.meter.engine, row.stamp))


def _watt_hours(reading: int) -> int:
    return reading // 3_600_000 & 0xFFFFFFFF


def billing_object(logical_name: Obis, energy_type: EnergyType, name: str) -> CosemObject:
    """Debiting logger 1 with the registers that the data sheets list; its capture method is a billing stop."""
    u32 = DOUBLE_LONG_UNSIGNED
    columns = [_stamp_column()]

    def energy(flow: int) -> Callable[[Any, Any], int]:
        return lambda context, row: _watt_hours(row.energies[flow])

    def tariff(flow: int, number: int) -> Callable[[Any, Any], int]:
        return lambda context, row: _watt_hours(row.tariff_energies[flow][number - 1])

    def peak(maximum: Maximum) -> Callable[[Any, Any], int]:
        return lambda context, row: cast("Peak", row.maxima[maximum]).value // 1000

    def peak_time(maximum: Maximum) -> Callable[[Any, Any], DateTime]:
        return lambda context, row: stamp_date_time(context.meter.engine, row.maxima[maximum].at)

    flows = [int(flow) for flow in energy_type.flows]
    columns += [Column(value_column(3, _FLOW_NAMES[flow]), u32, energy(flow)) for flow in flows]
    for flow in flows:
        if flow in (0, 2):  # A+ and R+ are kept per tariff
            names = [f"1.1.{flow + 1}.8.{number}.255" for number in range(1, 5)]
            columns += [Column(value_column(3, text), u32, tariff(flow, int(text.split(".")[4]))) for text in names]
    for maximum, text in ((Maximum.P14_T1, "1.1.1.6.1.255"), (Maximum.P14_T2, "1.1.1.6.2.255"),
                          (Maximum.P14, "1.1.1.6.0.255")):  # fmt: skip
        columns.append(Column(value_column(4, text), u32, peak(maximum)))
        columns.append(Column(value_column(4, text, 5), DATE_TIME_STRING, peak_time(maximum)))
    columns += [
        Column(value_column(3, "1.1.1.2.0.255"), u32, lambda context, row: row.accumulated[Maximum.P14] // 1000),
        Column(value_column(3, "0.1.96.8.0.255"), u32, lambda context, row: row.operating_s // 3600),
        Column(value_column(1, "1.1.0.1.0.255"), UNSIGNED, lambda context, row: row.periods & 0xFF),
        Column(value_column(1, "1.1.96.51.2.255"), UNSIGNED, lambda context, row: row.threshold_count & 0xFF),
        Column(value_column(1, "1.1.0.128.1.255"), u32, lambda context, row: row.pulse_input),
    ]
    source = RowSource(
        rows=lambda context: context.meter.engine.billing_logger(context.meter.now()).rows,
        stamp=lambda row: row.stamp,
        depth=lambda context: context.meter.engine.billing_logger(context.meter.now()).depth,
    )
    return row_logger_object(
        logical_name, name, columns, source,
        capture=lambda context, parameter: context.meter.apply(StopBilling()),
    )  # fmt: skip


def event_object(
    logical_name: Obis, name: str, log: EventLog, types: list[tuple[CaptureObject, DataType]]
) -> CosemObject:
    """An event logger: clock, then the event's code and values in these columns."""
    columns = [_stamp_column()]
    for number, (captures, type_) in enumerate(types):
        columns.append(Column(captures, type_, _event_value(number)))
    return row_logger_object(logical_name, name, columns, _event_source(log))


def rtc_object(logical_name: Obis, name: str) -> CosemObject:
    """The RTC logger: time after and before each setting of the clock, and the state (382M DLMS description 3.4)."""
    before = Column(
        _CLOCK_BEFORE,
        DATE_TIME_STRING,
        lambda context, row: stamp_date_time(context.meter.engine, row.values[0]),
    )
    state = Column(value_column(1, "0.1.96.10.3.255"), UNSIGNED, lambda context, row: row.code)
    return row_logger_object(logical_name, name, [_stamp_column(), before, state], _event_source(EventLog.RTC))


def _event_value(number: int) -> Callable[[Any, Any], Any]:
    return lambda context, row: (row.code, *row.values)[number]


def _event_source(log: EventLog) -> RowSource:
    return RowSource(
        rows=lambda context: context.meter.engine.event_logger(log, context.meter.now()).rows,
        stamp=lambda row: row.stamp,
        depth=lambda context: context.meter.engine.event_logger(log, context.meter.now()).depth,
    )


def empty_logger_object(
    logical_name: Obis, name: str, captures: list[CaptureObject], depth: int, period: BoundAttribute | None = None
) -> CosemObject:
    """A logger whose source is not fitted in this meter: described, and without rows."""
    columns = [_stamp_column(), *(Column(item, DOUBLE_LONG_UNSIGNED, lambda context, row: 0) for item in captures)]
    source = RowSource(rows=lambda context: (), stamp=lambda row: 0, depth=lambda context: depth)
    return row_logger_object(logical_name, name, columns, source, period=period)
