"""Settings as people give them: `NAME=VALUE`, or a TOML file; and the meter's index, which says what there is."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..settings.toml_form import load
from ..toml_file import line_of, load_toml


class Entry(NamedTuple):
    """One setting, as the meter's index describes it."""

    number: int
    name: str
    description: str
    legal: bool
    allowed: str


def read_index(octets: bytes) -> dict[str, Entry]:
    """The settings by name; raises `ValueError` where this is no index."""
    try:
        entries = [Entry(**item) for item in json.loads(octets)]
    except (TypeError, ValueError) as error:
        raise ValueError(f"no index of settings: {error}") from None
    return {entry.name: entry for entry in entries}


def assignments(items: Sequence[str]) -> dict[str, Any]:
    """The values of `NAME=VALUE`: TOML where it is (`15`, `true`, `["1.8.0"]`), else text; raises `ValueError`."""
    values: dict[str, Any] = {}
    faults = []
    for item in items:
        name, equals, text = item.partition("=")
        name = name.strip()
        if not equals or not name:
            faults.append(f"{item!r} is no NAME=VALUE")
        elif name in values:
            faults.append(f"{name} is given twice")
        else:
            values[name] = _value(text.strip())
    if faults:
        raise ValueError("\n".join(faults))
    return values


def _value(text: str) -> Any:
    try:
        document = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return document["value"] if len(document) == 1 else text


def file_values(path: Path) -> dict[str, Any]:
    """The values of a TOML file, in its order; raises `FileError`."""
    load_toml(path)  # its faults name file and line
    return load(path.read_text(encoding="utf-8"))


def unknown_names(values: Mapping[str, Any], index: Mapping[str, Entry], path: Path | None) -> list[str]:
    """A line for each name that the meter has no setting of, with file and line where there is a file."""
    faults = []
    for name in values:
        if name not in index:
            place = f"{_where(path, name)}: " if path is not None else ""
            faults.append(f"{place}{name}: no setting of this meter (`show` lists them)")
    return faults


def _where(path: Path, name: str) -> str:
    line = line_of(path.read_text(encoding="utf-8").splitlines(), [name])
    return f"{path}:{line}" if line else str(path)
