"""Registers for the API: any readable attribute of the meter's COSEM objects, by OBIS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from cosem.interface_class import BoundAttribute, CosemObject
from cosem.interface_classes import ExtendedRegister, ProfileGeneric
from obis import Obis

from .run_site import Behind, NotThere
from .values import VALUE, context_of, decoded, json_of, name_of, scaler_unit


class Reading(BaseModel):
    """An attribute of an object: its value with the scale applied, its unit, and when it was captured."""

    obis: str
    name: str
    class_id: int
    attribute: int
    value: Any
    unit: str = ""
    captured: str | None = None


def readings(behind: Behind) -> Iterator[Reading]:
    """The value of every object that has one."""
    for item in behind.model.objects:
        bound = item.attributes.get(VALUE)
        if bound is not None and _is_readable(bound):
            yield _reading(behind, item, bound)


def reading(behind: Behind, logical_name: Obis, attribute: int) -> Reading:
    """One attribute; raises `NotThere` with what there is instead."""
    found = [item for item in behind.model.objects if item.logical_name == logical_name]
    if not found:
        raise NotThere(f"this meter has no object {logical_name}")
    for item in found:
        bound = item.attributes.get(attribute)
        if bound is not None and _is_readable(bound):
            return _reading(behind, item, bound)
    there = sorted(index for item in found for index, bound in item.attributes.items() if _is_readable(bound))
    raise NotThere(f"attribute {attribute} of {logical_name} cannot be read; there are {', '.join(map(str, there))}")


def _is_readable(bound: BoundAttribute) -> bool:
    """Rows of loggers are read page by page, elsewhere."""
    return bound.read is not None and bound.attribute is not ProfileGeneric.buffer


def _reading(behind: Behind, item: CosemObject, bound: BoundAttribute) -> Reading:
    context, engine = context_of(behind), behind.meter.engine
    scaler, unit = scaler_unit(context, item) if bound.attribute.index == VALUE else (0, "")
    captured = None
    if bound.attribute is ExtendedRegister.value:
        captured = json_of(engine, decoded(context, item.attributes[ExtendedRegister.capture_time.index]))
    return Reading(
        obis=str(item.logical_name),
        name=name_of(item.logical_name, item.name),
        class_id=item.interface_class.class_id,
        attribute=bound.attribute.index,
        value=json_of(engine, decoded(context, bound), scaler),
        unit=unit,
        captured=captured,
    )
