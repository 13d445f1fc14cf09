"""COSEM values as JSON: numbers with their scale applied, octets as characters, logical names and times as text.

What no association of the profile can read (passwords, objects that only name a column of a logger) has no encoder
in the model, or is no part of `ObjectModel.objects`; so it cannot be read through the API either.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from cosem.data_types import DATE_TIME_STRING, LOGICAL_NAME, Array, DataType, Structure, decode_all
from cosem.date_time import DEVIATION_UNSPECIFIED, DateTime
from cosem.errors import DecodeError
from cosem.interface_class import BoundAttribute, CosemObject
from cosem.interface_classes import ExtendedRegister, Register
from cosem.units import Unit
from metering import LocalTime, Meter
from obis import Obis, describe

from ..binding import Context
from .run_site import Behind

VALUE: Final = 2
"""Attribute 2: in every class that is asked here the one that people mean by "the value"."""
_SCALER_UNIT: Final = {Register: Register.scaler_unit.index, ExtendedRegister: ExtendedRegister.scaler_unit.index}
_INTERFACE: Final = "module"
"""The interface that sources are told; what hangs on it are associations, and here is none."""


def context_of(behind: Behind) -> Context:
    """What sources are given."""
    return Context(behind.model, behind.meter, _INTERFACE)


def name_of(logical_name: Obis, own: str) -> str:
    """What people call an object, else what the object list calls it."""
    return describe(logical_name) or own or str(logical_name)


def decoded(context: Context, bound: BoundAttribute) -> Any:
    """The value of an attribute that has an encoder."""
    assert bound.read is not None
    encoded = bound.read(context)
    return _understood(bound.type, decode_all(bound.type, encoded if isinstance(encoded, bytes) else encoded.data))


def _understood(type_: DataType, value: Any) -> Any:
    """The value with the octets of logical names made `Obis`."""
    if type_ is LOGICAL_NAME:
        return Obis(value)
    if isinstance(type_, Array):
        return [_understood(type_.element, item) for item in value]
    if isinstance(type_, Structure):
        return tuple(_understood(field, item) for field, item in zip(type_.fields, value, strict=True))
    return value


def scaler_unit(context: Context, item: CosemObject) -> tuple[int, str]:
    """Scaler and unit of an object's value."""
    index = _SCALER_UNIT.get(item.interface_class)
    if index is None or item.attributes[index].read is None:
        return 0, ""
    scaler, code = decoded(context, item.attributes[index])
    try:
        return scaler, Unit(code).symbol
    except ValueError:
        return scaler, f"unit {code}"


def json_of(engine: Meter, value: Any, scaler: int = 0) -> Any:
    """A value as JSON has it; times are ISO 8601 in the local time of the meter."""
    if isinstance(value, int) and not isinstance(value, bool) and scaler:
        scaled = Decimal(value).scaleb(scaler)
        return int(scaled) if scaled == scaled.to_integral_value() else float(scaled)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, DateTime):
        return _date_time(engine, value)
    if isinstance(value, Obis):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("ascii") if all(0x20 <= octet < 0x7F for octet in value) else value.hex()
    if isinstance(value, (list, tuple)):
        return [json_of(engine, item) for item in value]
    return str(value)


def date_time_of(octets: bytes) -> DateTime | bytes:
    """Twelve octets that should be a date and time."""
    try:
        return decode_all(DATE_TIME_STRING, b"\x09\x0c" + octets)  # type: ignore[no-any-return]
    except DecodeError:
        return octets


def _date_time(engine: Meter, value: DateTime) -> str | None:
    """ISO 8601 with the offset; None for a time that never was, fields left open as `*`."""
    if value == DateTime(status=value.status):
        return None
    if not value.is_complete:
        return str(value)
    minutes = engine.zone.gmt_offset_s // 60 + 60 * value.is_dst
    if value.deviation != DEVIATION_UNSPECIFIED:
        minutes = -value.deviation
    return value.to_datetime().replace(tzinfo=timezone(timedelta(minutes=minutes))).isoformat()


def local_iso(engine: Meter, local: LocalTime) -> str:
    """A local time of the meter in ISO 8601 with its offset."""
    offset = timezone(timedelta(seconds=engine.zone.gmt_offset_s + 3600 * local.dst))
    return datetime(
        local.year, local.month, local.day, local.hour, local.minute, local.second, tzinfo=offset
    ).isoformat()
