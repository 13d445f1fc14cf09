"""The device of `tests/cosem/samples.py`, seen with short names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cosem import acse, initiate
from cosem.acse import ApplicationContext, Mechanism
from cosem.association import Association
from cosem.association_definition import AssociationDefinition
from cosem.data_types import UNSIGNED
from cosem.errors import ReadWriteDenied
from cosem.initiate import Conformance
from cosem.interface_class import BoundAttribute, CosemObject, Sink
from cosem.interface_classes import AssociationLn, Data
from cosem.object_model import AccessMode, ObjectView, VisibleObject
from cosem.request_cost import RequestCost, RequestLimits
from cosem.short_names.association_sn import association_sn_object
from cosem.short_names.base_names import ShortNames, base_names
from obis import Obis

from ..samples import VIEW, Device

CLASSIC_SN = Conformance(0x1C1B20)
"""READ, WRITE, UnconfirmedWrite, blocks both ways, lists, InformationReport, parameterised access."""

HIDDEN = Obis.parse("0.0.128.2.0.255")


def _set_secret(device: Device, value: bytes) -> None:
    device.secret = value


def _refuse(device: Device, value: int) -> None:
    raise ReadWriteDenied


def visible(mechanism: Mechanism = Mechanism.LOW) -> list[VisibleObject]:
    """All objects but Association LN, which gives way to Association SN, and one that is for writing only."""
    others = [item for item in VIEW.objects if not issubclass(item.object.interface_class, AssociationLn)]
    set_secret: Sink = _set_secret
    current = association_sn_object(mechanism, set_secret)
    rights = {1: AccessMode.READ, 2: AccessMode.READ, 3: AccessMode.READ, 4: AccessMode.READ}
    hidden = CosemObject(Data, HIDDEN, [BoundAttribute(Data.value, None, _refuse, type_=UNSIGNED)])
    return [
        *others,
        VisibleObject(current, rights, frozenset(current.methods)),
        VisibleObject(hidden, {1: AccessMode.READ, 2: AccessMode.WRITE}),
    ]


OBJECTS = visible()
VIEW_SN = ObjectView(OBJECTS)
NAMES = ShortNames(VIEW_SN, base_names(item.object for item in OBJECTS))


def definition(mechanism: Mechanism = Mechanism.LOWEST, **other: Any) -> AssociationDefinition:
    """An association with short names that serves all of the device."""
    settings: dict[str, Any] = {
        "conformance": CLASSIC_SN,
        "max_receive_pdu": 0x400,
        "view": VIEW_SN,
        "short_names": NAMES,
        "context": ApplicationContext.SN,
    }
    return AssociationDefinition(16, 1, mechanism, secret=lambda device: device.secret, **(settings | other))


def aarq(max_pdu: int = 0xFFFF, conformance: int = CLASSIC_SN, password: bytes | None = None) -> bytes:
    """An AARQ of a client with short names."""
    request = initiate.InitiateRequest(conformance, max_pdu)
    return acse.write_aarq(ApplicationContext.SN, initiate.write_initiate_request(request), password)


def idle(
    device: Device | None = None,
    link_limit: int | None = None,
    segments: bool = True,
    limits: RequestLimits | None = None,
    clock: Callable[[], float] = lambda: 0.0,
    **defined: Any,
) -> tuple[Association, Device]:
    """An association that waits for its AARQ."""
    served = device or Device()
    cost = RequestCost(limits, clock)
    return Association(definition(**defined), served, served.report, link_limit, segments=segments, cost=cost), served


def associated(
    max_pdu: int = 0xFFFF,
    proposed: int = CLASSIC_SN,
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
