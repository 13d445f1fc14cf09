"""Configuration numbers 1 to 5: `A-B-CCC-DD-E`, `FFF-GG-HH-I`, `JJ-K-LL-M-NN`, `OOO-PPP-QQ`, `RRR`.

The meter's registers hold them literally, read as decimal numbers: 21000002 is 2-1-000-00-2, 1000 is
00-0-01-0-00. `ConfigurationNumbers.parse` takes them that way, or as printed, and knows which codes a meter of this
type number may have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from .codes import CodeField, Decoded, Facts, OrderError, load_tables
from .type_number import TypeNumber

NUMBERS: Final = 5


class ConfigurationFacts(BaseModel):
    """What configuration numbers order. Texts are numbers of the manufacturer's own tables."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    display_decimals: Literal["7.0", "6.1", "7.2", "6.3"]
    led_lit_idle: bool
    module_communicates: bool = False
    tariff_module: Literal[2, 4] | None = None
    io: str
    integration_period_s: Literal[300, 900, 1800, 3600]
    display: str
    billing_day: int = 1
    billing_interval_months: Literal[0, 1, 2, 3, 6, 12]
    billing_start_month: int = 1
    pulse_length_ms: Literal[30, 80]
    peak_tariff: Literal[0, 1, 2]
    gmt_offset_s: int
    pulse_input_unit: Literal["", "kWh", "m3", "l"]
    tariff_tables: str
    dst: bool


class _Layout(BaseModel):
    """One number: how it is printed, and its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    layout: str
    fields: tuple[CodeField, ...]

    @property
    def letters(self) -> tuple[str, ...]:
        """`A`, `B`, `CCC` …"""
        return tuple(self.layout.split("-"))

    @property
    def digits(self) -> int:
        """How many digits it has."""
        return len(self.layout.replace("-", ""))


@dataclass(frozen=True)
class ConfigurationNumbers:
    """Five valid numbers: the fields of each, and the facts they order."""

    fields: tuple[tuple[Decoded, ...], ...]
    facts: ConfigurationFacts

    @classmethod
    def parse(cls, numbers: Sequence[int | str], type_number: TypeNumber | None = None) -> ConfigurationNumbers:
        """Decode five numbers, of a meter of this type. Raises `OrderError`, or `ValueError` where one is no number."""
        if len(numbers) != NUMBERS:
            raise ValueError(f"configuration numbers: {NUMBERS} are needed, {len(numbers)} are there")
        facts: Facts = {}
        if type_number is not None:
            facts = {name: getattr(type_number.facts, name) for name in ("generation", "radio")}
        fields = []
        for index, (layout, number) in enumerate(zip(_layouts(), numbers, strict=True), start=1):
            fields.append(_decode(index, layout, number, facts))
        ordered: Facts = {}
        for item in (item for number in fields for item in number):
            # No target day or no interval, either is control from outside.
            if item.key != "interval" or ordered.get("billing_interval_months") != 0:
                ordered |= item.facts
        return cls(tuple(fields), ConfigurationFacts.model_validate(ordered))

    @property
    def numbers(self) -> tuple[int, int, int, int, int]:
        """As the registers hold them."""
        one, two, three, four, five = (int("".join(item.code for item in number)) for number in self.fields)
        return one, two, three, four, five

    @property
    def printed(self) -> tuple[str, ...]:
        """As the label shows them."""
        return tuple("-".join(item.code for item in number) for number in self.fields)

    @property
    def module(self) -> Decoded:
        """Field CCC: the module fitted."""
        return next(item for item in self.fields[0] if item.key == "module")


@cache
def _layouts() -> tuple[_Layout, ...]:
    return tuple(_Layout.model_validate(item) for item in load_tables("configuration_numbers.toml")["numbers"])


def _decode(index: int, layout: _Layout, number: int | str, facts: Facts) -> tuple[Decoded, ...]:
    what = f"configuration number {index} ({layout.layout})"
    text = str(number).strip()
    if "-" in text and [len(part) for part in text.split("-")] != [len(letters) for letters in layout.letters]:
        raise ValueError(f"{what}: {text!r} has not this layout")
    digits = text.replace("-", "")
    if not re.fullmatch(r"[0-9]+", digits) or len(digits) > layout.digits:
        raise ValueError(f"{what}: {text!r} is not up to {layout.digits} digits")
    digits = digits.zfill(layout.digits)
    decoded = []
    start = 0
    for letters, field in zip(layout.letters, layout.fields, strict=True):
        end = start + len(letters)
        where = f"digit {end}" if end == start + 1 else f"digits {start + 1} to {end}"
        decoded.append(field.decode(what, f"{letters}, {where}", digits[start:end], facts))
        start = end
    return tuple(decoded)


__all__ = ["ConfigurationFacts", "ConfigurationNumbers", "OrderError"]
