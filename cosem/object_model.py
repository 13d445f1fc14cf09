"""What one association sees: its objects, its rights on them, and the look-up of a request's nine octets.

An `ObjectView` is built once for each association of a device profile and shared by all its meters. A GET
finds its encoder with one dictionary look-up on the octets of the request; only when that fails is the
reason worked out, in the order of precedence that conformance tests expect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import cached_property
from typing import Any, Final, NamedTuple, NoReturn

from obis import Obis

from .data_types import Array, DataType
from .errors import ObjectClassInconsistent, ObjectUndefined, ReadWriteDenied
from .interface_class import BoundAttribute, CosemObject, Invocation, Method
from .interface_classes import OBJECT_LIST_ELEMENT, AssociationLn
from .rows import RowBuffer
from .xdlms import Descriptor


class AccessMode(IntEnum):
    """Attribute access rights of an association, as the object list holds them (Blue Book 4.4.4)."""

    NO_ACCESS = 0
    READ = 1
    WRITE = 2
    READ_WRITE = 3

    @property
    def readable(self) -> bool:
        """Whether a GET is allowed."""
        return bool(self & 1)

    @property
    def writable(self) -> bool:
        """Whether a SET is allowed."""
        return bool(self & 2)


class VisibleObject(NamedTuple):
    """An object as one association sees it: attribute rights by index, and the callable methods."""

    object: CosemObject
    attributes: dict[int, AccessMode]
    methods: frozenset[int] = frozenset()


class ObjectView:
    """The objects of one association, indexed by the raw octets of descriptors."""

    def __init__(self, objects: Iterable[VisibleObject]) -> None:
        self.objects = list(objects)
        self.readers: dict[bytes, Callable[[Any], RowBuffer | bytes]] = {}
        """Descriptor and the octet "no selection" -> encoder: the hot path of GET."""
        self._attributes: dict[bytes, tuple[BoundAttribute, AccessMode]] = {}
        self._methods: dict[bytes, tuple[Method, Invocation] | None] = {}
        self._classes: dict[Obis, set[int]] = {}
        for visible in self.objects:
            self._add(visible)
        self.object_list = self._object_list()

    @cached_property
    def of_pass_3(self) -> ObjectView:
        """What a client sees that has not proved itself: reply_to_HLS_authentication, and nothing else."""
        return ObjectView(
            VisibleObject(visible.object, {}, frozenset({method}))
            for visible in self.objects
            if (method := _REPLY_TO_HLS.get(visible.object.interface_class.class_id)) in visible.methods
        )

    def _add(self, visible: VisibleObject) -> None:
        cosem_object = visible.object
        class_id, logical_name = cosem_object.interface_class.class_id, cosem_object.logical_name
        self._classes.setdefault(logical_name, set()).add(class_id)
        for index, bound in cosem_object.attributes.items():
            mode = visible.attributes.get(index, AccessMode.NO_ACCESS)
            key = Descriptor(class_id, logical_name, index).to_bytes()
            self._attributes[key] = bound, mode
            if mode.readable:
                if bound.read is None:
                    raise ValueError(f"{logical_name} attribute {index} is readable in the profile but has no source")
                self.readers[key + b"\x00"] = bound.read
            if mode.writable and bound.sink is None:
                raise ValueError(f"{logical_name} attribute {index} is writable in the profile but has no sink")
        for index in cosem_object.interface_class.methods:
            key = Descriptor(class_id, logical_name, index).to_bytes()
            self._methods[key] = cosem_object.methods[index] if index in visible.methods else None

    def _object_list(self) -> bytes:
        elements = []
        for visible in self.objects:
            bound = visible.object.attributes
            attributes = [
                (index, visible.attributes.get(index, AccessMode.NO_ACCESS), bound[index].selectors)
                for index in sorted(bound)
            ]
            methods = [(index, index in visible.methods) for index in sorted(visible.object.interface_class.methods)]
            declared = visible.object.interface_class
            elements.append((declared.class_id, declared.version, visible.object.logical_name, (attributes, methods)))
        return self._object_list_type().encode(elements)

    def _object_list_type(self) -> DataType:
        """As the version of the association object has it; where none is visible, nobody can ask."""
        for visible in self.objects:
            if issubclass(visible.object.interface_class, AssociationLn):
                return visible.object.attributes[AssociationLn.object_list.index].type
        return Array(OBJECT_LIST_ELEMENT)

    def readable(self, descriptor: bytes) -> BoundAttribute:
        """The attribute to read; raises the `ServiceError` that says why not."""
        bound, mode = self._attribute(descriptor)
        if not mode.readable:
            raise ReadWriteDenied
        return bound

    def writable(self, descriptor: bytes) -> BoundAttribute:
        """The attribute to write; raises the `ServiceError` that says why not."""
        bound, mode = self._attribute(descriptor)
        if not mode.writable:
            raise ReadWriteDenied
        return bound

    def callable(self, descriptor: bytes) -> tuple[Method, Invocation]:
        """The method to invoke; raises the `ServiceError` that says why not."""
        try:
            bound = self._methods[descriptor]
        except KeyError:
            self._explain(descriptor)
        if bound is None:
            raise ReadWriteDenied
        return bound

    def _attribute(self, descriptor: bytes) -> tuple[BoundAttribute, AccessMode]:
        try:
            return self._attributes[descriptor]
        except KeyError:
            self._explain(descriptor)

    def _explain(self, descriptor: bytes) -> NoReturn:
        named = Descriptor.from_bytes(descriptor)
        classes = self._classes.get(named.logical_name)
        if classes is not None and named.class_id not in classes:
            raise ObjectClassInconsistent
        raise ObjectUndefined


_REPLY_TO_HLS: Final = {12: 8, 15: 1}
"""The method that takes the client's proof, in Association SN and Association LN."""

NOTHING_VISIBLE: Final = ObjectView(())
"""What a client sees without an association."""
