"""What one association sees: its objects, its rights on them, and the look-up of a request's nine octets.

An `ObjectView` is built once for each association of a device profile and shared by all its meters. A GET
finds its encoder with one dictionary look-up on the octets of the request; only when that fails is the
reason worked out, in the order of precedence that conformance tests expect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import IntFlag
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, NamedTuple, NoReturn

from obis import Obis

from .data_types import Array, DataType
from .errors import ObjectClassInconsistent, ObjectUndefined, ReadWriteDenied
from .interface_class import BoundAttribute, CosemObject, Invocation, Method
from .interface_classes import OBJECT_LIST_ELEMENT, AssociationLn
from .rows import RowBuffer
from .xdlms import Descriptor


class AccessMode(IntFlag):
    """Rights of an association on one attribute, as Association LN version 3 has their bits (Blue Book 4.4.4).

    Of a method, `READ` means that it may be invoked. What must be protected besides the security policy is said by the
    other bits: without it the access is denied (ours: a response is not protected more for one attribute).
    """

    NO_ACCESS = 0
    READ = 1
    WRITE = 2
    READ_WRITE = 3
    AUTHENTICATED_REQUEST = 0x04
    ENCRYPTED_REQUEST = 0x08
    SIGNED_REQUEST = 0x10
    AUTHENTICATED_RESPONSE = 0x20
    ENCRYPTED_RESPONSE = 0x40
    SIGNED_RESPONSE = 0x80

    @property
    def readable(self) -> bool:
        """Whether a GET is allowed."""
        return bool(self & 1)

    @property
    def writable(self) -> bool:
        """Whether a SET is allowed."""
        return bool(self & 2)

    @property
    def enumerated(self) -> int:
        """As the versions before 3 have it: 4 to 6 are 1 to 3 with authentication."""
        rights = int(self) & 3
        return rights + 3 if rights and self & AccessMode.AUTHENTICATED_REQUEST else rights

    def admits(self, protection: int) -> bool:
        """Whether this much protection is enough; its bits are those of the rights."""
        return not int(self) & ~(protection | AccessMode.READ_WRITE)


class VisibleObject(NamedTuple):
    """An object as one association sees it: attribute rights by index, the callable methods, and what they need."""

    object: CosemObject
    attributes: dict[int, AccessMode]
    methods: frozenset[int] = frozenset()
    protected_methods: Mapping[int, AccessMode] = MappingProxyType({})
    """Protection that some of the methods need."""

    def method_mode(self, index: int) -> AccessMode:
        """The rights on one method."""
        if index not in self.methods:
            return AccessMode.NO_ACCESS
        return AccessMode.READ | self.protected_methods.get(index, AccessMode.NO_ACCESS)


class ObjectView:
    """The objects of one association, indexed by the raw octets of descriptors."""

    def __init__(self, objects: Iterable[VisibleObject]) -> None:
        self.objects = list(objects)
        self.readers: dict[bytes, Callable[[Any], RowBuffer | bytes]] = {}
        """Descriptor and the octet "no selection" -> encoder, of what needs no protection: the hot path of GET."""
        self._attributes: dict[bytes, tuple[BoundAttribute, AccessMode]] = {}
        self._methods: dict[bytes, tuple[tuple[Method, Invocation], AccessMode] | None] = {}
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
                if mode.admits(0):
                    self.readers[key + b"\x00"] = bound.read
            if mode.writable and bound.sink is None:
                raise ValueError(f"{logical_name} attribute {index} is writable in the profile but has no sink")
        for index in cosem_object.interface_class.methods:
            key = Descriptor(class_id, logical_name, index).to_bytes()
            callable_ = index in visible.methods
            self._methods[key] = (cosem_object.methods[index], visible.method_mode(index)) if callable_ else None

    def _object_list(self) -> bytes:
        version, type_ = self._association_object()
        elements = []
        for visible in self.objects:
            bound = visible.object.attributes
            modes = {index: visible.attributes.get(index, AccessMode.NO_ACCESS) for index in sorted(bound)}
            methods = {index: visible.method_mode(index) for index in sorted(visible.object.interface_class.methods)}
            coded = int if version >= _BIT_RIGHTS else _enumerated
            rights = (
                [(index, coded(mode), bound[index].selectors) for index, mode in modes.items()],
                [
                    (index, bool(mode) if version == 0 else _method_code(mode, version))
                    for index, mode in methods.items()
                ],
            )
            declared = visible.object.interface_class
            elements.append((declared.class_id, declared.version, visible.object.logical_name, rights))
        return type_.encode(elements)

    def _association_object(self) -> tuple[int, DataType]:
        """Version and type of the object list; where no association object is visible, nobody can ask."""
        for visible in self.objects:
            declared = visible.object.interface_class
            if issubclass(declared, AssociationLn):
                return declared.version, visible.object.attributes[AssociationLn.object_list.index].type
        return 0, Array(OBJECT_LIST_ELEMENT)

    def readable(self, descriptor: bytes, protection: int = 0) -> BoundAttribute:
        """The attribute to read, with this `protection`; raises the `ServiceError` that says why not."""
        bound, mode = self._attribute(descriptor)
        if not mode.readable or not mode.admits(protection):
            raise ReadWriteDenied
        return bound

    def writable(self, descriptor: bytes, protection: int = 0) -> BoundAttribute:
        """The attribute to write, with this `protection`; raises the `ServiceError` that says why not."""
        bound, mode = self._attribute(descriptor)
        if not mode.writable or not mode.admits(protection):
            raise ReadWriteDenied
        return bound

    def callable(self, descriptor: bytes, protection: int = 0) -> tuple[Method, Invocation]:
        """The method to invoke, with this `protection`; raises the `ServiceError` that says why not."""
        try:
            found = self._methods[descriptor]
        except KeyError:
            self._explain(descriptor)
        if found is None or not found[1].admits(protection):
            raise ReadWriteDenied
        return found[0]

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


def _enumerated(mode: AccessMode) -> int:
    return mode.enumerated


def _method_code(mode: AccessMode, version: int) -> int:
    """0 no access, 1 access, 2 authenticated access; from version 3 the bits."""
    if version >= _BIT_RIGHTS:
        return int(mode)
    return 2 if mode.enumerated > AccessMode.READ else int(bool(mode))


_BIT_RIGHTS: Final = 3
"""The version of Association LN from which rights are bits."""

_REPLY_TO_HLS: Final = {12: 8, 15: 1}
"""The method that takes the client's proof, in Association SN and Association LN."""

NOTHING_VISIBLE: Final = ObjectView(())
"""What a client sees without an association."""
