"""Short names: which object has which base name, and what a short name stands for (Blue Book 4.1.3, 4.2).

An object takes a range of short names. Attribute n is at base name + 8 (n - 1), method n at base name + the offset that
its class declares + 8 (n - 1); every base name ends in three zero bits. Four objects have reserved names:

| base name | object |
|---|---|
| 0xFA00 | Association SN, the current one |
| 0xFB00 | Script table of broadcasts |
| 0xFC00 | SAP assignment |
| 0xFD00 | the logical device name |

All other names are ours: in the order of the objects, from 0x0100 upwards without gaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from obis import Obis

from ..errors import ObjectUndefined
from ..initiate import VAA_NAME_SN
from ..interface_class import CosemObject, InterfaceClass
from ..interface_classes import SHORT_NAME_RIGHTS, AssociationSn
from ..object_model import AccessMode, ObjectView
from ..reader import encode_length
from ..xdlms import Descriptor

STEP: Final = 8
"""From one attribute or method to the next."""

RESERVED: Final[dict[tuple[int, Obis], int]] = {
    (12, Obis.parse("0.0.40.0.0.255")): VAA_NAME_SN,
    (9, Obis.parse("0.0.10.0.125.255")): 0xFB00,
    (17, Obis.parse("0.0.41.0.0.255")): 0xFC00,
    (1, Obis.parse("0.0.42.0.0.255")): 0xFD00,
    (3, Obis.parse("0.0.42.0.0.255")): 0xFD00,
}

_FIRST: Final = 0x0100
"""Clients take 0 for "no name"."""

BaseNames = Mapping[tuple[int, Obis], int]
"""Class id and logical name to base name."""


def base_names(objects: Iterable[CosemObject]) -> BaseNames:
    """The base names of the objects of a logical device; raises `ValueError` where 16 bits are not enough.

    The same objects in the same order have the same names. Give all objects of a logical device, whoever sees them, so
    that an object has one name in every association.
    """
    names: dict[tuple[int, Obis], int] = {}
    free = _FIRST
    for item in objects:
        key = item.interface_class.class_id, item.logical_name
        if key in names:
            continue
        reserved = RESERVED.get(key)
        names[key] = free if reserved is None else reserved
        if reserved is None:
            free += _range(item.interface_class)
    if free > VAA_NAME_SN:
        raise ValueError(f"{len(names)} objects need more short names than there are")
    return names


def _range(declared: type[InterfaceClass]) -> int:
    """How many short names an object of this class takes."""
    attributes = STEP * max(declared.attributes)
    return max(attributes, declared.method_offset + STEP * max(declared.methods)) if declared.methods else attributes


class Named(NamedTuple):
    """What a short name stands for: the descriptor of an attribute, or of a method."""

    descriptor: bytes
    is_method: bool


class ShortNames:
    """The short names of one association: its view of the objects, by their base names.

    Built once for each association of a device profile, as its view is. `object_list` and `access_rights_list` are the
    encoded attributes of Association SN; rights are those of the view.
    """

    def __init__(self, view: ObjectView, bases: BaseNames) -> None:
        self._named: dict[int, Named] = {}
        objects, rights = [], []
        for visible in view.objects:
            item = visible.object
            declared = item.interface_class
            if declared.methods and not declared.method_offset:
                raise ValueError(f"{declared.__name__} has methods, but no offset of their short names")
            base = bases[declared.class_id, item.logical_name]
            for index in item.attributes:
                self._add(base + STEP * (index - 1), item, index, is_method=False)
            for index in declared.methods:
                self._add(base + declared.method_offset + STEP * (index - 1), item, index, is_method=True)
            signed = base - 0x10000 if base >= 0x8000 else base
            objects.append((signed, declared.class_id, declared.version, item.logical_name))
            attributes = [
                (
                    index,
                    visible.attributes.get(index, AccessMode.NO_ACCESS).enumerated,
                    item.attributes[index].selectors,
                )
                for index in sorted(item.attributes)
            ]
            methods = [(index, int(index in visible.methods)) for index in sorted(declared.methods)]
            rights.append(SHORT_NAME_RIGHTS.encode((signed, attributes, methods)))
        object_list_type = AssociationSn.object_list.type
        assert object_list_type is not None
        self.object_list = object_list_type.encode(objects)
        self.access_rights_list = b"\x01" + encode_length(len(rights)) + b"".join(rights)

    def _add(self, name: int, item: CosemObject, index: int, *, is_method: bool) -> None:
        if name in self._named:
            raise ValueError(f"short name 0x{name:04X} stands for two things, one in {item.logical_name}")
        descriptor = Descriptor(item.interface_class.class_id, item.logical_name, index).to_bytes()
        self._named[name] = Named(descriptor, is_method)

    def find(self, name: int) -> Named:
        """What a name of 0..0xFFFF stands for; raises `ObjectUndefined`."""
        try:
            return self._named[name]
        except KeyError:
            raise ObjectUndefined(f"short name 0x{name:04X}") from None

    def name_of(self, descriptor: Descriptor, *, is_method: bool = False) -> int:
        """The short name of an attribute, or of a method; raises `ObjectUndefined`."""
        wanted = Named(descriptor.to_bytes(), is_method)
        for name, named in self._named.items():
            if named == wanted:
                return name
        raise ObjectUndefined(str(descriptor))
