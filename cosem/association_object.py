"""The objects that describe the association itself: Association LN and SAP assignment.

They are true by construction: their attributes are computed from the association that answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from obis import Obis

from . import acse
from .errors import ReadWriteDenied
from .initiate import DLMS_VERSION
from .interface_class import BoundAttribute, CosemObject, Sink
from .interface_classes import AssociationLn, SapAssignment

_ASSOCIATED = 2


def association_object(logical_name: Obis, client_sap: int, server_sap: int, mechanism: acse.Mechanism,
                       set_secret: Sink | None, name: str = "Association LN") -> CosemObject:  # fmt: skip
    """The current association as an object; `set_secret(context, octets)` stores a new password."""

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

    context_oid = acse.object_identifier(acse.context_name(acse.ApplicationContext.LN))
    mechanism_oid = acse.mechanism_name(mechanism)
    return CosemObject(
        AssociationLn,
        logical_name,
        [
            BoundAttribute(AssociationLn.object_list, encoded=lambda context: context.association.view.object_list),
            BoundAttribute(AssociationLn.associated_partners_id, lambda context: (client_sap, server_sap)),
            BoundAttribute(AssociationLn.application_context_name, lambda context: context_oid),
            BoundAttribute(AssociationLn.xdlms_context_info, context_info),
            BoundAttribute(AssociationLn.authentication_mechanism_name, lambda context: mechanism_oid),
            BoundAttribute(AssociationLn.secret, None, set_secret),
            BoundAttribute(AssociationLn.association_status, lambda context: _ASSOCIATED),
        ],
        name=name,
    )


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
