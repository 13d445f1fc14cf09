"""The object model of a device profile: built once, shared by all its meters.

From the object list of the profile, each row becomes a COSEM object bound to the engine, to permanent memory
or to the association; from its associations, views of those objects with their rights.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, Literal

from cosem import data_types
from cosem.acse import Mechanism
from cosem.association import Association, AssociationDefinition
from cosem.association_object import association_object, sap_assignment_object
from cosem.data_types import LONG_UNSIGNED, NULL, UNSIGNED, VISIBLE_STRING, DataType, OctetString, decode_all
from cosem.initiate import Conformance
from cosem.interface_class import BoundAttribute, Constant, CosemObject, InterfaceClass, Sink
from cosem.interface_classes import (
    INTERFACE_CLASSES,
    AssociationLn,
    Clock,
    Data,
    ExtendedRegister,
    ProfileGeneric,
    Register,
)
from cosem.object_model import AccessMode, ObjectView, VisibleObject
from cosem.xdlms import Descriptor
from metering import EventLog
from metering.inputs import (
    ResetTripCounter,
    SetDaylightSaving,
    SetPowerThreshold,
    SetPulseInput,
    SetTariff,
    StopBilling,
)
from obis import Obis

from ..profile import AssociationProfile, DeviceProfile, ObjectRow, load_objects, load_profile
from ..virtual_meter import VirtualMeter
from . import loggers, values
from .clock import clock_object
from .hdlc_setup import HdlcSettings
from .memory import MemoryCell

_TYPES: Final[dict[str, DataType]] = {
    **{type_.name: type_ for type_ in data_types.SIMPLE_TYPES.values()},
    "octet-string": OctetString(),
}
_ENERGY_FORMAT: Final = Obis.parse("1.1.134.0.1.255")
_METER_STATUS: Final = Obis.parse("1.1.97.97.0.255")
_METER_NUMBER: Final = Obis.parse("1.1.0.0.1.255")


class Context:
    """What sources and sinks get: the meter, the association that asks, and the interface it came through."""

    __slots__ = ("association", "interface", "meter", "model")

    def __init__(self, model: ObjectModel, meter: VirtualMeter, interface: str) -> None:
        self.model = model
        self.meter = meter
        self.interface = interface
        self.association: Association | None = None

    @property
    def energy_format(self) -> int:
        """Format_KMP_Energy, a column of the load profile."""
        return int(self.model.recall(self.meter, _ENERGY_FORMAT))


class ObjectModel:
    """Objects, views and associations of one device profile."""

    def __init__(self, profile: DeviceProfile) -> None:
        self.profile = profile
        self._cells: dict[Obis, MemoryCell] = {}
        self.hdlc: HdlcSettings | None = None
        rows = load_objects(profile)
        self._objects = [(row, self._build(row)) for row in rows if row.source != "association"]
        self._association_rows = [row for row in rows if row.source == "association"]
        self.definitions = {(item.client_sap, item.server_sap): self._definition(item) for item in profile.associations}

    def recall(self, meter: VirtualMeter, name: Obis) -> Any:
        """The value of a Data object in permanent memory."""
        return self._cells[name].value(meter)

    def meter_status(self, meter: VirtualMeter) -> int:
        """The status byte of a meter."""
        return int(self.recall(meter, _METER_STATUS))

    def definition(self, client_sap: int, server_sap: int, interface: str) -> AssociationDefinition | None:
        """The association of this client, unless the profile keeps it to another interface."""
        if self.profile.cosem.interfaces_enforced:
            for item in self.profile.associations:
                if (item.client_sap, item.server_sap) == (client_sap, server_sap) and item.interface not in (
                    None,
                    interface,
                ):
                    return None
        return self.definitions.get((client_sap, server_sap))

    # --- associations ---------------------------------------------------------------------------

    def _definition(self, item: AssociationProfile) -> AssociationDefinition:
        mechanism = Mechanism.LOW if item.mechanism == "low" else Mechanism.LOWEST
        secret_key, default = secret_key_of(item), item.password.encode()

        def secret(context: Context) -> bytes:
            encoded = context.meter.memory.get(secret_key)
            return default if encoded is None else bytes(decode_all(data_types.OCTET_STRING, encoded))

        def set_secret(context: Context, value: bytes) -> None:
            context.meter.remember(secret_key, data_types.OCTET_STRING.encode(value))

        visible = [
            VisibleObject(cosem_object, *_rights(row, cosem_object, item))
            for row, cosem_object in self._objects
            if row.public or not item.public
        ]
        for row in self._association_rows:
            sink: Sink | None = None if item.public else set_secret
            current = association_object(row.logical_name, item.client_sap, item.server_sap, mechanism, sink, row.name)
            visible.append(VisibleObject(current, *_rights(row, current, item)))
        return AssociationDefinition(
            client_sap=item.client_sap,
            server_sap=item.server_sap,
            mechanism=mechanism,
            conformance=Conformance.parse(item.conformance),
            max_receive_pdu=item.max_receive_pdu,
            view=ObjectView(visible),
            secret=secret,
            tolerated=Conformance.parse(item.tolerated),
        )

    # --- objects --------------------------------------------------------------------------------

    def _build(self, row: ObjectRow) -> CosemObject:
        try:
            if row.class_id == ProfileGeneric.class_id:
                return self._logger(row)
            if row.source == "none":
                return _capture_only(row)
            if row.source in _SPECIAL:
                return _SPECIAL[row.source](self, row)
            if row.class_id == ExtendedRegister.class_id:
                return _extended_register(row)
            return self._simple(row)
        except (KeyError, ValueError) as error:
            raise ValueError(f"object {row.logical_name} ({row.name}): {error}") from error

    def _simple(self, row: ObjectRow) -> CosemObject:
        """A Data or Register with one value."""
        declared = INTERFACE_CLASSES[row.class_id, row.version]
        attribute, type_ = declared.attributes[2], _TYPES[row.type]
        methods = {}
        if row.source == "memory":
            cell = MemoryCell(row.class_id, row.logical_name, attribute, type_, _default(row, type_))
            self._cells[row.logical_name] = cell
            bound = [cell.bound()]
        else:
            sink = _SINKS.get(row.source)
            source = None if row.access == "W" else values.value(row.source)
            bound = [BoundAttribute(attribute, source, sink, type_=type_)]
        if declared is Register:
            bound.append(BoundAttribute(Register.scaler_unit, Constant((row.scaler, row.unit))))
            if row.source.startswith("trip:"):
                methods[Register.reset] = lambda context, parameter: context.meter.apply(ResetTripCounter())
        return CosemObject(declared, row.logical_name, bound, methods, name=row.name)

    def _hdlc_setup(self, row: ObjectRow) -> CosemObject:
        self.hdlc = HdlcSettings(row.logical_name, self.profile.hdlc, row.name)
        return self.hdlc.object

    def _sap_assignment(self, row: ObjectRow) -> CosemObject:
        saps = sorted(self.profile.logical_devices)

        def assignments(context: Context) -> list[tuple[int, bytes]]:
            return [(sap, context.meter.logical_device_name) for sap in saps]

        return sap_assignment_object(row.logical_name, assignments, row.name)

    def _logger(self, row: ObjectRow) -> CosemObject:
        energy_type = self.profile.energy_type
        name, label = row.logical_name, row.name
        if row.source == "load_profile":
            return loggers.load_profile_object(name, energy_type, label)
        if row.source == "billing_logger":
            return loggers.billing_object(name, energy_type, label)
        if row.source == "rtc_logger":
            return loggers.rtc_object(name, label)
        if row.source in _EVENT_LOGGERS:
            log, columns = _EVENT_LOGGERS[row.source]
            types = [(loggers.value_column(class_id, text), _TYPES[type_]) for class_id, text, type_ in columns]
            return loggers.event_object(name, label, log, types)
        captures, depth, settable = _EMPTY_LOGGERS[row.source]
        period = None
        if settable:
            attribute = ProfileGeneric.capture_period
            assert attribute.type is not None
            period = MemoryCell(row.class_id, name, attribute, attribute.type, 900).bound(_check_period)
        return loggers.empty_logger_object(
            name, label, [loggers.value_column(3, text) for text in captures], depth, period
        )


def secret_key_of(item: AssociationProfile) -> bytes:
    """Where an association's password is kept: the descriptor of its attribute, and the client."""
    return Descriptor(AssociationLn.class_id, Obis.parse("0.0.40.0.0.255"), 7).to_bytes() + bytes((item.client_sap,))


@cache
def object_model(profile_name: str, energy_type: Literal["A+", "A+A-", "A+A-R+R-"] | None = None) -> ObjectModel:
    """The object model of a device profile, by its name or path; built once.

    Ordered with another `energy_type`, its load profile has other columns.
    """
    profile = load_profile(profile_name)
    if energy_type is not None:
        metering = profile.metering.model_copy(update={"energy_type": energy_type})
        profile = profile.model_copy(update={"metering": metering})
    return ObjectModel(profile)


# --- rights -----------------------------------------------------------------------------------------


def _rights(
    row: ObjectRow, cosem_object: CosemObject, item: AssociationProfile
) -> tuple[dict[int, AccessMode], frozenset[int]]:
    """Attribute rights and callable methods of an object in an association, from the access column."""
    declared = cosem_object.interface_class
    read, write = AccessMode.READ, AccessMode.READ_WRITE
    modes = dict.fromkeys(declared.attributes, read)
    methods: frozenset[int] = frozenset()
    if row.access == "-":
        modes = {index: read if index == 1 else AccessMode.NO_ACCESS for index in modes}
    elif declared is AssociationLn:
        modes[7] = AccessMode.NO_ACCESS if item.public else AccessMode.WRITE
    elif item.public:
        pass
    elif row.access == "W":
        modes[2] = AccessMode.WRITE
    elif row.access == "RW4":
        modes[4] = write
    elif row.access == "RW":
        modes.update(dict.fromkeys(_WRITABLE.get(declared, [index for index in modes if index != 1]), write))
    elif row.access == "R(W)" and item.restricted_writes:
        modes[2] = write
    if row.access != "-" and not item.public:
        methods = frozenset(cosem_object.methods)
    return modes, methods


_WRITABLE: Final[dict[type[InterfaceClass], tuple[int, ...]]] = {Data: (2,), Register: (2,), Clock: (2, 8)}
"""What RW means for a class; for the others it is every attribute but the logical name."""


# --- tables -----------------------------------------------------------------------------------------


def _stop_billing(context: Context, value: int) -> None:
    if value != 1:
        raise ValueError(f"1 forces a billing stop, {value} does not")
    context.meter.apply(StopBilling())


_SINKS: Final[dict[str, Sink]] = {
    "stop_billing": _stop_billing,
    "active_tariff": lambda context, value: context.meter.apply(SetTariff(value)),
    "power_threshold": lambda context, value: context.meter.apply(SetPowerThreshold(value)),
    "pulse_input": lambda context, value: context.meter.apply(SetPulseInput(value)),
    "daylight_saving": lambda context, value: context.meter.apply(SetDaylightSaving(bool(value))),
}


def _meter_number(model: ObjectModel, row: ObjectRow) -> CosemObject:
    """Meter number 1: the serial number until it is written."""
    key = Descriptor(row.class_id, row.logical_name, 2).to_bytes()
    encode = data_types.DOUBLE_LONG_UNSIGNED.encode

    def encoded(context: Context) -> bytes:
        memory = context.meter.memory
        return memory[key] if key in memory else encode(context.meter.serial_number)

    def sink(context: Context, value: int) -> None:
        context.meter.remember(key, encode(value))

    bound = BoundAttribute(Data.value, None, sink, type_=data_types.DOUBLE_LONG_UNSIGNED, encoded=encoded)
    return CosemObject(Data, row.logical_name, [bound], name=row.name)


def meter_number(meter: VirtualMeter) -> int:
    """Meter number 1 of a meter."""
    encoded = meter.memory.get(Descriptor(1, _METER_NUMBER, 2).to_bytes())
    return meter.serial_number if encoded is None else int(decode_all(data_types.DOUBLE_LONG_UNSIGNED, encoded))


def _meter_number_low(model: ObjectModel, row: ObjectRow) -> CosemObject:
    """MeterNoLow: the last five digits of the serial number as text until it is written."""
    key = Descriptor(row.class_id, row.logical_name, 2).to_bytes()

    def encoded(context: Context) -> bytes:
        memory = context.meter.memory
        if key in memory:
            return memory[key]
        return data_types.OCTET_STRING.encode(f"{context.meter.serial_number % 100_000}".encode())

    def sink(context: Context, value: bytes) -> None:
        context.meter.remember(key, data_types.OCTET_STRING.encode(value))

    bound = BoundAttribute(Data.value, None, sink, type_=data_types.OCTET_STRING, encoded=encoded)
    return CosemObject(Data, row.logical_name, [bound], name=row.name)


def _clock(model: ObjectModel, row: ObjectRow) -> CosemObject:
    return clock_object(row.logical_name, row.name)


_SPECIAL: Final[dict[str, Callable[[ObjectModel, ObjectRow], CosemObject]]] = {
    "clock": _clock,
    "hdlc_setup": ObjectModel._hdlc_setup,
    "sap_assignment": ObjectModel._sap_assignment,
    "meter_number": _meter_number,
    "meter_number_low": _meter_number_low,
}

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
    "upload_success_logger": (EventLog.UPLOAD_SUCCESS, [(1, "1.1.96.54.2.255", "unsigned")]),
    "upload_failure_logger": (EventLog.UPLOAD_FAIL, [(1, "1.1.96.54.2.255", "unsigned")]),
}

_EMPTY_LOGGERS: Final[dict[str, tuple[list[str], int, bool]]] = {
    # Debiting logger 2: depth of the 382M technical description; analysis logger: default registers, 520 days.
    "billing_logger_2": (["1.1.1.8.0.255", "1.1.2.8.0.255", "1.1.3.8.0.255", "1.1.4.8.0.255"], 45, False),
    "analysis_logger": (["1.1.1.7.0.255", "1.1.2.7.0.255", "1.1.3.7.0.255", "1.1.4.7.0.255"], 520 * 96, True),
}


def _check_period(value: int) -> None:
    if value not in (300, 900, 1800, 3600):
        raise ValueError(f"capture period {value} s (allowed: 300, 900, 1800, 3600)")


def _default(row: ObjectRow, type_: DataType) -> Any:
    if isinstance(type_, OctetString):
        return bytes.fromhex(row.default)
    if type_ is VISIBLE_STRING:
        return row.default
    return int(row.default or 0)


def _capture_only(row: ObjectRow) -> CosemObject:
    """An object that only names a column of a logger: no value of it can be read."""
    declared = INTERFACE_CLASSES[row.class_id, row.version]
    placeholder = {None: UNSIGNED if declared is Data else LONG_UNSIGNED}
    bound = [
        BoundAttribute(attribute, type_=attribute.type or placeholder[None])
        for index, attribute in declared.attributes.items()
        if index != 1
    ]
    return CosemObject(declared, row.logical_name, bound, name=row.name)


def _extended_register(row: ObjectRow) -> CosemObject:
    """A peak: value, unit, no status, and the local time of the end of its period."""
    source = values.peak(row.source)

    def capture_time(context: Context) -> Any:
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
