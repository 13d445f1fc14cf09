"""Association SN (Blue Book 4.4.3): the current association where names are short, computed from the one that answers.

read_by_logicalname reads attributes by class, logical name and index, as a GET would. It gives an array of their values
in the order asked; index 0 asks for all attributes of an object and gives them as a structure (shapes are ours). One
attribute that cannot be read refuses the whole; where index 0 meets one, with scope-of-access-violated.
"""

from __future__ import annotations

from typing import Any, Final

from obis import Obis

from ..access import read_attribute
from ..acse import Mechanism
from ..data_types import DataType, TypedValue
from ..errors import ReadWriteDenied, ScopeOfAccessViolated
from ..interface_class import BoundAttribute, Constant, CosemObject, Invocation, Method, Sink
from ..interface_classes import AssociationSn
from ..reader import encode_length
from ..rows import RowBuffer
from ..xdlms import AttributeRequest, Descriptor

CURRENT_ASSOCIATION: Final = Obis.parse("0.0.40.0.0.255")
NO_SECURITY_SETUP: Final = Obis(bytes(6))


def association_sn_object(
    mechanism: Mechanism,
    set_secret: Sink | None,
    name: str = "Association SN",
    *,
    logical_name: Obis = CURRENT_ASSOCIATION,
    security_setup: Obis = NO_SECURITY_SETUP,
) -> CosemObject:
    """The current association as an object; `set_secret(context, octets)` stores a new password or secret."""
    declared = AssociationSn
    attributes = [
        BoundAttribute(declared.object_list, encoded=lambda context: context.association.short_names.object_list),
        BoundAttribute(
            declared.access_rights_list, encoded=lambda context: context.association.short_names.access_rights_list
        ),
        BoundAttribute(declared.security_setup_reference, Constant(security_setup)),
    ]
    methods: dict[Method, Invocation] = {declared.read_by_logicalname: _read_by_logicalname}
    if set_secret is not None:
        methods[declared.change_secret] = set_secret
    if mechanism >= Mechanism.HIGH:
        methods[declared.reply_to_hls_authentication] = lambda context, proof: (
            context.association.reply_to_high_level_security(proof)
        )
    return CosemObject(declared, logical_name, attributes, methods, name)


class _Encoded(DataType):
    """A value that is encoded already."""

    name = "encoded"

    def encode(self, value: bytes) -> bytes:
        return value


_ENCODED: Final = _Encoded()


def _read_by_logicalname(context: Any, wanted: list[tuple[int, bytes, int]]) -> list[TypedValue]:
    association = context.association
    values: list[bytes] = []
    for class_id, logical_name, index in wanted:
        if index:
            values.append(_value(association, Descriptor(class_id, Obis(logical_name), index)))
        else:
            values.append(_all_attributes(association, class_id, Obis(logical_name)))
    return [TypedValue(_ENCODED, value) for value in values]


def _value(association: Any, descriptor: Descriptor) -> bytes:
    value = read_attribute(association, AttributeRequest(descriptor.to_bytes()))
    return value.data if isinstance(value, RowBuffer) else value


def _all_attributes(association: Any, class_id: int, logical_name: Obis) -> bytes:
    try:
        values = [_value(association, Descriptor(class_id, logical_name, 1))]
        attributes = next(
            visible.object.attributes
            for visible in association.view.objects
            if (visible.object.interface_class.class_id, visible.object.logical_name) == (class_id, logical_name)
        )
        for index in sorted(attributes)[1:]:
            values.append(_value(association, Descriptor(class_id, logical_name, index)))
    except ReadWriteDenied as denied:
        raise ScopeOfAccessViolated(str(denied)) from denied
    return b"\x02" + encode_length(len(values)) + b"".join(values)
