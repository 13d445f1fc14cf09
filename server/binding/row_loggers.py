"""The other loggers as Profile generic objects: some hundred rows at most, encoded row by row, oldest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, cast

from cosem.data_types import DATE_TIME_STRING, DOUBLE_LONG_UNSIGNED, UNSIGNED, DataType, Structure
from cosem.date_time import DateTime
from cosem.interface_class import BoundAttribute, Constant, CosemObject
from cosem.interface_classes import ProfileGeneric
from cosem.reader import Reader
from cosem.rows import RowBuffer
from cosem.selective_access import BY_RANGE, CaptureObject, read_entry, read_range
from metering import EnergyType, EventLog, LoggerStatus, Maximum, Peak
from metering.debiting import TARIFFS_LOGGED
from metering.inputs import StopBilling
from obis import Obis

from .selection import (
    CLOCK,
    FLOW_NAMES,
    SELECTORS,
    check_columns,
    check_range,
    entry_range,
    fixed_attributes,
    normal_time,
    value_column,
)
from .values import stamp_date_time

_CONFIGURATION_LOGGER: Final = Obis.parse("1.1.99.98.15.255")
_CLOCK_BEFORE: Final = CaptureObject(8, Obis.parse("0.1.1.0.1.255"), 2)


class Column(NamedTuple):
    """A column of a logger: what it captures, its type, and how to take it from a row."""

    captures: CaptureObject
    type: DataType
    take: Callable[[Any, Any], Any]
    """Context and row in, plain value out."""


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
                selectors=SELECTORS,
            ),
            BoundAttribute(ProfileGeneric.capture_objects, Constant(captured)),
            BoundAttribute(ProfileGeneric.capture_period, Constant(0)),
            *fixed_attributes(),
            BoundAttribute(ProfileGeneric.entries_in_use, lambda context: len(source.rows(context))),
            BoundAttribute(ProfileGeneric.profile_entries, source.depth),
        ],
        {ProfileGeneric.capture: capture} if capture else None,
        name=name,
    )


def _stamp_column(captures: CaptureObject = CLOCK) -> Column:
    def take(context: Any, row: Any) -> DateTime:
        valid = not getattr(row, "status", 0) & LoggerStatus.CLOCK_INVALID
        return stamp_date_time(context.meter.engine, row.stamp, valid=valid)

    return Column(captures, DATE_TIME_STRING, take)


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
    columns += [Column(value_column(3, FLOW_NAMES[flow]), u32, energy(flow)) for flow in flows]
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


def configuration_object() -> CosemObject:
    """The configuration logger, which is ours: clock, number of the setting, and changes since commissioning."""
    columns = [
        _stamp_column(),
        Column(value_column(1, "1.1.134.129.1.255"), UNSIGNED, lambda _, row: row.code),
        Column(value_column(1, "1.1.134.129.2.255"), DOUBLE_LONG_UNSIGNED, lambda _, row: row.number),
    ]
    source = _event_source(EventLog.CONFIGURATION)
    return row_logger_object(_CONFIGURATION_LOGGER, "ConfigurationLogger", columns, source)


def _event_value(number: int) -> Callable[[Any, Any], Any]:
    return lambda context, row: (row.code, *row.values)[number]


def _event_source(log: EventLog) -> RowSource:
    return RowSource(
        rows=lambda context: context.meter.engine.event_logger(log, context.meter.now()).rows,
        stamp=lambda row: row.stamp,
        depth=lambda context: context.meter.engine.event_logger(log, context.meter.now()).depth,
    )


def debiting_2_object(logical_name: Obis, energy_type: EnergyType, name: str) -> CosemObject:
    """Debiting logger 2: hour counter, energies and their first four tariffs at the end of days, weeks or months."""
    u32 = DOUBLE_LONG_UNSIGNED
    columns = [_stamp_column(), Column(value_column(3, "0.1.96.8.0.255"), u32, lambda _, row: row.operating_s // 3600)]

    def energy(flow: int) -> Callable[[Any, Any], int]:
        return lambda context, row: _watt_hours(row.energies[flow])

    def tariff(flow: int, number: int) -> Callable[[Any, Any], int]:
        return lambda context, row: _watt_hours(row.tariff_energies[flow][number - 1])

    flows = [int(flow) for flow in energy_type.flows]
    columns += [Column(value_column(3, FLOW_NAMES[flow]), u32, energy(flow)) for flow in flows]
    for flow in flows:
        for number in range(1, TARIFFS_LOGGED + 1):
            columns.append(Column(value_column(3, f"1.1.{flow + 1}.8.{number}.255"), u32, tariff(flow, number)))
    source = RowSource(
        rows=lambda context: context.meter.engine.debiting_logger_2(context.meter.now()).rows,
        stamp=lambda row: row.stamp,
        depth=lambda context: context.meter.engine.debiting_logger_2(context.meter.now()).depth,
    )
    return row_logger_object(logical_name, name, columns, source)
