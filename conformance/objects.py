"""What an association shows of itself, and its values as people understand them.

A value on the wire is a number without scale or an octet string without meaning. What it means says the
interface class (a date and time, a logical name), the scaler and the unit beside it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, NamedTuple

from cosem.data_types import DATE_TIME_STRING, LOGICAL_NAME, Array, DataType, Structure
from cosem.date_time import DateTime
from cosem.errors import DecodeError
from cosem.interface_classes import INTERFACE_CLASSES
from cosem.units import Unit
from obis import Obis, describe

VALUE: Final = 2
"""Attribute 2: in nearly every class the one that people mean by "the value"."""
SCALER_UNIT: Final = {3: 3, 4: 3, 5: 4}
"""Attribute with scaler and unit, by class: Register, Extended register, Demand register (Blue Book 4.3)."""
CAPTURE_TIME: Final = {4: 5, 5: 6}
"""Attribute with the time of the value, by class."""
SCALED: Final = {3: (2,), 4: (2,), 5: (2, 3)}
"""Attributes that scaler and unit belong to, by class."""

_ASSOCIATION_MODES: Final = frozenset({1, 3, 4, 6})
"""Access modes with the right to read, in object lists of versions 0 to 2: read-only, read-and-write, and the
same authenticated (Blue Book 4.4.4). From version 3 on, bit 0 says so."""
_BIT_MODES_FROM: Final = 3


class ObjectRow(NamedTuple):
    """One element of an object list: the object, and what this association may do with it."""

    class_id: int
    version: int
    logical_name: Obis
    attributes: dict[int, int]
    """Access mode by attribute."""
    selectors: dict[int, tuple[int, ...]]
    """Access selectors by attribute, where it has any."""
    methods: dict[int, int]
    """Access mode by method."""
    readable: frozenset[int]
    """Attributes that may be read."""


class Reading(NamedTuple):
    """A value with its scale applied, its unit, and where the class has one the time it was captured."""

    value: Any
    unit: str = ""
    capture_time: DateTime | None = None


class ProfileColumn(NamedTuple):
    """A column of a profile: the attribute it captures (`data_index` 0: all of it), and its unit."""

    class_id: int
    logical_name: Obis
    attribute: int
    data_index: int = 0
    unit: str = ""

    @property
    def heading(self) -> str:
        """What people call it."""
        name = describe(self.logical_name) or str(self.logical_name)
        own = _OWN_ATTRIBUTES.get(self.attribute) if self.class_id == _PROFILE_GENERIC else None
        if own is not None:
            return f"{name}, {own}"
        if self.attribute == CAPTURE_TIME.get(self.class_id):
            return f"{name}, time"
        index = f", part {self.data_index}" if self.data_index else ""
        return (name if self.attribute == VALUE else f"{name}, attribute {self.attribute}") + index


_PROFILE_GENERIC: Final = 7
_OWN_ATTRIBUTES: Final = {-1: "status", -2: "data quality"}
"""Attributes 255 and 254 that the 382's load profile captures of itself (382M DLMS description 3.4)."""


class Profile(NamedTuple):
    """Rows of a profile, oldest first, their values scaled."""

    columns: list[ProfileColumn]
    rows: list[tuple[Any, ...]]


def object_rows(object_list: Any) -> list[ObjectRow]:
    """The rows of a decoded `object_list` of any version; raises `DecodeError` where it has another shape."""
    rows = []
    try:
        version = next((element[1] for element in object_list if element[0] == 15), 0)
        for class_id, class_version, name, (attributes, methods) in object_list:
            modes = {index: int(mode) for index, mode, _ in attributes}
            readable = (index for index, mode in modes.items() if _is_readable(mode, version))
            row = ObjectRow(
                class_id,
                class_version,
                Obis(name),
                modes,
                {index: tuple(selectors) for index, _, selectors in attributes if selectors},
                {index: int(mode) for index, mode in methods},
                frozenset(readable),
            )
            rows.append(row)
    except (TypeError, ValueError, IndexError) as error:
        raise DecodeError(f"the object list has another shape than the standard's: {error}") from error
    return rows


def _is_readable(mode: int, version: int) -> bool:
    return bool(mode & 1) if version >= _BIT_MODES_FROM else mode in _ASSOCIATION_MODES


def understood(class_id: int, attribute: int, value: Any) -> Any:
    """A decoded value with the octet strings that its class declares made `DateTime` and `Obis`."""
    for (declared_id, _), declared in INTERFACE_CLASSES.items():
        if declared_id == class_id and attribute in declared.attributes:
            return _understood(declared.attributes[attribute].type, value)
    return value


def _understood(type_: DataType | None, value: Any) -> Any:
    if type_ is DATE_TIME_STRING and isinstance(value, bytes) and len(value) == 12:
        try:
            return DateTime.from_bytes(value)
        except DecodeError:
            return value
    if type_ is LOGICAL_NAME and isinstance(value, bytes) and len(value) == 6:
        return Obis(value)
    if isinstance(type_, Array) and isinstance(value, list):
        return [_understood(type_.element, item) for item in value]
    if isinstance(type_, Structure) and isinstance(value, tuple) and len(value) == len(type_.fields):
        return tuple(_understood(field, item) for field, item in zip(type_.fields, value, strict=True))
    return value


def scaled(value: Any, scaler: int) -> Any:
    """A number times ten to the power of the scaler, exactly; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or scaler == 0:
        return value
    return Decimal(repr(value)).scaleb(scaler)


def unit_symbol(code: int) -> str:
    """How people write the unit; a code that is not known by name is given as such."""
    try:
        return Unit(code).symbol
    except ValueError:
        return f"unit {code}"
