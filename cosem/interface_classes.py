"""The interface classes that the 382M serves, as their pages in the Blue Book declare them.

Attribute 1 of every class is its logical name. CHOICE attributes get their type from the object.
"""

from __future__ import annotations

from typing import Final

from .data_protection import DataProtection
from .data_types import (
    ANY,
    BIT_STRING,
    BOOLEAN,
    DATE_TIME_STRING,
    DOUBLE_LONG_UNSIGNED,
    ENUM,
    INTEGER,
    LOGICAL_NAME,
    LONG,
    LONG_UNSIGNED,
    NULL,
    OCTET_STRING,
    UNSIGNED,
    VISIBLE_STRING,
    Array,
    DataType,
    Structure,
)
from .interface_class import CHOICE, Attribute, InterfaceClass, Method
from .push_setup import PushSetupV0, PushSetupV1, PushSetupV2
from .reader import Reader

SCALER_UNIT: Final = Structure(INTEGER, ENUM)
CAPTURE_OBJECT: Final = Structure(LONG_UNSIGNED, LOGICAL_NAME, INTEGER, LONG_UNSIGNED)


class Data(InterfaceClass):
    """Data (class 1, version 0), Blue Book 4.3.1."""

    class_id = 1
    version = 0
    value = Attribute(2, CHOICE)


class Register(InterfaceClass):
    """Register (class 3, version 0), Blue Book 4.3.2."""

    class_id = 3
    version = 0
    method_offset = 0x28
    value = Attribute(2, CHOICE)
    scaler_unit = Attribute(3, SCALER_UNIT)
    reset = Method(1, INTEGER)


class ExtendedRegister(InterfaceClass):
    """Extended register (class 4, version 0), Blue Book 4.3.3."""

    class_id = 4
    version = 0
    method_offset = 0x38
    value = Attribute(2, CHOICE)
    scaler_unit = Attribute(3, SCALER_UNIT)
    status = Attribute(4, CHOICE)
    capture_time = Attribute(5, DATE_TIME_STRING)
    reset = Method(1, INTEGER)


class ProfileGeneric(InterfaceClass):
    """Profile generic (class 7, version 1), Blue Book 4.3.6."""

    class_id = 7
    version = 1
    method_offset = 0x58
    buffer = Attribute(2, Array(ANY))
    capture_objects = Attribute(3, Array(CAPTURE_OBJECT))
    capture_period = Attribute(4, DOUBLE_LONG_UNSIGNED)
    sort_method = Attribute(5, ENUM)
    sort_object = Attribute(6, CAPTURE_OBJECT)
    entries_in_use = Attribute(7, DOUBLE_LONG_UNSIGNED)
    profile_entries = Attribute(8, DOUBLE_LONG_UNSIGNED)
    reset = Method(1, INTEGER)
    capture = Method(2, INTEGER)


class Clock(InterfaceClass):
    """Clock (class 8, version 0), Blue Book 4.5.1."""

    class_id = 8
    version = 0
    method_offset = 0x60
    time = Attribute(2, DATE_TIME_STRING)
    time_zone = Attribute(3, LONG)
    status = Attribute(4, UNSIGNED)
    daylight_savings_begin = Attribute(5, DATE_TIME_STRING)
    daylight_savings_end = Attribute(6, DATE_TIME_STRING)
    daylight_savings_deviation = Attribute(7, INTEGER)
    daylight_savings_enabled = Attribute(8, BOOLEAN)
    clock_base = Attribute(9, ENUM)
    adjust_to_quarter = Method(1, INTEGER)
    adjust_to_measuring_period = Method(2, INTEGER)
    adjust_to_minute = Method(3, INTEGER)
    adjust_to_preset_time = Method(4, INTEGER)
    preset_adjusting_time = Method(5, Structure(DATE_TIME_STRING, DATE_TIME_STRING, DATE_TIME_STRING))
    shift_time = Method(6, LONG)


class _AccessSelectors(DataType):
    """null-data, or the array of selectors of an attribute: a CHOICE inside the object list."""

    tag = 0x01
    name = "null-data or array of integer"

    def encode(self, value: tuple[int, ...]) -> bytes:
        return Array(INTEGER).encode(value) if value else b"\x00"

    def decode(self, reader: Reader) -> tuple[int, ...]:
        if reader.peek() == NULL.tag:
            reader.u8()
            return ()
        return tuple(Array(INTEGER).decode(reader))


OBJECT_LIST_ELEMENT: Final = Structure(
    LONG_UNSIGNED,
    UNSIGNED,
    LOGICAL_NAME,
    Structure(Array(Structure(INTEGER, ENUM, _AccessSelectors())), Array(Structure(INTEGER, BOOLEAN))),
)


OBJECT_LIST_ELEMENT_V1: Final = Structure(
    LONG_UNSIGNED,
    UNSIGNED,
    LOGICAL_NAME,
    Structure(Array(Structure(INTEGER, ENUM, _AccessSelectors())), Array(Structure(INTEGER, ENUM))),
)
"""From version 1 of Association LN: the access mode of a method is an enumeration as well."""

USER: Final = Structure(UNSIGNED, VISIBLE_STRING)


class AssociationLn(InterfaceClass):
    """Association LN (class 15, version 0), Blue Book 4.4.4."""

    class_id = 15
    version = 0
    method_offset = 0x60
    object_list = Attribute(2, Array(OBJECT_LIST_ELEMENT))
    associated_partners_id = Attribute(3, Structure(INTEGER, LONG_UNSIGNED))
    application_context_name = Attribute(4, OCTET_STRING)
    xdlms_context_info = Attribute(
        5, Structure(BIT_STRING, LONG_UNSIGNED, LONG_UNSIGNED, UNSIGNED, INTEGER, OCTET_STRING)
    )
    authentication_mechanism_name = Attribute(6, OCTET_STRING)
    secret = Attribute(7, OCTET_STRING)
    association_status = Attribute(8, ENUM)
    reply_to_hls_authentication = Method(1, OCTET_STRING, OCTET_STRING)
    change_hls_secret = Method(2, OCTET_STRING)


class AssociationLnV1(AssociationLn):
    """Association LN (class 15, version 1), Blue Book 4.4.4: names its Security setup."""

    version = 1
    object_list = Attribute(2, Array(OBJECT_LIST_ELEMENT_V1))
    security_setup_reference = Attribute(9, LOGICAL_NAME)


class AssociationLnV2(AssociationLnV1):
    """Association LN (class 15, version 2), Blue Book 4.4.4: knows the users of its client."""

    version = 2
    user_list = Attribute(10, Array(USER))
    current_user = Attribute(11, USER)


class AssociationLnV3(AssociationLnV2):
    """Association LN (class 15, version 3), Blue Book 4.4.4: access rights are sets of bits."""

    version = 3


SHORT_NAME_RIGHTS: Final = Structure(
    LONG, Array(Structure(INTEGER, ENUM, _AccessSelectors())), Array(Structure(INTEGER, ENUM))
)
"""Base name, rights on attributes, rights on methods: an element of access_rights_list."""


class AssociationSn(InterfaceClass):
    """Association SN (class 12, version 2), Blue Book 4.4.3; methods 1, 2, 4, 6 and 7 are reserved."""

    class_id = 12
    version = 2
    method_offset = 0x20
    object_list = Attribute(2, Array(Structure(LONG, LONG_UNSIGNED, UNSIGNED, LOGICAL_NAME)))
    access_rights_list = Attribute(3, Array(SHORT_NAME_RIGHTS))
    security_setup_reference = Attribute(4, LOGICAL_NAME)
    read_by_logicalname = Method(3, Array(Structure(LONG_UNSIGNED, LOGICAL_NAME, INTEGER)), Array(ANY))
    change_secret = Method(5, OCTET_STRING)
    reply_to_hls_authentication = Method(8, OCTET_STRING, OCTET_STRING)


class SapAssignment(InterfaceClass):
    """SAP assignment (class 17, version 0), Blue Book 4.4.5."""

    class_id = 17
    version = 0
    method_offset = 0x20
    sap_assignment_list = Attribute(2, Array(Structure(LONG_UNSIGNED, OCTET_STRING)))
    connect_logical_device = Method(1, Structure(LONG_UNSIGNED, OCTET_STRING))


KEY_DATA: Final = Array(Structure(ENUM, OCTET_STRING))
"""Keys by key_id: wrapped ones, or ephemeral public keys with their signatures."""
CERTIFICATE_IDENTIFICATION: Final = Structure(ENUM, ANY)
"""0 and {entity, type, system title}, or 1 and {serial number, issuer}."""


class SecuritySetup(InterfaceClass):
    """Security setup (class 64, version 0), Blue Book 4.4.7."""

    class_id = 64
    version = 0
    method_offset = 0x28
    security_policy = Attribute(2, ENUM)
    security_suite = Attribute(3, ENUM)
    client_system_title = Attribute(4, OCTET_STRING)
    server_system_title = Attribute(5, OCTET_STRING)
    security_activate = Method(1, ENUM)
    global_key_transfer = Method(2, KEY_DATA)


class SecuritySetupV1(InterfaceClass):
    """Security setup (class 64, version 1), Blue Book 4.4.7."""

    class_id = 64
    version = 1
    method_offset = 0x30
    security_policy = Attribute(2, ENUM)
    security_suite = Attribute(3, ENUM)
    client_system_title = Attribute(4, OCTET_STRING)
    server_system_title = Attribute(5, OCTET_STRING)
    certificates = Attribute(6, Array(Structure(ENUM, ENUM, OCTET_STRING, OCTET_STRING, OCTET_STRING, OCTET_STRING)))
    security_activate = Method(1, ENUM)
    key_transfer = Method(2, KEY_DATA)
    key_agreement = Method(3, KEY_DATA, KEY_DATA)
    generate_key_pair = Method(4, ENUM)
    generate_certificate_request = Method(5, ENUM, OCTET_STRING)
    import_certificate = Method(6, OCTET_STRING)
    export_certificate = Method(7, CERTIFICATE_IDENTIFICATION, OCTET_STRING)
    remove_certificate = Method(8, CERTIFICATE_IDENTIFICATION)


class HdlcSetup(InterfaceClass):
    """IEC HDLC setup (class 23, version 1), Blue Book 4.7.2."""

    class_id = 23
    version = 1
    comm_speed = Attribute(2, ENUM)
    window_size_transmit = Attribute(3, UNSIGNED)
    window_size_receive = Attribute(4, UNSIGNED)
    max_info_field_length_transmit = Attribute(5, LONG_UNSIGNED)
    max_info_field_length_receive = Attribute(6, LONG_UNSIGNED)
    inter_octet_time_out = Attribute(7, LONG_UNSIGNED)
    inactivity_time_out = Attribute(8, LONG_UNSIGNED)
    device_address = Attribute(9, LONG_UNSIGNED)


INTERFACE_CLASSES: Final[dict[tuple[int, int], type[InterfaceClass]]] = {
    (declared.class_id, declared.version): declared
    for declared in (
        Data, Register, ExtendedRegister, ProfileGeneric, Clock, AssociationSn, AssociationLn, AssociationLnV1,
        AssociationLnV2, AssociationLnV3, SapAssignment, HdlcSetup, SecuritySetup,
        SecuritySetupV1, PushSetupV0, PushSetupV1, PushSetupV2, DataProtection,
    )
}  # fmt: skip
"""Every declared class by (class id, version)."""
