"""The objects that describe the association itself: Association LN and SAP assignment.

They are true by construction: their attributes are computed from the association that answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from obis import Obis

from . import acse
from .errors import ReadWriteDenied
from .initiate import DLMS_VERSION
from .interface_class import BoundAttribute, Constant, CosemObject, Invocation, Method, Sink
from .interface_classes import (
    AssociationLn,
    AssociationLnV1,
    AssociationLnV2,
    AssociationLnV3,
    SapAssignment,
)

_VERSIONS: Final = (AssociationLn, AssociationLnV1, AssociationLnV2, AssociationLnV3)
_NO_SECURITY_SETUP: Final = Obis(bytes(6))


def _users(context: Any) -> list[tuple[int, str]]:
    return sorted(context.association.definition.users.items())


def association_object(
    logical_name: Obis,
    client_sap: int,
    server_sap: int,
    mechanism: acse.Mechanism,
    set_secret: Sink | None,
    name: str = "Association LN",
    *,
    version: int = 0,
    security_setup: Obis = _NO_SECURITY_SETUP,
) -> CosemObject:
    """The current association as an object; `set_secret(context, octets)` stores a new password or secret.

    From `version` 1 it names its `security_setup`, from 2 the users that the definition has. The dedicated key is never
    shown, where the Blue Book has it in xDLMS_context_info.
    """

    def context_info(context: Any) -> tuple[str, int, int, int, int, bytes]:
        association = context.association
        return (
            f"{int(association.negotiated):024b}",
            association.definition.max_receive_pdu,
            association.client_max_pdu,
            DLMS_VERSION,
            0,
            b"",
        )

    def context_name(context: Any) -> bytes:
        return acse.object_identifier(acse.context_name(context.association.definition.context))

    def current_user(context: Any) -> tuple[int, str]:
        user = context.association.user
        return (0, "") if user is None else (user, context.association.definition.users[user])

    declared = _VERSIONS[version]
    mechanism_oid = acse.mechanism_name(mechanism)
    attributes = [
        BoundAttribute(declared.object_list, encoded=lambda context: context.association.view.object_list),
        BoundAttribute(declared.associated_partners_id, lambda context: (client_sap, server_sap)),
        BoundAttribute(declared.application_context_name, context_name),
        BoundAttribute(declared.xdlms_context_info, context_info),
        BoundAttribute(declared.authentication_mechanism_name, lambda context: mechanism_oid),
        BoundAttribute(declared.secret, None, set_secret),
        BoundAttribute(declared.association_status, lambda context: context.association.status),
    ]
    if version >= AssociationLnV1.version:
        attributes.append(BoundAttribute(AssociationLnV1.security_setup_reference, Constant(security_setup)))
    if version >= AssociationLnV2.version:
        attributes.append(BoundAttribute(AssociationLnV2.user_list, _users))
        attributes.append(BoundAttribute(AssociationLnV2.current_user, current_user))
    methods: dict[Method, Invocation] = {}
    if mechanism >= acse.Mechanism.HIGH:
        methods[declared.reply_to_hls_authentication] = lambda context, proof: (
            context.association.reply_to_high_level_security(proof)
        )
        if set_secret is not None:
            methods[declared.change_hls_secret] = set_secret
    return CosemObject(declared, logical_name, attributes, methods, name)


def sap_assignment_object(
    logical_name: Obis, assignments: Callable[[Any], list[tuple[int, bytes]]], name: str = "SAP assignment"
) -> CosemObject:
    """The logical devices of a physical device: `assignments(context)` gives (SAP, logical device name).

    The 382M declares the list writable; as the list says what is served, only the list itself may be
    written back, any other raises `ReadWriteDenied`.
    """

    def write(context: Any, value: list[tuple[int, bytes]]) -> None:
        if value != assignments(context):
            raise ReadWriteDenied("the SAP assignment says what is served and cannot be changed")

    return CosemObject(
        SapAssignment,
        logical_name,
        [BoundAttribute(SapAssignment.sap_assignment_list, assignments, write)],
        name=name,
    )
