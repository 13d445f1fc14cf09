"""From a row of the object list to a COSEM object, bound to the engine or to permanent memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cosem import data_types
from cosem.data_types import DOUBLE_LONG_UNSIGNED, LONG_UNSIGNED, NULL, OCTET_STRING, UNSIGNED, DataType, decode_all
from cosem.interface_class import BoundAttribute, Constant, CosemObject
from cosem.interface_classes import INTERFACE_CLASSES, Data, ExtendedRegister, ProfileGeneric, Register
from cosem.xdlms import Descriptor
from metering import Configured, EnergyType
from metering.inputs import ResetTripCounter
from obis import Obis

from ..device_profile import ObjectRow
from ..virtual_meter import Remember, VirtualMeter
from . import values
from .clock import clock_object
from .commands import command
from .loggers import logger_object
from .memory import MemoryCell

_TYPES: Final[dict[str, DataType]] = {type_.name: type_ for type_ in data_types.SIMPLE_TYPES.values()}
_METER_NUMBER: Final = Obis.parse("1.1.0.0.1.255")
_SETTINGS: Final = {
    Obis.parse("1.1.0.0.2.255"): Configured.METER_NUMBER_2,
    Obis.parse("1.1.0.0.3.255"): Configured.METER_NUMBER_3,
    Obis.parse("1.1.0.130.1.255"): Configured.SPECIAL_DATA,
    Obis.parse("1.1.0.130.2.255"): Configured.SPECIAL_DATA_2,
}
"""Objects in permanent memory that are settings."""


def build_object(row: ObjectRow, energy_type: EnergyType, cells: dict[Obis, MemoryCell]) -> CosemObject:
    """The object of a row; what it keeps in permanent memory is added to `cells`. Raises `ValueError`."""
    try:
        if row.class_id == ProfileGeneric.class_id:
            return logger_object(row, energy_type)
        if row.source == "none":
            return _capture_only(row)
        if row.source in _SPECIAL:
            return _SPECIAL[row.source](row)
        if row.class_id == ExtendedRegister.class_id:
            return _extended_register(row)
        return _simple(row, cells)
    except (KeyError, ValueError) as error:
        raise ValueError(f"object {row.logical_name} ({row.name}): {error}") from error


def _simple(row: ObjectRow, cells: dict[Obis, MemoryCell]) -> CosemObject:
    """A Data or Register with one value."""
    declared = INTERFACE_CLASSES[row.class_id, row.version]
    attribute, type_ = declared.attributes[2], _TYPES[row.type]
    methods = {}
    if row.source == "memory":
        what = _SETTINGS.get(row.logical_name, Configured.OBJECT)
        cell = MemoryCell(row.class_id, row.logical_name, attribute, type_, _default(row, type_), what)
        cells[row.logical_name] = cell
        bound = [cell.bound()]
    else:
        source = None if row.access == "W" else values.value(row.source)
        bound = [BoundAttribute(attribute, source, command(row.source), type_=type_)]
    if declared is Register:
        bound.append(BoundAttribute(Register.scaler_unit, Constant((row.scaler, row.unit))))
        if row.source.startswith("trip:"):
            methods[Register.reset] = lambda context, parameter: context.meter.apply(ResetTripCounter())
    return CosemObject(declared, row.logical_name, bound, methods, name=row.name)


def _default(row: ObjectRow, type_: DataType) -> Any:
    if type_ is OCTET_STRING:
        return bytes.fromhex(row.default)
    if type_ is data_types.VISIBLE_STRING:
        return row.default
    return int(row.default or 0)


def _capture_only(row: ObjectRow) -> CosemObject:
    """An object that only names a column of a logger: no value of it can be read."""
    declared = INTERFACE_CLASSES[row.class_id, row.version]
    choice = UNSIGNED if declared is Data else LONG_UNSIGNED
    bound = [
        BoundAttribute(attribute, type_=attribute.type or choice)
        for index, attribute in declared.attributes.items()
        if index != 1
    ]
    return CosemObject(declared, row.logical_name, bound, name=row.name)


def _extended_register(row: ObjectRow) -> CosemObject:
    """A peak: value, unit, no status, and the local time of the end of its period."""
    source = values.peak(row.source)

    def capture_time(context: Any) -> Any:
        return values.stamp_date_time(context.meter.engine, source(context).at)

    return CosemObject(
        ExtendedRegister,
        row.logical_name,
        [
            BoundAttribute(ExtendedRegister.value, values.value(row.source), type_=_TYPES[row.type]),
            BoundAttribute(ExtendedRegister.scaler_unit, Constant((row.scaler, row.unit))),
            BoundAttribute(ExtendedRegister.status, Constant(None), type_=NULL),
            BoundAttribute(ExtendedRegister.capture_time, capture_time),
        ],
        name=row.name,
    )


def _written_or(row: ObjectRow, type_: DataType, default: Callable[[VirtualMeter], Any]) -> CosemObject:
    """A Data object that is the meter's own until a client writes it."""
    key = Descriptor(row.class_id, row.logical_name, 2).to_bytes()

    def encoded(context: Any) -> bytes:
        memory: dict[bytes, bytes] = context.meter.memory
        return memory[key] if key in memory else type_.encode(default(context.meter))

    def sink(context: Any, value: Any) -> None:
        context.meter.configure(Configured.METER_NUMBER_1, [Remember(key, type_.encode(value))])

    bound = BoundAttribute(Data.value, None, sink, type_=type_, encoded=encoded)
    return CosemObject(Data, row.logical_name, [bound], name=row.name)


_SPECIAL: Final[dict[str, Callable[[ObjectRow], CosemObject]]] = {
    "clock": lambda row: clock_object(row.logical_name, row.name),
    # Meter number 1 is the serial number, its low part the last five digits as text.
    "meter_number": lambda row: _written_or(row, DOUBLE_LONG_UNSIGNED, lambda meter: meter.serial_number),
    "meter_number_low": lambda row: _written_or(
        row, OCTET_STRING, lambda meter: f"{meter.serial_number % 100_000}".encode()
    ),
}


def meter_number(meter: VirtualMeter) -> int:
    """Meter number 1 of a meter."""
    encoded = meter.memory.get(Descriptor(Data.class_id, _METER_NUMBER, 2).to_bytes())
    return meter.serial_number if encoded is None else int(decode_all(DOUBLE_LONG_UNSIGNED, encoded))
