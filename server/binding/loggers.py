"""Which logger of the engine stands behind which Profile generic object (382M DLMS description 3.4)."""

from __future__ import annotations

from typing import Final

from cosem.data_types import SIMPLE_TYPES
from cosem.interface_class import CosemObject
from metering import EnergyType, EventLog

from ..device_profile import ObjectRow
from .load_profile import analysis_object, load_profile_object
from .row_loggers import billing_object, debiting_2_object, event_object, rtc_object
from .selection import value_column

_TYPES: Final = {type_.name: type_ for type_ in SIMPLE_TYPES.values()}

_UPLOAD_AUDIT: Final = [
    (1, "1.1.96.54.2.255", "unsigned"),
    (1, "1.1.96.54.3.255", "visible-string"),
    (1, "1.1.96.54.4.255", "octet-string"),
    (1, "1.1.96.54.5.255", "octet-string"),
    (1, "1.1.96.54.6.255", "unsigned"),
]
"""What an upload is recorded with: part, revision before, originator, party, interface."""

_EVENT_LOGGERS: Final[dict[str, tuple[EventLog, list[tuple[int, str, str]]]]] = {
    "status_logger": (EventLog.STATUS, [(1, "1.1.97.97.0.255", "unsigned")]),
    "voltage_quality_logger": (
        EventLog.VOLTAGE_QUALITY,
        [
            (1, "1.1.132.0.1.255", "unsigned"),
            (1, "1.1.132.0.2.255", "unsigned"),
            (3, "1.1.132.0.3.255", "long-unsigned"),
            (3, "1.1.132.0.4.255", "long-unsigned"),
            (3, "1.1.132.0.5.255", "long-unsigned"),
        ],
    ),
    "cut_off_logger": (
        EventLog.CUT_OFF,
        [(1, "1.1.128.0.0.255", "unsigned"), (1, "1.1.128.0.18.255", "unsigned")],
    ),
    "load_profile_event_logger": (EventLog.LOAD_PROFILE, [(1, "1.1.96.5.3.255", "unsigned")]),
    "neutral_fault_logger": (EventLog.NEUTRAL_FAULT, [(1, "1.1.132.0.6.255", "unsigned")]),
    "upload_success_logger": (EventLog.UPLOAD_SUCCESS, _UPLOAD_AUDIT),
    "upload_failure_logger": (EventLog.UPLOAD_FAIL, _UPLOAD_AUDIT),
}
"""The event loggers and the columns behind the clock: class, logical name, type."""


def logger_object(row: ObjectRow, energy_type: EnergyType) -> CosemObject:
    """The object of a logger; raises `KeyError` for a source that is none."""
    name, label, source = row.logical_name, row.name, row.source
    if source == "load_profile":
        return load_profile_object(name, energy_type, label)
    if source == "billing_logger":
        return billing_object(name, energy_type, label)
    if source == "rtc_logger":
        return rtc_object(name, label)
    if source == "billing_logger_2":
        return debiting_2_object(name, energy_type, label)
    if source == "analysis_logger":
        return analysis_object(name, label)
    log, columns = _EVENT_LOGGERS[source]
    types = [(value_column(class_id, text), _TYPES[type_]) for class_id, text, type_ in columns]
    return event_object(name, label, log, types)
