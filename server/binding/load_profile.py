"""The load profile as a Profile generic object; its rows have one layout and are encoded column by column."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, cast

import numpy as np

from cosem.data_types import DATE_TIME_STRING, DOUBLE_LONG_UNSIGNED, INTEGER, LONG_UNSIGNED, DataType
from cosem.date_time import DEVIATION_UNSPECIFIED, STATUS_DST, UNSPECIFIED
from cosem.interface_class import BoundAttribute, Constant, CosemObject
from cosem.interface_classes import ProfileGeneric
from cosem.reader import Reader
from cosem.rows import ColumnLayout, DateTimeColumn, RowBuffer
from cosem.selective_access import BY_RANGE, CaptureObject, read_entry, read_range
from metering import EnergyType, Flow, LoadProfile
from metering.inputs import ClearLoadProfile, SetLoadProfilePeriod
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

# Attributes 255 and 254 of the profile itself, as signed integers (382M DLMS description 3.4).
_STATUS_ATTRIBUTE: Final = -1
_QUALITY_ATTRIBUTE: Final = -2
_FIRST_QUADRANT: Final = "1.1.5.8.0.255"
_FORMAT: Final = value_column(1, "1.1.134.0.1.255")


def load_profile_columns(logical_name: Obis, energy_type: EnergyType) -> list[CaptureObject]:
    """What a row of the load profile captures (382M DLMS description 3.4)."""
    names = dict(enumerate(FLOW_NAMES))
    if energy_type is EnergyType.IMPORT_FIRST_QUADRANT:
        names[Flow.R12] = _FIRST_QUADRANT
    return [
        CLOCK,
        CaptureObject(7, logical_name, _STATUS_ATTRIBUTE),
        CaptureObject(7, logical_name, _QUALITY_ATTRIBUTE),
        _FORMAT,
        *(value_column(3, names[flow]) for flow in energy_type.flows),
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
            BoundAttribute(ProfileGeneric.buffer, encoded=whole, select=select, selectors=SELECTORS),
            BoundAttribute(ProfileGeneric.capture_objects, Constant(columns)),
            BoundAttribute(
                ProfileGeneric.capture_period,
                lambda context: profile_of(context).period_s,
                lambda context, period: context.meter.apply(SetLoadProfilePeriod(period)),
            ),
            *fixed_attributes(),
            BoundAttribute(ProfileGeneric.entries_in_use, lambda context: len(profile_of(context))),
            BoundAttribute(ProfileGeneric.profile_entries, lambda context: profile_of(context).entries),
        ],
        {ProfileGeneric.reset: lambda context, parameter: context.meter.apply(ClearLoadProfile())},
        name=name,
    )
