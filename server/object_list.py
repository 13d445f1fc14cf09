"""The object list of a device profile: a CSV file with a row for each COSEM object."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import NamedTuple

from cosem.units import Unit
from obis import Obis

from .toml_file import FileError


class ObjectRow(NamedTuple):
    """One object of the list. `access` is that of the value: R, W, RW, R(W), - or RW4 (capture period only)."""

    class_id: int
    version: int
    name: str
    logical_name: Obis
    type: str
    scaler: int
    unit: Unit
    access: str
    public: bool
    source: str
    default: str


_ACCESS = re.compile(r"R|W|RW|R\(W\)|RW4|-")
_UNITS = {unit.symbol: unit for unit in Unit}


def read_objects(path: Path) -> list[ObjectRow]:
    """The objects in a file; raises `FileError` naming file, line and column."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None
    rows = []
    for number, record in enumerate(csv.DictReader(text.splitlines()), start=2):
        try:
            rows.append(_object_row(record))
        except (KeyError, ValueError) as error:
            raise FileError(f"{path}:{number}: {error}") from None
    return rows


def _object_row(record: dict[str, str]) -> ObjectRow:
    access = record["access"]
    if not _ACCESS.fullmatch(access):
        raise ValueError(f"access {access!r} (allowed: R, W, RW, R(W), RW4, -)")
    unit = record["unit"]
    if unit and unit not in _UNITS:
        raise ValueError(f"unit {unit!r} (allowed: {', '.join(sorted(filter(None, _UNITS)))})")
    return ObjectRow(
        class_id=int(record["class_id"]),
        version=int(record["version"]),
        name=record["name"],
        logical_name=Obis.parse(record["logical_name"]),
        type=record["type"],
        scaler=int(record["scaler"] or 0),
        unit=_UNITS[unit] if unit else Unit.COUNT,
        access=access,
        public=record["public"] == "1",
        source=record["source"],
        default=record["default"],
    )
