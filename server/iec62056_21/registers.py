"""The registers that R1 and R5 read, by reduced identification: the values of an object list, C.D.E or C.D.E*F.

A generation with DLMS has its objects here; one without names an object list in its device profile. Value groups A
and B are never written, F where it is not 255 (IEC 1107 description 5.1).
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from cosem.data_types import decode_all
from cosem.interface_class import BoundAttribute, CosemObject
from cosem.interface_classes import Clock, Data, ExtendedRegister, ProfileGeneric, Register
from metering import EnergyType
from obis import Obis

from ..binding import Context, ObjectModel
from ..binding.objects import build_object
from ..binding.row_loggers import configuration_object
from ..device_profile import PROFILES
from ..object_list import read_objects

_VALUE: Final = 2
_READ: Final = (Data, Register, ExtendedRegister, Clock)
_NOT_HERE: Final = ("association", "hdlc_setup", "sap_assignment")
"""Sources that only a DLMS client asks for."""


class Registers:
    """What a device profile lets be read, shared by all its meters."""

    def __init__(self, objects: list[CosemObject]) -> None:
        self.objects: dict[str, CosemObject] = {}
        self.loggers: dict[str, CosemObject] = {}
        for item in objects:
            if item.interface_class is ProfileGeneric:
                self.loggers[identification(item.logical_name)] = item
            elif item.interface_class in _READ and item.attributes[_VALUE].read is not None:
                self.objects[identification(item.logical_name)] = item


def identification(code: Obis) -> str:
    """The reduced identification code of a register."""
    return code.short if code.f == 255 else f"{code.short}*{code.f}"


def registers_of(model: ObjectModel) -> Registers:
    """The registers of a model's profile; built once."""
    name = model.profile.iec62056_21.registers
    return _of_model(model) if model.objects else _of_list(name, model.profile.energy_type)


@cache
def _of_model(model: ObjectModel) -> Registers:
    return Registers(model.objects)


@cache
def _of_list(name: str, energy_type: EnergyType) -> Registers:
    rows = [row for row in read_objects(PROFILES / name) if row.source not in _NOT_HERE] if name else []
    objects = [build_object(row, energy_type, {}) for row in rows]
    return Registers([*objects, configuration_object()] if objects else [])


def value(context: Context, bound: BoundAttribute) -> Any:
    """The present value of an attribute that can be read."""
    assert bound.read is not None
    encoded = bound.read(context)
    assert isinstance(encoded, bytes)  # buffers are read by rows
    return decode_all(bound.type, encoded)
