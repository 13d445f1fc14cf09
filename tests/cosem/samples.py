"""What the tests of `cosem` share: vectors, and a hand-built device whose objects show every kind of attribute.

The device is plain Python: sources read its fields, sinks write them. Three of its classes (image transfer,
script table, disconnect control) are declared here because public vectors speak to them and the 382M has none.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cosem import acse, initiate
from cosem.acse import ApplicationContext, Mechanism
from cosem.association import Association
from cosem.association_definition import AssociationDefinition
from cosem.association_object import association_object, sap_assignment_object
from cosem.client import Exchange
from cosem.data_types import (
    DOUBLE_LONG_UNSIGNED,
    INTEGER,
    LONG_UNSIGNED,
    OCTET_STRING,
    UNSIGNED,
    VISIBLE_STRING,
    Structure,
)
from cosem.date_time import DateTime
from cosem.errors import ScopeOfAccessViolated, TemporaryFailure
from cosem.initiate import NO_SERVICES, Conformance
from cosem.interface_class import BoundAttribute, Constant, CosemObject, InterfaceClass, Method
from cosem.interface_classes import Clock, Data, ProfileGeneric, Register
from cosem.object_model import AccessMode, ObjectView, VisibleObject
from cosem.reader import Reader
from cosem.request_cost import RequestCost, RequestLimits
from cosem.rows import RowBuffer
from cosem.selective_access import BY_ENTRY, BY_RANGE, read_entry, read_range
from cosem.xdlms import Descriptor
from obis import Obis

DATA = Path(__file__).parent / "data"
SESSIONS: list[dict[str, Any]] = json.loads((DATA / "382m_apdus.json").read_text())
_VECTORS: dict[str, dict[str, Any]] = {
    vector["id"]: vector for vector in json.loads((DATA / "public_apdus.json").read_text())
}


def vectors(*categories: str) -> list[dict[str, Any]]:
    """The public vectors of these categories; each names its source."""
    return [vector for vector in _VECTORS.values() if vector["category"] in categories]


def octets(identifier: str, side: str = "in") -> bytes:
    """The octets of one public vector, by its number."""
    return bytes.fromhex(_VECTORS[identifier][f"hex_{side}"])


class ScriptTable(InterfaceClass):
    """Script table (class 9, version 0), without its attributes beyond the logical name."""

    class_id = 9
    version = 0
    method_offset = 0x20
    execute = Method(1, LONG_UNSIGNED)


class ImageTransfer(InterfaceClass):
    """Image transfer (class 18, version 0), likewise."""

    class_id = 18
    version = 0
    method_offset = 0x40
    image_block_transfer = Method(2, OCTET_STRING)


class DisconnectControl(InterfaceClass):
    """Disconnect control (class 70, version 0), likewise."""

    class_id = 70
    version = 0
    method_offset = 0x20
    remote_disconnect = Method(1, INTEGER)


_NOW = DateTime(2013, 10, 25, 5, 14, 30, 0, 255, -0x8000, 0x80)


@dataclass
class Device:
    """A device and, as the context of an association, the look at it."""

    energy: int = 19253
    note: bytes = bytes.fromhex("".join(f"{number:02}" for number in range(1, 51)))
    time: DateTime = _NOW
    time_zone: int = -60
    rows: list[tuple[int, int]] = field(default_factory=lambda: [(number, number * 7) for number in range(20)])
    invoked: list[Any] = field(default_factory=list)
    secret: bytes = b"12345"
    association: Any = None
    reports: list[tuple[Exception, bytes]] = field(default_factory=list)

    def report(self, error: Exception, apdu: bytes) -> None:
        """Where the association tells of faults that are ours."""
        self.reports.append((error, apdu))


LOGICAL_DEVICE_NAME = Obis.parse("0.0.42.0.0.255")
NOTE = Obis.parse("0.0.128.0.0.255")
LABEL = Obis.parse("0.0.128.1.0.255")
ENERGY = Obis.parse("1.1.1.8.0.255")
CLOCK = Obis.parse("0.0.1.0.0.255")
PROFILE = Obis.parse("1.0.99.1.0.255")
FAULTY = Obis.parse("0.0.96.99.1.255")
ASSOCIATION = Obis.parse("0.0.40.0.0.255")
SAPS = Obis.parse("0.0.41.0.0.255")
SCRIPTS = Obis.parse("0.0.10.0.0.255")
IMAGE = Obis.parse("0.0.44.0.0.255")
DISCONNECTOR = Obis.parse("0.0.96.3.10.255")

NOTE_VALUE = Descriptor(1, NOTE, 2)
ENERGY_VALUE = Descriptor(3, ENERGY, 2)
BUFFER = Descriptor(7, PROFILE, 2)
FAULTY_VALUE = Descriptor(1, FAULTY, 2)

ROW = Structure(LONG_UNSIGNED, DOUBLE_LONG_UNSIGNED)
SCALER = Constant((0, 30))


def _set(name: str) -> Any:
    return lambda device, value: setattr(device, name, value)


def _note_call(name: str) -> Any:
    return lambda device, value: device.invoked.append((name, value))


def _set_note(device: Device, value: bytes) -> None:
    if value == b"later":
        raise TemporaryFailure
    if value == b"never":
        raise ValueError("outside the range")
    device.note = value


def _fail(device: Device, *_: Any) -> Any:
    raise ZeroDivisionError("a fault of our own")


def _select(device: Device, selector: int, reader: Reader) -> RowBuffer:
    if selector == BY_RANGE:
        selection = read_range(reader)
        rows = [row for row in device.rows if selection.begin.day <= row[0] <= selection.end.day]
    else:
        entries = read_entry(reader)
        if entries.from_entry < 1 or entries.to_entry > len(device.rows):
            raise ScopeOfAccessViolated
        rows = device.rows[entries.from_entry - 1 : entries.to_entry or None]
    return RowBuffer.of(ROW, rows)


CAPTURE_OBJECTS = [(8, CLOCK, 2, 0), (3, ENERGY, 2, 0)]


def objects() -> list[CosemObject]:
    """The objects of the device."""
    return [
        CosemObject(
            Data, LOGICAL_DEVICE_NAME, [BoundAttribute(Data.value, Constant(b"KAM0123456"), type_=OCTET_STRING)]
        ),
        CosemObject(
            Data, NOTE, [BoundAttribute(Data.value, lambda device: device.note, _set_note, type_=OCTET_STRING)]
        ),
        CosemObject(Data, LABEL, [BoundAttribute(Data.value, Constant("000"), type_=VISIBLE_STRING)]),
        CosemObject(
            Register,
            ENERGY,
            [
                BoundAttribute(Register.value, lambda device: device.energy, type_=DOUBLE_LONG_UNSIGNED),
                BoundAttribute(Register.scaler_unit, SCALER),
            ],
            {Register.reset: _note_call("reset")},
        ),
        CosemObject(
            Clock,
            CLOCK,
            [
                BoundAttribute(Clock.time, lambda device: device.time, _set("time")),
                BoundAttribute(Clock.time_zone, lambda device: device.time_zone, _set("time_zone")),
                BoundAttribute(Clock.status, Constant(0)),
                BoundAttribute(Clock.daylight_savings_begin, Constant(DateTime(month=3, day=0xFE, weekday=7, hour=2))),
                BoundAttribute(Clock.daylight_savings_end, Constant(DateTime(month=10, day=0xFE, weekday=7, hour=3))),
                BoundAttribute(Clock.daylight_savings_deviation, Constant(60)),
                BoundAttribute(Clock.daylight_savings_enabled, Constant(True)),
                BoundAttribute(Clock.clock_base, Constant(1)),
            ],
            {Clock.shift_time: _note_call("shift")},
        ),
        CosemObject(
            ProfileGeneric,
            PROFILE,
            [
                BoundAttribute(
                    ProfileGeneric.buffer,
                    encoded=lambda device: RowBuffer.of(ROW, device.rows),
                    select=_select,
                    selectors=(BY_RANGE, BY_ENTRY),
                ),
                BoundAttribute(ProfileGeneric.capture_objects, Constant(CAPTURE_OBJECTS)),
                BoundAttribute(ProfileGeneric.capture_period, Constant(900)),
                BoundAttribute(ProfileGeneric.sort_method, Constant(1)),
                BoundAttribute(ProfileGeneric.sort_object, Constant(CAPTURE_OBJECTS[0])),
                BoundAttribute(ProfileGeneric.entries_in_use, lambda device: len(device.rows)),
                BoundAttribute(ProfileGeneric.profile_entries, Constant(100)),
            ],
        ),
        CosemObject(Data, FAULTY, [BoundAttribute(Data.value, _fail, _fail, type_=UNSIGNED)]),
        association_object(ASSOCIATION, 16, 1, Mechanism.LOW, _set("secret")),
        sap_assignment_object(SAPS, lambda device: [(1, b"KAM0123456")]),
        CosemObject(ScriptTable, SCRIPTS, [], {ScriptTable.execute: _note_call("script")}),
        CosemObject(ImageTransfer, IMAGE, [], {ImageTransfer.image_block_transfer: _note_call("image")}),
        CosemObject(DisconnectControl, DISCONNECTOR, [], {DisconnectControl.remote_disconnect: _fail}),
    ]


_WRITABLE = {NOTE: {2}, CLOCK: {2, 3}, FAULTY: {2}, SAPS: {2}}


def _visible(cosem_object: CosemObject) -> VisibleObject:
    name = cosem_object.logical_name
    modes = {}
    for index in cosem_object.attributes:
        modes[index] = AccessMode.READ_WRITE if index in _WRITABLE.get(name, ()) else AccessMode.READ
    if name == ASSOCIATION:
        modes[7] = AccessMode.WRITE
    methods = frozenset() if name == DISCONNECTOR else frozenset(cosem_object.methods)
    return VisibleObject(cosem_object, modes, methods)


VIEW = ObjectView([_visible(cosem_object) for cosem_object in objects()])

CLASSIC = Conformance(0x007E1F)
"""What classic clients with logical names propose."""


def definition(
    mechanism: Mechanism = Mechanism.LOWEST,
    conformance: Conformance = CLASSIC,
    max_receive_pdu: int = 0x400,
    tolerated: Conformance = NO_SERVICES,
) -> AssociationDefinition:
    """An association of the device that serves all of it."""
    return AssociationDefinition(
        16, 1, mechanism, conformance, max_receive_pdu, VIEW, lambda device: device.secret, tolerated
    )


def aarq(
    max_pdu: int = 0xFFFF,
    conformance: int = CLASSIC,
    password: bytes | None = None,
    **other: Any,
) -> bytes:
    """An AARQ of a client with logical names."""
    request = initiate.InitiateRequest(conformance, max_pdu, **other)
    return acse.write_aarq(ApplicationContext.LN, initiate.write_initiate_request(request), password)


def idle(
    device: Device | None = None,
    link_limit: int | None = None,
    segments: bool = True,
    limits: RequestLimits | None = None,
    clock: Callable[[], float] = lambda: 0.0,
    **defined: Any,
) -> tuple[Association, Device]:
    """An association of a device that waits for its AARQ."""
    served = device or Device()
    cost = RequestCost(limits, clock)
    return Association(definition(**defined), served, served.report, link_limit, segments=segments, cost=cost), served


def associated(
    max_pdu: int = 0xFFFF,
    proposed: int = CLASSIC,
    link_limit: int | None = None,
    device: Device | None = None,
    **defined: Any,
) -> tuple[Association, Device]:
    """An association that is open, and its device."""
    association, served = idle(device, link_limit, **defined)
    answer = association.handle(aarq(max_pdu, proposed))
    assert answer is not None
    assert acse.read_aare(answer).result == acse.AssociationResult.ACCEPTED
    return association, served


def run(association: Association, exchange: Exchange) -> tuple[Any, list[bytes]]:
    """A client's exchange with an association, to its end: what it returns, and the responses it was sent."""
    responses = []
    request = next(exchange)
    while True:
        response = association.handle(request)
        assert response is not None
        responses.append(response)
        try:
            request = exchange.send(response)
        except StopIteration as done:
            return done.value, responses
