"""Reading what people ask for: everything a meter shows, or the codes they name.

One thing that cannot be read does not stop the rest: it becomes a `Result` with an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from cosem.client import AccessFailed
from obis import Obis, describe

from .client import PROFILE_GENERIC, MeterClient
from .errors import ProtocolFault
from .objects import VALUE, ObjectRow, Profile, Reading

_ENTRIES_IN_USE: Final = 7
_WANTED: Final = re.compile(r"(?P<code>.*?)(?::(?P<attribute>-?\d+))?")
_WITHOUT_CHANNEL: Final = re.compile(r"[\d.]+(?:[*&]\d+)?")
ROWS: Final = "rows"
"""Unit of a profile that is counted, not shown."""
_COUNTED: Final = {PROFILE_GENERIC: (_ENTRIES_IN_USE, ROWS), 15: (VALUE, "objects")}
"""Classes whose value is a list too long to show: attribute to read, and what it is a number of."""


class Wanted(NamedTuple):
    """One code as asked for: `1.8.0`, `1.1.1.8.0.255` or `1.8.0:3` with an attribute."""

    logical_name: Obis
    attribute: int | None = None
    is_short: bool = False
    """Medium and channel were not given: where there is no 1-1, another object of the same C.D.E will do."""

    @classmethod
    def parse(cls, text: str) -> Wanted:
        """Read one; raises `ValueError`."""
        match = _WANTED.fullmatch(text.strip())
        assert match is not None  # the code may be any text
        code, attribute = match["code"], match["attribute"]
        if attribute is not None and not -128 <= int(attribute) <= 127:
            raise ValueError(f"{text!r}: an attribute is -128 to 127")
        is_short = _WITHOUT_CHANNEL.fullmatch(code) is not None and code.count(".") < 5
        return cls(Obis.parse(code), None if attribute is None else int(attribute), is_short)


class Selection(NamedTuple):
    """Which rows of profiles are wanted; all where nothing is said."""

    begin: datetime | None = None
    end: datetime | None = None
    last: int | None = None


class Result(NamedTuple):
    """What came of one attribute: a `reading`, the rows of a `profile`, or an `error`."""

    logical_name: Obis
    class_id: int | None = None
    attribute: int = VALUE
    reading: Reading | None = None
    profile: Profile | None = None
    error: str = ""

    @property
    def name(self) -> str:
        """The readable name of the code."""
        return describe(self.logical_name)


def read_all(client: MeterClient) -> Iterator[Result]:
    """Every object of the association that shows a value; of profiles the number of rows."""
    for row in client.object_list():
        attribute, _ = _COUNTED.get(row.class_id, (VALUE, ""))
        if attribute in row.readable:
            yield _attempt(client, row, attribute, None)


def read_wanted(client: MeterClient, wanted: Sequence[Wanted], selection: Selection) -> Iterator[Result]:
    """What is asked for, in that order; profiles with their rows."""
    for item in wanted:
        row = _find(client, item)
        if row is None:
            error = f"{item.logical_name}: not in the object list of this association"
            yield Result(item.logical_name, attribute=item.attribute or VALUE, error=error)
        else:
            yield _attempt(client, row, VALUE if item.attribute is None else item.attribute, selection)


def _find(client: MeterClient, wanted: Wanted) -> ObjectRow | None:
    row = client.find(wanted.logical_name)
    if row is None and wanted.is_short:
        same = [item for item in client.object_list() if item.logical_name[2:] == wanted.logical_name[2:]]
        if len(same) == 1:
            return same[0]
    return row


def _attempt(client: MeterClient, row: ObjectRow, attribute: int, selection: Selection | None) -> Result:
    """Read one attribute. Without a selection, what is too long to show is counted."""
    result = Result(row.logical_name, row.class_id, attribute)
    try:
        if selection is None and row.class_id in _COUNTED:
            reading = client.read_scaled(row, attribute)
            return result._replace(reading=Reading(_count(reading.value), _COUNTED[row.class_id][1]))
        if selection is not None and row.class_id == PROFILE_GENERIC and attribute == VALUE:
            return result._replace(profile=client.read_profile(row.logical_name, *selection))
        return result._replace(reading=client.read_scaled(row, attribute))
    except (AccessFailed, ProtocolFault) as error:
        text = str(error)
        return result._replace(error=text if str(row.logical_name) in text else f"{row.logical_name}: {text}")


def _count(value: Any) -> Any:
    return len(value) if isinstance(value, list) else value
