"""Settings as a TOML file: by name, with what each is and may be in a comment; written and read without a meter.

All that is needed is the index that a meter gives (its number 0). The order is that of the index, numbers, texts and
lists before tables, as TOML wants it. What is null is left out, and so is legal data: a file is for other meters too.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from .setting import Plain

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_WIDTH: Final = 100
"""Longer lists have a line for each item."""


def save(values: Mapping[str, Plain], index: Sequence[Mapping[str, Any]]) -> str:
    """TOML text of these values by name; those that the index does not know, or calls legal, are left out."""
    known = [entry for entry in index if not entry["legal"] and values.get(entry["name"]) is not None]
    plain = [_entry(entry, values[entry["name"]]) for entry in known if not isinstance(values[entry["name"]], dict)]
    tables = [_section(entry, values[entry["name"]]) for entry in known if isinstance(values[entry["name"]], dict)]
    return "\n".join([*plain, *tables])


def load(text: str) -> dict[str, Plain]:
    """The values of a TOML text by name, dates as texts; raises `ValueError` naming line and column."""
    values: dict[str, Plain] = {name: _plain(value) for name, value in tomllib.loads(text).items()}
    return values


def toml_value(value: Plain) -> str:
    """A value as TOML has it behind an equals sign, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        items = ", ".join(f"{_key(key)} = {toml_value(one)}" for key, one in value.items())
        return f"{{ {items} }}" if items else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    return repr(value)


def _entry(entry: Mapping[str, Any], value: Plain) -> str:
    return f"{_comment(entry)}{_line(entry['name'], value)}"


def _section(entry: Mapping[str, Any], value: Mapping[str, Plain]) -> str:
    lines = "".join(_line(key, one) for key, one in value.items())
    return f"{_comment(entry)}[{_key(entry['name'])}]\n{lines}"


def _line(key: str, value: Plain) -> str:
    text = f"{_key(key)} = {toml_value(value)}\n"
    if len(text) > _WIDTH and isinstance(value, list):
        items = "".join(f"  {toml_value(one)},\n" for one in value)
        return f"{_key(key)} = [\n{items}]\n"
    return text


def _comment(entry: Mapping[str, Any]) -> str:
    return f"# {entry['description']} ({entry['allowed']})\n"


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else toml_value(key)


def _plain(value: Any) -> Plain:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date | datetime | time) else value
