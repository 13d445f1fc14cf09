"""Reading TOML into a model, with errors that a person can act on: file, line, key, what is allowed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


class FileError(ValueError):
    """Something in a file is wrong: one line of text a fault, each naming file, line and key."""


def load_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file; raises `FileError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: not UTF-8 at octet {error.start}") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        text_of = str(error).replace("at end of document", f"at line {len(text.splitlines())}, the end of the file")
        raise FileError(f"{path}: {text_of}") from None


def validate(model: type[Model], values: dict[str, Any], path: Path) -> Model:
    """Check values read from `path`; raises `FileError` with a line for each fault, in the order of the file."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        faults: list[tuple[int, str]] = []
        for fault in error.errors():
            location, message = _place(fault)
            line = line_of(lines, location)
            where = f"{path}:{line}" if line else str(path)
            key = ".".join(str(part) for part in location) or "file"
            faults.append((line or 0, f"{where}: {key}: {message}"))
        raise FileError("\n".join(text for _, text in sorted(faults, key=lambda fault: fault[0]))) from None


_SECRET: Final = (("token",), ("password",))
"""Keys whose values no fault quotes."""


def _place(fault: Any) -> tuple[list[str | int], str]:
    """The key path of a fault, and its text. A check of the whole file begins its text with the key it means."""
    location = [part for part in fault["loc"] if not isinstance(part, str) or not part.startswith("function-")]
    message = _say(fault)
    if not location and (named := re.match(r"([a-z_]+(?:\.\w+)*): ", message)):
        location = [int(part) if part.isdigit() else part for part in named[1].split(".")]
        message = message[named.end() :]
    return location, message


def _say(fault: Any) -> str:
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        return "unknown key"
    if fault["type"] == "missing":
        return "missing"
    given = fault.get("input")
    if fault["loc"][-1:] in _SECRET:
        return str(message)
    return f"{message} (found {given!r})" if not isinstance(given, dict | list) else str(message)


def line_of(lines: list[str], location: list[str | int]) -> int | None:
    """The 1-based line of a key path in TOML text, as near as tables and keys tell; None where it is not found."""
    tables = [str(part) for part in location if isinstance(part, str)]
    if not tables:
        return None
    indexes = [part for part in location if isinstance(part, int)]
    key = tables[-1]
    prefix: list[str] = []
    seen: dict[str, int] = {}
    best: int | None = None
    for number, line in enumerate(lines, start=1):
        if header := re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]", line):
            name = header[1]
            prefix = [part.strip().strip("\"'") for part in name.split(".")]
            if line.lstrip().startswith("[["):
                seen[name] = seen.get(name, -1) + 1
            if prefix == tables[: len(prefix)] and (not indexes or seen.get(name, 0) == indexes[0]):
                best = number
        elif assignment := re.match(r"\s*([A-Za-z0-9_\-\"'.+]+)\s*=", line):
            path = [*prefix, *(part.strip("\"'") for part in assignment[1].split("."))]
            matches = path == tables or (path == tables[: len(path)] and key in line)
            if matches and (not indexes or seen.get(".".join(prefix), indexes[0]) == indexes[0]):
                return number
    return best
