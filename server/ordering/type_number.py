"""Type numbers: 685-… (classic) and 684-… (B to E, J to M); what a number says drives the meter.

`TypeNumber.parse("684-38BC450000")` takes a number as printed or as a meter sends it: with or without hyphens,
with or without `684`, with or without the country. Generation N (OMNIPOWER) is decoded as far as its
layout is known; no device profile stands for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from .codes import CodeField, Decoded, Facts, OrderError, load_tables

EnergyTypeCode = Literal["A+", "A+A-", "A+R+", "A+R1", "A+A-R+R-"]


class TypeFacts(BaseModel):
    """What a type number orders. Currents in A; None where the number does not say."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    generation: str
    connection: Literal["1-phase", "2-phase", "3-phase", "aron"] = "3-phase"
    basic_current_a: int | None = None
    maximum_current_a: int | None = None
    terminals_mm2: int | None = None
    accuracy_class: Literal["A", "B", "1", "2"]
    energy_type: EnergyTypeCode | None = None
    rtc: Literal["battery", "supercap"] | None = None
    radio: Literal["S", "K"] | None = None
    breaker: bool = False
    tariffs: int | None = None
    tariff_mode: Literal["module", "ripple"] | None = None
    tariff_module: Literal[2, 4] | None = None
    country: str | None = None


class _Format(BaseModel):
    """One layout of type numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    prefix: str
    country: str
    first: tuple[str, ...] = ()
    facts: Facts = {}
    fields: tuple[CodeField, ...]

    @property
    def lengths(self) -> tuple[int, int]:
        """Characters behind the prefix, with and without the country."""
        widths = {field.key: field.characters() for field in self.fields}
        return sum(widths.values()), sum(widths.values()) - widths[self.country]


@dataclass(frozen=True)
class TypeNumber:
    """A valid type number: its fields as printed, and the facts they order."""

    prefix: str
    fields: tuple[Decoded, ...]
    facts: TypeFacts
    country_key: str
    groups: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> TypeNumber:
        """Decode a type number. Raises `OrderError` naming field, position and allowed codes, else `ValueError`."""
        return _parse(text)

    @property
    def complete(self) -> str:
        """All characters without hyphens, as registers hold it: `68438BC450000`."""
        return self.prefix + "".join(field.code for field in self.fields)

    @property
    def without_country(self) -> str:
        """Without the country, as the 382M signs on."""
        return self.prefix + "".join(field.code for field in self.fields if field.key != self.country_key)

    @property
    def printed(self) -> str:
        """As the label shows it: `684-38BC450000`, `685-382-OK-10`."""
        text = self.prefix + "-"
        for field in self.fields:
            text += f"-{field.code}" if field.key in self.groups else field.code
        return text

    def __str__(self) -> str:
        """As printed."""
        return self.printed


@cache
def _formats() -> tuple[_Format, ...]:
    return tuple(_Format.model_validate(item) for item in load_tables("type_numbers.toml")["formats"])


_SEPARATORS: Final = re.compile(r"[-\s]")


@cache
def _parse(text: str) -> TypeNumber:
    characters = _SEPARATORS.sub("", text).upper()
    what = f"type number {text!r}"
    if not re.fullmatch(r"[0-9A-Z]+", characters):
        raise ValueError(f"{what}: only digits, capital letters and hyphens stand in one")
    whole = characters if characters.startswith("6") else "684" + characters
    for format_ in _formats():
        body = whole.removeprefix(format_.prefix)
        if body != whole and len(body) in format_.lengths:
            return _decode(what, format_, body)
    raise ValueError(
        f"{what} is none: 685- and 7 characters (685-382-OK-10), 684- and 10 (684-38BC450000) "
        "or generation N's 684 and 15; the country may be left out"
    )


def _decode(what: str, format_: _Format, body: str) -> TypeNumber:
    places: dict[str, tuple[CodeField, str, str]] = {}
    start = 0
    for field in format_.fields:
        end = start + field.characters()
        if found := body[start:end]:
            places[field.key] = field, _position(field, format_, start, end), found
        start = end
    facts: Facts = dict(format_.facts)
    decoded: dict[str, Decoded] = {}
    for key in [*format_.first, *(key for key in places if key not in format_.first)]:
        field, position, found = places[key]
        decoded[key] = field.decode(what, position, found, facts)
        facts |= decoded[key].facts
    return TypeNumber(
        prefix=format_.prefix,
        fields=tuple(decoded[key] for key in places),
        facts=TypeFacts.model_validate(facts),
        country_key=format_.country,
        groups=frozenset(field.key for field in format_.fields if field.group),
    )


def _position(field: CodeField, format_: _Format, start: int, end: int) -> str:
    """`X3, character 6`: by the data sheet's name, and counted in the number without hyphens."""
    first, last = len(format_.prefix) + start + 1, len(format_.prefix) + end
    characters = f"character {first}" if first == last else f"characters {first} to {last}"
    return f"{field.position}, {characters}" if field.position.startswith("X") else characters


__all__ = ["OrderError", "TypeFacts", "TypeNumber"]
