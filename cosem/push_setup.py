"""Push setup (class 40, versions 0, 1 and 2; Blue Book 4.4.8): its declarations, and its values as plain tuples.

| attribute | version 0 | version 1 | version 2 |
|---|---|---|---|
| 2 push_object_list | what to push | with a restriction each | with columns each |
| 3 send_destination_and_method | transport, destination, message | | |
| 4 communication_window | from, to; empty is always | | |
| 5 randomisation_start_interval | seconds | | |
| 6 number_of_retries | after the first attempt | | |
| 7 repetition_delay | seconds | seconds | least, exponent in hundredths, most |
| 8 port_reference, 9 push_client_SAP, 10 push_protection_parameters | | there | there |
| 11 push_operation_method, 12 confirmation_parameters, 13 last_confirmation_date_time | | | there |

What is not served is refused when it is written, never passed over: restrictions, columns, protection parameters (the
association of push_client_SAP protects), data indices and confirmed pushes.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final, NamedTuple

from .data_types import (
    ANY,
    DATE_TIME,
    DATE_TIME_STRING,
    DOUBLE_LONG_UNSIGNED,
    ENUM,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    NULL,
    OCTET_STRING,
    UNSIGNED,
    Array,
    DataType,
    Structure,
)
from .date_time import DateTime
from .interface_class import Attribute, InterfaceClass, Method

_CAPTURE_OBJECT: Final = (LONG_UNSIGNED, LOGICAL_NAME, INTEGER, LONG_UNSIGNED)
_NO_RESTRICTION: Final = Structure(ENUM, NULL)
PUSH_OBJECT: Final[dict[int, DataType]] = {
    0: Structure(*_CAPTURE_OBJECT),
    1: Structure(*_CAPTURE_OBJECT, _NO_RESTRICTION),
    2: Structure(*_CAPTURE_OBJECT, _NO_RESTRICTION, Array(Structure(*_CAPTURE_OBJECT))),
}
"""An element of push_object_list, by version of the class."""
_DESTINATION: Final = Structure(ENUM, OCTET_STRING, ENUM)
_WINDOW: Final = Array(Structure(DATE_TIME_STRING, DATE_TIME_STRING))


class Transport(IntEnum):
    """Transport services of send_destination_and_method that are served; MQTT is in the manufacturers' range, ours."""

    TCP = 0
    UDP = 1
    HDLC = 5
    MQTT = 200


class OperationMethod(IntEnum):
    """push_operation_method: unconfirmed, tried again where the layer below failed, or did not confirm."""

    RETRY_ON_FAILURE = 0
    RETRY_ON_MISSING_CONFIRMATION = 1


class Destination(NamedTuple):
    """send_destination_and_method: `address` is `host:port` in ASCII; message 0 is an A-XDR encoded APDU."""

    transport: int
    address: bytes
    message: int = 0


class Window(NamedTuple):
    """A communication window: local times with open fields."""

    start: DateTime
    end: DateTime


class PushObject(NamedTuple):
    """What one element of the body is: an attribute of an object; attribute 0 is all of them, as a structure."""

    class_id: int
    logical_name: bytes
    attribute: int
    data_index: int = 0

    def to_structure(self, version: int) -> tuple[Any, ...]:
        """The element of push_object_list that says so."""
        return (*self, *((0, None), [])[:version])


def push_objects(value: list[tuple[Any, ...]]) -> list[PushObject]:
    """push_object_list of any version; raises `ValueError` for what is not served."""
    objects = []
    for item in value:
        wanted = PushObject(*item[:4])
        if wanted.data_index:
            raise ValueError(f"data_index {wanted.data_index}: whole attributes are pushed")
        if len(item) > 4 and item[4][0]:
            raise ValueError("a restriction: whole attributes are pushed")
        if len(item) > 5 and item[5]:
            raise ValueError("columns: whole attributes are pushed")
        objects.append(wanted)
    return objects


class PushSetupV0(InterfaceClass):
    """Push setup (class 40, version 0), Blue Book 4.4.8."""

    class_id = 40
    version = 0
    method_offset = 0x38
    push_object_list = Attribute(2, Array(PUSH_OBJECT[0]))
    send_destination_and_method = Attribute(3, _DESTINATION)
    communication_window = Attribute(4, _WINDOW)
    randomisation_start_interval = Attribute(5, LONG_UNSIGNED)
    number_of_retries = Attribute(6, UNSIGNED)
    repetition_delay = Attribute(7, LONG_UNSIGNED)
    push = Method(1, INTEGER)


class PushSetupV1(InterfaceClass):
    """Push setup (class 40, version 1), Blue Book 4.4.8."""

    class_id = 40
    version = 1
    method_offset = 0x50
    push_object_list = Attribute(2, Array(PUSH_OBJECT[1]))
    send_destination_and_method = Attribute(3, _DESTINATION)
    communication_window = Attribute(4, _WINDOW)
    randomisation_start_interval = Attribute(5, LONG_UNSIGNED)
    number_of_retries = Attribute(6, UNSIGNED)
    repetition_delay = Attribute(7, LONG_UNSIGNED)
    port_reference = Attribute(8, OCTET_STRING)
    push_client_sap = Attribute(9, INTEGER)
    push_protection_parameters = Attribute(10, Array(ANY))
    push = Method(1, INTEGER)


class PushSetupV2(InterfaceClass):
    """Push setup (class 40, version 2), Blue Book 4.4.8."""

    class_id = 40
    version = 2
    method_offset = 0x68
    push_object_list = Attribute(2, Array(PUSH_OBJECT[2]))
    send_destination_and_method = Attribute(3, _DESTINATION)
    communication_window = Attribute(4, _WINDOW)
    randomisation_start_interval = Attribute(5, LONG_UNSIGNED)
    number_of_retries = Attribute(6, UNSIGNED)
    repetition_delay = Attribute(7, Structure(LONG_UNSIGNED, LONG_UNSIGNED, LONG_UNSIGNED))
    port_reference = Attribute(8, OCTET_STRING)
    push_client_sap = Attribute(9, INTEGER)
    push_protection_parameters = Attribute(10, Array(ANY))
    push_operation_method = Attribute(11, ENUM)
    confirmation_parameters = Attribute(12, Structure(DATE_TIME, DOUBLE_LONG_UNSIGNED))
    last_confirmation_date_time = Attribute(13, DATE_TIME)
    push = Method(1, INTEGER)
    reset = Method(2, INTEGER)


PUSH_SETUPS: Final[dict[int, type[InterfaceClass]]] = {
    declared.version: declared for declared in (PushSetupV0, PushSetupV1, PushSetupV2)
}
"""The declarations by version."""
