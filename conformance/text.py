"""Values as text for people and as JSON for machines."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cosem.date_time import DateTime
from obis import Obis


def text_of(value: Any) -> str:
    """A value as people read it: octets as characters where all can be printed, else in hex."""
    if value is None:
        return ""
    if isinstance(value, (Obis, DateTime)):
        return str(value)
    if isinstance(value, bytes):
        return _octets(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (list, tuple)):
        inside = ", ".join(text_of(item) for item in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return str(value)


def json_of(value: Any) -> Any:
    """A value of JSON: numbers stay numbers, dates and octets become the text people read."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (list, tuple)) and not isinstance(value, DateTime):
        return [json_of(item) for item in value]
    return text_of(value)


def _octets(value: bytes) -> str:
    printable = all(0x20 <= octet < 0x7F for octet in value)
    return value.decode("ascii") if printable else value.hex()
