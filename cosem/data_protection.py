"""Data protection (class 30): attributes and methods used with protection of their own, whatever the association has.

| attribute, method | what it does |
|---|---|
| 2 protection_buffer | read: the attributes of the object list, protected; written: protected values for them |
| 3 protection_object_list | whose attributes |
| 4, 5 protection_parameters_get, _set | the protections of reading and of writing the buffer, in their order |
| 6 required_protection | what every protection must give: bits as in security_policy of Security setup, version 1 |
| get_protected_attributes | objects and protections wanted -> protections used, protected values |
| set_protected_attributes | objects, protections, protected values |
| invoke_protected_method | method, protections, protected parameter -> protections used, protected return value |

Without objects in the list the buffer is empty.

What is protected is one structure of the values of the attributes, in the order of the objects; for a method its
parameter, and what it returns, null-data where that is nothing. `security/protected_data.py` has the protections.

Every access is done with the rights of the association. All rights and types are looked at before anything is set; a
value that its object refuses ends the setting there. The keys are those of the association, so one without ciphering
cannot use the class (ours).

Refused rather than passed over, ours: restrictions and data indices (whole attributes are served), objects of this
class inside each other, more than 64 objects at once, a buffer whose protection draws a key for each reading (the
reader would have no way to get it).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from obis import Obis

from .access import invoke_method, read_attribute, write_attribute
from .data_types import (
    ENUM,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    NULL,
    OCTET_STRING,
    Array,
    DataType,
    Structure,
)
from .errors import OtherReason, ReadWriteDenied, ScopeOfAccessViolated, TypeUnmatched
from .interface_class import Attribute, BoundAttribute, CosemObject, InterfaceClass, Method, Sink, Source
from .reader import Reader, encode_length
from .rows import RowBuffer
from .security.envelopes import AgreedKey, IdentifiedKey, KeyInfo, Scheme, WrappedKey
from .security.keys import KeyId
from .security.layer import SecurityLayer
from .security.policy import Direction, SecurityPolicy, required
from .security.protected_data import (
    ProtectionParameters,
    ProtectionType,
    check_protecting,
    given_by,
    protect,
    unprotect,
)
from .security.security_context import SecurityContext
from .xdlms import AttributeRequest, Descriptor, read_raw_value

CLASS_ID: Final = 30

MOST_OBJECTS: Final = 64
"""Attributes in one protected structure: a bound on what one request may cost."""

_NO_RESTRICTION: Final = Structure(ENUM, NULL)
OBJECT_DEFINITION: Final = Structure(LONG_UNSIGNED, LOGICAL_NAME, INTEGER, LONG_UNSIGNED, _NO_RESTRICTION)
METHOD_DEFINITION: Final = Structure(LONG_UNSIGNED, LOGICAL_NAME, INTEGER)


class _KeyInfoType(DataType):
    """key_info: an enumeration, and a CHOICE that follows it."""

    tag = 0x02
    name = "key_info"
    _wrapped = Structure(ENUM, OCTET_STRING)
    _agreed = Structure(OCTET_STRING, OCTET_STRING)

    def encode(self, value: KeyInfo) -> bytes:
        if isinstance(value, IdentifiedKey):
            return b"\x02\x02" + ENUM.encode(0) + ENUM.encode(value.key_id)
        if isinstance(value, WrappedKey):
            return b"\x02\x02" + ENUM.encode(1) + self._wrapped.encode((0, value.key_ciphered_data))
        agreed = bytes((value.scheme,)), value.key_ciphered_data
        return b"\x02\x02" + ENUM.encode(2) + self._agreed.encode(agreed)

    def decode_contents(self, reader: Reader) -> KeyInfo:
        if reader.count() != 2:
            raise TypeUnmatched("key_info has two elements")
        choice = ENUM.decode(reader)
        if choice == 0:
            key_id = ENUM.decode(reader)
            if key_id in (KeyId.GLOBAL_UNICAST, KeyId.GLOBAL_BROADCAST):
                return IdentifiedKey(KeyId(key_id))
        elif choice == 1:
            kek, data = self._wrapped.decode(reader)
            if kek == 0:
                return WrappedKey(data)
        elif choice == 2:
            parameters, data = self._agreed.decode(reader)
            if parameters in (b"\x01", b"\x02"):
                return AgreedKey(Scheme(parameters[0]), data)
        raise ScopeOfAccessViolated(f"key_info {choice}")


class _ParametersType(DataType):
    """protection_parameters: the type of a protection and its options."""

    tag = 0x02
    name = "protection_parameters"
    _layout = Structure(ENUM, Structure(OCTET_STRING, OCTET_STRING, OCTET_STRING, OCTET_STRING, _KeyInfoType()))

    def encode(self, value: ProtectionParameters) -> bytes:
        return self._layout.encode((value.type, tuple(value[1:])))

    def decode_contents(self, reader: Reader) -> ProtectionParameters:
        type_, options = self._layout.decode_contents(reader)
        if type_ not in ProtectionType.__members__.values():
            raise ScopeOfAccessViolated(f"protection_type {type_}")
        return ProtectionParameters(ProtectionType(type_), *options)


OBJECT_LIST: Final = Array(OBJECT_DEFINITION)
PARAMETERS: Final = Array(_ParametersType())


class DataProtection(InterfaceClass):
    """Data protection (class 30, version 0), Blue Book 4.4.9."""

    class_id = CLASS_ID
    version = 0
    method_offset = 0x30
    protection_buffer = Attribute(2, OCTET_STRING)
    protection_object_list = Attribute(3, OBJECT_LIST)
    protection_parameters_get = Attribute(4, PARAMETERS)
    protection_parameters_set = Attribute(5, PARAMETERS)
    required_protection = Attribute(6, ENUM)
    get_protected_attributes = Method(1, Structure(OBJECT_LIST, PARAMETERS), Structure(PARAMETERS, OCTET_STRING))
    set_protected_attributes = Method(2, Structure(OBJECT_LIST, PARAMETERS, OCTET_STRING))
    invoke_protected_method = Method(
        3, Structure(METHOD_DEFINITION, PARAMETERS, OCTET_STRING), Structure(PARAMETERS, OCTET_STRING)
    )


class Binding(NamedTuple):
    """Where a meter keeps an attribute that clients may set."""

    source: Source
    sink: Sink


def data_protection_object(
    logical_name: Obis,
    objects: Binding,
    parameters_get: Binding,
    parameters_set: Binding,
    required_protection: Binding,
    name: str = "",
) -> CosemObject:
    """An object of the class; the attributes it is bound to hold what `DataProtection` declares as plain values."""

    def set_objects(context: Any, value: Sequence[Any]) -> None:
        if value:
            _descriptors(value)
        objects.sink(context, value)

    def set_parameters_get(context: Any, value: Sequence[ProtectionParameters]) -> None:
        _check_standing(value)
        parameters_get.sink(context, value)

    def set_required(context: Any, value: int) -> None:
        SecurityPolicy.of(1, value)
        required_protection.sink(context, value)

    def read_buffer(context: Any) -> bytes:
        listed, wanted = objects.source(context), parameters_get.source(context)
        if not listed:
            return b""
        _check_standing(wanted)
        return _get(context, listed, wanted, required_protection.source(context))[1]

    def write_buffer(context: Any, value: bytes) -> None:
        parameters = parameters_set.source(context)
        _set(context, objects.source(context), parameters, value, required_protection.source(context))

    def get(context: Any, request: tuple[Any, ...]) -> tuple[Any, ...]:
        wanted_objects, wanted = request
        return _get(context, wanted_objects, wanted, required_protection.source(context))

    def set_(context: Any, request: tuple[Any, ...]) -> None:
        named, parameters, protected = request
        _set(context, named, parameters, protected, required_protection.source(context))

    def invoke(context: Any, request: tuple[Any, ...]) -> tuple[Any, ...]:
        method, parameters, protected = request
        return _invoke(context, method, parameters, protected, required_protection.source(context))

    return CosemObject(
        DataProtection,
        logical_name,
        [
            BoundAttribute(DataProtection.protection_buffer, read_buffer, write_buffer),
            BoundAttribute(DataProtection.protection_object_list, objects.source, set_objects),
            BoundAttribute(DataProtection.protection_parameters_get, parameters_get.source, set_parameters_get),
            BoundAttribute(DataProtection.protection_parameters_set, *parameters_set),
            BoundAttribute(DataProtection.required_protection, required_protection.source, set_required),
        ],
        {
            DataProtection.get_protected_attributes: get,
            DataProtection.set_protected_attributes: set_,
            DataProtection.invoke_protected_method: invoke,
        },
        name,
    )


_Parameters = Sequence[ProtectionParameters]


def _get(context: Any, objects: Sequence[Any], wanted: _Parameters, required_: int) -> tuple[Any, bytes]:
    descriptors = _descriptors(objects)
    _require(wanted, required_, Direction.RESPONSE)
    security = _security_of(context)
    values = []
    for descriptor in descriptors:
        value = read_attribute(context.association, AttributeRequest(descriptor))
        values.append(value.data if isinstance(value, RowBuffer) else value)
    return protect(security, b"\x02" + encode_length(len(values)) + b"".join(values), wanted)


def _set(context: Any, objects: Sequence[Any], parameters: _Parameters, protected: bytes, required_: int) -> None:
    association = context.association
    descriptors = _descriptors(objects)
    _require(parameters, required_, Direction.REQUEST)
    bound = [association.view.writable(descriptor) for descriptor in descriptors]
    reader = Reader(unprotect(_security_of(context), protected, parameters))
    if reader.u8() != 0x02 or reader.count() != len(bound):
        raise TypeUnmatched(f"a structure of {len(bound)} values expected")
    values = [read_raw_value(reader) for _ in bound]
    reader.end()
    for attribute, value in zip(bound, values, strict=True):
        attribute.type.decode(Reader(value))
    for descriptor, value in zip(descriptors, values, strict=True):
        write_attribute(association, AttributeRequest(descriptor), value)


def _invoke(
    context: Any, method: tuple[int, bytes, int], parameters: _Parameters, protected: bytes, required_: int
) -> tuple[Any, bytes]:
    descriptor = _descriptor(*method)
    _require(parameters, required_, Direction.REQUEST)
    _require(parameters, required_, Direction.RESPONSE)
    context.association.view.callable(descriptor)
    security = _security_of(context)
    check_protecting(security, parameters)
    returned = invoke_method(context.association, descriptor, unprotect(security, protected, parameters))
    return protect(security, NULL.encode(None) if returned is None else returned, parameters)


def _security_of(context: Any) -> SecurityContext:
    """The keys of the association; raises `ReadWriteDenied` where it has none."""
    layer: SecurityLayer | None = context.association.layer
    if layer is None:
        raise ReadWriteDenied("an association without keys")
    return layer.context


def _require(parameters: _Parameters, required_: int, direction: Direction) -> None:
    if int(required(SecurityPolicy(1, required_), direction)) & ~int(given_by(parameters)):
        raise ReadWriteDenied("less protection than required")


def _check_standing(parameters: _Parameters) -> None:
    for item in parameters:
        key = item.key_info
        signature = item.type is ProtectionType.DIGITAL_SIGNATURE
        if not (signature or isinstance(key, IdentifiedKey) or key == AgreedKey(Scheme.STATIC_UNIFIED, b"")):
            raise OtherReason("a key that is drawn anew for each reading")


def _descriptors(objects: Sequence[Any]) -> list[bytes]:
    if not 1 <= len(objects) <= MOST_OBJECTS:
        raise ScopeOfAccessViolated(f"{len(objects)} objects (1 to {MOST_OBJECTS} expected)")
    descriptors = []
    for class_id, logical_name, attribute, data_index, restriction in objects:
        if data_index or restriction[0]:
            raise ScopeOfAccessViolated("whole attributes are served")
        descriptors.append(_descriptor(class_id, logical_name, attribute))
    return descriptors


def _descriptor(class_id: int, logical_name: bytes, member: int) -> bytes:
    if class_id == CLASS_ID:
        raise ScopeOfAccessViolated("Data protection inside Data protection")
    return Descriptor(class_id, Obis(logical_name), member).to_bytes()
