"""Push lists of the customer's port as data: which elements in which order, and what of them a meter has.

A list is a structure: its identifier, then logical name and value of each element. Scalers are not sent. What a
variant of the meter does not measure is left out, so a meter of one phase and one quadrant has 15 elements where the
list has 35 (HAN-NVE interface description 2.9).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from pydantic import Field, model_validator

from cosem.data_types import (
    DATE_TIME_STRING,
    DOUBLE_LONG_UNSIGNED,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    VISIBLE_STRING,
    DataType,
)
from cosem.reader import encode_length
from metering import Flow, MeterConfiguration
from obis import Obis

from ..binding.push_values import push_value
from ..profile_tables import Table
from ..toml_file import load_toml, validate

HAN_LISTS: Final = Path(__file__).parents[1] / "profiles" / "push_lists" / "han.toml"

_TYPES: Final[dict[str, DataType]] = {
    "visible-string": VISIBLE_STRING,
    "double-long-unsigned": DOUBLE_LONG_UNSIGNED,
    "long-unsigned": LONG_UNSIGNED,
    "date-time": DATE_TIME_STRING,
}
_STRUCTURE: Final = b"\x02"


class Element(Table):
    """A value with its logical name, and the flow and phase that a meter must have for it."""

    id: str
    type: Literal["visible-string", "double-long-unsigned", "long-unsigned", "date-time"]
    source: str
    flow: Literal["A14", "A23", "R12", "R34"] | None = None
    phase: Literal[1, 2, 3] | None = None

    def is_had_by(self, order: MeterConfiguration) -> bool:
        """Whether a meter of this order measures it."""
        has_flow = self.flow is None or Flow[self.flow] in order.energy_type.flows
        return has_flow and (self.phase is None or self.phase - 1 in range(3)[order.phases])


class Stations(Table):
    """Whom a push goes to and from whom: client and server SAP."""

    client_sap: int = Field(ge=1, le=0x7E)
    server_sap: int = Field(ge=1, le=0x3FFE)


class HanList(Stations):
    """A list: `every_s` seconds, `offset_s` behind the whole, it is pushed; ciphered ones may have other stations."""

    description: str
    identifier: str
    every_s: int = Field(ge=1, le=86_400)
    offset_s: int = Field(default=0, ge=0, lt=86_400)
    ciphered: Stations | None = None
    elements: list[str]


class HanLists(Table):
    """The file."""

    elements: dict[str, Element]
    lists: dict[str, HanList]

    @model_validator(mode="after")
    def _known(self) -> HanLists:
        for name, item in self.lists.items():
            if unknown := [element for element in item.elements if element not in self.elements]:
                raise ValueError(f"lists.{name}: no element {unknown[0]!r}")
        return self


@cache
def han_lists(path: Path = HAN_LISTS) -> HanLists:
    """The lists of a file; raises `FileError`."""
    return validate(HanLists, load_toml(path), path)


class _Column(NamedTuple):
    """An element made ready: its logical name encoded, the type of its value, and where that comes from."""

    name: bytes
    type: DataType
    source: Callable[[Any], Any]


class BoundList:
    """A list as one meter pushes it. Raises `KeyError` where there is no such list."""

    def __init__(self, name: str, order: MeterConfiguration, lists: HanLists | None = None) -> None:
        known = han_lists() if lists is None else lists
        self.list = known.lists[name]
        fitted = [known.elements[key] for key in self.list.elements if known.elements[key].is_had_by(order)]
        self._columns = [
            _Column(LOGICAL_NAME.encode(Obis.parse(item.id)), _TYPES[item.type], push_value(item.source))
            for item in fitted
        ]
        count = encode_length(1 + 2 * len(fitted))
        self._head = _STRUCTURE + count + VISIBLE_STRING.encode(self.list.identifier)

    def values(self, context: Any) -> list[Any]:
        """The present values, in the order of the list."""
        return [column.source(context) for column in self._columns]

    def encode(self, values: Sequence[Any]) -> bytes:
        """The body of a notification that says these values."""
        parts = [self._head]
        for column, value in zip(self._columns, values, strict=True):
            parts += (column.name, column.type.encode(value))
        return b"".join(parts)

    def body(self, context: Any) -> bytes:
        """The body of a notification that says the present values."""
        return self.encode(self.values(context))
