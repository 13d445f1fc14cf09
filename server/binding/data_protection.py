"""The Data protection object of a secured meter: what clients set of it lies in permanent memory."""

from __future__ import annotations

from typing import Any

from cosem.data_protection import Binding, DataProtection, data_protection_object
from cosem.interface_class import Attribute, CosemObject
from obis import Obis

from .memory import MemoryCell


def data_protection(logical_name: Obis, name: str) -> CosemObject:
    """An object without objects and protections, that requires nothing."""

    def bound(attribute: Attribute, default: Any) -> Binding:
        assert attribute.type is not None
        cell = MemoryCell(DataProtection.class_id, logical_name, attribute, attribute.type, default)
        return Binding(lambda context: cell.value(context.meter), cell.write)

    return data_protection_object(
        logical_name,
        bound(DataProtection.protection_object_list, []),
        bound(DataProtection.protection_parameters_get, []),
        bound(DataProtection.protection_parameters_set, []),
        bound(DataProtection.required_protection, 0),
        name,
    )
