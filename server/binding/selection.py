"""Selecting rows and columns of a logger: what the descriptors of selective access mean in a 382.

Rows are selected by range on the clock column or by entry as the device profile counts, columns by name or number.
What every Profile generic object of the meter has alike is here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from cosem.date_time import DEVIATION_UNSPECIFIED, DateTime
from cosem.errors import DecodeError, ScopeOfAccessViolated, TypeUnmatched
from cosem.interface_class import BoundAttribute, Constant
from cosem.interface_classes import ProfileGeneric
from cosem.selective_access import BY_ENTRY, BY_RANGE, CaptureObject, EntrySelection, RangeSelection
from obis import Obis

CLOCK: Final = CaptureObject(8, Obis.parse("0.1.1.0.0.255"), 2)
FLOW_NAMES: Final = ("1.1.1.8.0.255", "1.1.2.8.0.255", "1.1.3.8.0.255", "1.1.4.8.0.255")
"""Logical names of the total energy registers, by `metering.Flow`."""
SELECTORS: Final = (BY_RANGE, BY_ENTRY)
_NO_OBJECT: Final = (0, bytes(6), 0, 0)
_FIFO: Final = 1


def value_column(class_id: int, name: str, attribute: int = 2) -> CaptureObject:
    """The capture object of an attribute, by its logical name as text."""
    return CaptureObject(class_id, Obis.parse(name), attribute)


def fixed_attributes() -> list[BoundAttribute]:
    """Sort method and sort object: rows are kept first in, first out."""
    return [
        BoundAttribute(ProfileGeneric.sort_method, Constant(_FIFO)),
        BoundAttribute(ProfileGeneric.sort_object, Constant(_NO_OBJECT)),
    ]


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
