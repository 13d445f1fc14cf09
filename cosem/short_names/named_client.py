"""A client that is asked with descriptors where names are short: it looks base names up in the meter's object list.

What is written for `cosem.client.Client` reads, writes and invokes with it the same way. A method is found by the
offset that its class declares here.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

from obis import Obis

from ..client import AccessFailed, Exchange
from ..data_types import INTEGER
from ..errors import DataAccessResult
from ..initiate import VAA_NAME_SN
from ..interface_class import InterfaceClass
from ..interface_classes import INTERFACE_CLASSES, AssociationSn
from ..object_model import AccessMode
from ..xdlms import Descriptor
from .base_names import STEP
from .client import ListedObject, ShortNameClient

_ACCESS_RIGHTS: Final = VAA_NAME_SN + STEP * (AssociationSn.access_rights_list.index - 1)

_Rights = tuple[list[Any], list[Any]]


class NamedClient(ShortNameClient):
    """Builds requests of one association with short names; the first that needs a name reads the object list."""

    _listed: dict[tuple[int, Obis], ListedObject] | None = None

    def associate(self) -> Exchange:
        """As any client; what the object list said before is forgotten."""
        self._listed = None
        return super().associate()

    def get(self, descriptor: Descriptor, selector: int | None = None, parameters: bytes = b"") -> Exchange:
        """Read one attribute or a selection from it; returns its octets, raises `AccessFailed`."""
        name = yield from self._name(descriptor)
        if selector is None:
            return (yield from self.read(name))
        return (yield from self.read_selected(name, selector, parameters))

    def set(self, descriptor: Descriptor, value: bytes) -> Exchange:
        """Write one attribute with an encoded value; raises `AccessFailed`."""
        yield from self.write((yield from self._name(descriptor)), value)

    def action(self, descriptor: Descriptor, parameter: bytes = INTEGER.encode(0)) -> Exchange:
        """Invoke one method; returns what it returns, null-data if nothing; raises `AccessFailed`."""
        listed = yield from self._object(descriptor)
        declared = INTERFACE_CLASSES.get((listed.class_id, listed.version))
        if declared is None or descriptor.member not in declared.methods:
            raise AccessFailed(f"no offset is known for {descriptor}", DataAccessResult.OBJECT_UNDEFINED)
        name = listed.base_name + declared.method_offset + STEP * (descriptor.member - 1)
        return (yield from self.invoke(name, parameter))

    def objects_with_rights(self) -> Exchange:
        """The objects as Association LN lists them: class, version, logical name, rights on attributes and methods.

        A meter that does not tell rights, as version 0 of Association SN, may let everything be read: one can but try.
        """
        objects = yield from self._objects()
        try:
            rights = yield from self.read_value(_ACCESS_RIGHTS)
        except AccessFailed:
            return [(item.class_id, item.version, item.logical_name, _to_try(item)) for item in objects.values()]
        by_base = {base & 0xFFFF: (attributes, methods) for base, attributes, methods in rights}
        nothing: _Rights = ([], [])
        return [
            (item.class_id, item.version, item.logical_name, by_base.get(item.base_name, nothing))
            for item in objects.values()
        ]

    def _name(self, descriptor: Descriptor) -> Generator[bytes, bytes, int]:
        listed = yield from self._object(descriptor)
        return listed.base_name + STEP * (descriptor.member - 1)

    def _object(self, descriptor: Descriptor) -> Generator[bytes, bytes, ListedObject]:
        objects = yield from self._objects()
        found = objects.get((descriptor.class_id, descriptor.logical_name))
        if found is None:
            raise AccessFailed(f"{descriptor} is not in the object list", DataAccessResult.OBJECT_UNDEFINED)
        return found

    def _objects(self) -> Generator[bytes, bytes, dict[tuple[int, Obis], ListedObject]]:
        if self._listed is None:
            listed = yield from self.object_list()
            self._listed = {(item.class_id, item.logical_name): item for item in listed}
        return self._listed


def _to_try(item: ListedObject) -> _Rights:
    """Reading of every attribute that the class is known to have, of the logical name where it is not known."""
    declared = INTERFACE_CLASSES.get((item.class_id, item.version), InterfaceClass)
    return [(index, AccessMode.READ, None) for index in declared.attributes or (1,)], []
