"""The Push setup objects of a profile, and what a meter's push makes of their present values.

Everything written is kept in permanent memory. What the configuration of a run says of a push counts until a client
writes something else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from cosem.date_time import DateTime
from cosem.errors import TemporaryFailure
from cosem.interface_class import Attribute, BoundAttribute, CosemObject, Invocation, Method
from cosem.push_setup import (
    PUSH_SETUPS,
    Destination,
    OperationMethod,
    PushObject,
    PushSetupV0,
    PushSetupV1,
    PushSetupV2,
    Transport,
    Window,
    push_objects,
)
from obis import Obis

from .memory import MemoryCell

MOST_OBJECTS: Final = 128
"""Elements of a push_object_list: more than any captured push has, and an APDU that the wrapper still carries."""
MOST_WINDOWS: Final = 32
_LOGICAL_NAME_SIZE: Final = 6
_LONGEST_ADDRESS: Final = 255

_DEFAULTS: Final[dict[str, Any]] = {
    "push_object_list": [],
    "send_destination_and_method": (Transport.TCP, b"", 0),
    "communication_window": [],
    "randomisation_start_interval": 0,
    "number_of_retries": 0,
    "repetition_delay": 0,
    "port_reference": b"",
    "push_client_sap": 0,
    "push_protection_parameters": [],
    "push_operation_method": OperationMethod.RETRY_ON_FAILURE,
    "confirmation_parameters": (DateTime(), 0),
    "last_confirmation_date_time": DateTime(),
}


def _destination(value: Any) -> None:
    transport, address, message = value
    Transport(transport)
    if message:
        raise ValueError(f"message {message}: only A-XDR encoded APDUs (0) are sent")
    if len(address) > _LONGEST_ADDRESS:
        raise ValueError(f"a destination of {len(address)} octets")


def _windows(value: Any) -> None:
    if len(value) > MOST_WINDOWS:
        raise ValueError(f"{len(value)} windows, {MOST_WINDOWS} are kept")
    for start, end in value:
        for moment in (start, end):
            if moment.is_complete:
                datetime(*moment[:3])  # a date that there is


def _objects(value: Any) -> None:
    if len(value) > MOST_OBJECTS:
        raise ValueError(f"{len(value)} objects, {MOST_OBJECTS} are pushed")
    push_objects(value)


def _port(value: Any) -> None:
    if len(value) not in (0, _LOGICAL_NAME_SIZE):
        raise ValueError("port_reference is a logical name")


def _protection(value: Any) -> None:
    if value:
        raise ValueError("pushes are protected by the association of push_client_SAP")


_CHECKS: Final[dict[str, Callable[[Any], Any]]] = {
    "push_object_list": _objects,
    "send_destination_and_method": _destination,
    "communication_window": _windows,
    "port_reference": _port,
    "push_protection_parameters": _protection,
    "push_operation_method": OperationMethod,
}


class PushSettings:
    """A Push setup object, shared by all meters of a profile; `push` and `reset` go to who pushes for the meter."""

    def __init__(self, logical_name: Obis, version: int, name: str) -> None:
        declared = PUSH_SETUPS[version]
        self.logical_name = logical_name
        self.version = version
        self._cells: dict[str, MemoryCell] = {}
        for index, attribute in declared.attributes.items():
            if index == 1:
                continue
            default = _DEFAULTS[attribute.name]
            if version == 2 and attribute.name == "repetition_delay":
                default = (0, 100, 0xFFFF)
            self._cells[attribute.name] = self._cell(attribute, default)
        bound = [self._bound(attribute_name, cell) for attribute_name, cell in self._cells.items()]
        methods: dict[Method, Invocation] = {declared.methods[1]: self._push}
        if 2 in declared.methods:
            methods[declared.methods[2]] = self._reset
        self.object = CosemObject(declared, logical_name, bound, methods, name=name)

    def _cell(self, attribute: Attribute, default: Any) -> MemoryCell:
        assert attribute.type is not None
        return MemoryCell(PushSetupV0.class_id, self.logical_name, attribute, attribute.type, default)

    @staticmethod
    def _bound(name: str, cell: MemoryCell) -> BoundAttribute:
        if name == "last_confirmation_date_time":  # no push is confirmed
            return BoundAttribute(cell.attribute, None, encoded=cell.encoded)
        return cell.bound(_CHECKS.get(name))

    def _push(self, context: Any, parameter: int) -> None:
        _pushing(context).trigger(self.logical_name)

    def _reset(self, context: Any, parameter: int) -> None:
        _pushing(context).reset(self.logical_name)

    def set_default(self, meter: Any, name: str, value: Any) -> None:
        """Give a meter the value that its configuration says; one that a client writes comes before it."""
        cell = self._cells[name]
        meter.defaults[cell.key] = cell.type.encode(value)

    # --- the present values of a meter ------------------------------------------------------------------

    def objects(self, meter: Any) -> list[PushObject]:
        """What is pushed, in order."""
        return push_objects(self._cells["push_object_list"].value(meter))

    def destination(self, meter: Any) -> Destination:
        """Where to."""
        return Destination(*self._cells["send_destination_and_method"].value(meter))

    def is_as_configured(self, meter: Any) -> bool:
        """Whether no client has written another destination."""
        return self._cells["send_destination_and_method"].key not in meter.memory

    def windows(self, meter: Any) -> list[Window]:
        """When."""
        return [Window(*item) for item in self._cells["communication_window"].value(meter)]

    def windows_written(self, meter: Any) -> bytes:
        """The same, as it is kept."""
        return self._cells["communication_window"].octets(meter)

    def randomisation_s(self, meter: Any) -> int:
        """Within which time a push begins."""
        return int(self._cells["randomisation_start_interval"].value(meter))

    def retries(self, meter: Any) -> int:
        """Attempts after the first."""
        return int(self._cells["number_of_retries"].value(meter))

    def repetition_delay(self, meter: Any) -> tuple[int, int, int]:
        """Least pause, exponent in hundredths, longest pause; in seconds."""
        value = self._cells["repetition_delay"].value(meter)
        return value if self.version == 2 else (value, 100, value)

    def client_sap(self, meter: Any) -> int:
        """push_client_SAP; 0 where the version has none or nobody has said."""
        return int(self._cells["push_client_sap"].value(meter)) if self.version else 0


def _pushing(context: Any) -> Any:
    if context.meter.pushing is None:  # the run is not up yet, or on its way down
        raise TemporaryFailure
    return context.meter.pushing


WRITABLE: Final = {
    PushSetupV0: tuple(range(2, 8)),
    PushSetupV1: tuple(range(2, 11)),
    PushSetupV2: tuple(range(2, 13)),
}
"""What an association with the right to write may write."""
