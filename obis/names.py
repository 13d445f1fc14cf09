"""Readable names of OBIS codes, for people who look at a list of them.

A name is found in `names.csv`, in this order:
1. `object` rows without wildcard: the 382's own names, as its documents write them (382M DLMS description,
   object lists). They belong to the value groups that a manufacturer may use as it likes.
2. Electricity (A = 1) whose C and D the standard defines (IEC 62056-6-1): `quantity` by C, in its `variant`
   where the `processing` by D makes an energy of it, then what E and F add.
3. `object` rows with wildcards: what the standard gives a fixed code for, in file order.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

from .obis_code import Obis

_ELECTRICITY: Final = 1
_INSTANTANEOUS: Final = (7, 24)
_TOTAL_HARMONIC_DISTORTION: Final = 124
_PRESENT: Final = 255
_LAST_TARIFF: Final = 63
_LAST_HARMONIC: Final = 120
_LAST_BILLING_PERIOD: Final = 99


class _Names(NamedTuple):
    """`names.csv`, by part."""

    quantities: dict[int, tuple[str, str]]
    processings: dict[int, tuple[str, bool]]
    storages: dict[int, str]
    objects: dict[bytes, str]
    patterns: list[tuple[tuple[int | None, ...], str]]


@lru_cache(maxsize=1)
def _names() -> _Names:
    names = _Names({}, {}, {}, {}, [])
    text = files(__package__).joinpath("names.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        part, code, name, variant = row["part"], row["code"], row["name"], row["variant"]
        if part == "quantity":
            names.quantities[int(code)] = name, variant
        elif part == "processing":
            names.processings[int(code)] = name, variant == "energy"
        elif part == "storage":
            names.storages[int(code)] = name
        elif "*" in code:
            groups = tuple(None if group == "*" else int(group) for group in code.split("."))
            names.patterns.append((groups, name))
        else:
            names.objects[Obis.parse(code)] = name
    return names


@lru_cache(maxsize=1024)
def describe(obis: Obis) -> str:
    """What a code stands for, `Active energy import (A+), tariff 2`; empty where nothing is known of it."""
    names = _names()
    name = names.objects.get(obis)
    if name is None and obis.a == _ELECTRICITY:
        name = _electricity(obis, names)
    if name is None:
        name = next((text for groups, text in names.patterns if _matches(obis, groups)), "")
    return name


def _matches(obis: Obis, groups: tuple[int | None, ...]) -> bool:
    return all(wanted is None or wanted == found for wanted, found in zip(groups, obis, strict=True))


def _electricity(obis: Obis, names: _Names) -> str | None:
    """The name by value groups, or `None` where C or D is not one of the standard's."""
    quantity, processing = names.quantities.get(obis.c), names.processings.get(obis.d)
    if quantity is None or processing is None:
        return None
    how, is_energy = processing
    if is_energy and not quantity[1]:
        return None
    parts = [quantity[1] if is_energy else quantity[0], how]
    parts.append(_classification(obis, is_energy and not how))
    if obis.f != _PRESENT:
        previous = f"billing period {obis.f}" if obis.f <= _LAST_BILLING_PERIOD else f"F = {obis.f}"
        parts.append(names.storages.get(obis.f, previous))
    return ", ".join(part for part in parts if part)


def _classification(obis: Obis, totalled: bool) -> str:
    """What E adds: a tariff, or a harmonic of instantaneous values."""
    if obis.e == 0:
        return "total" if totalled else ""
    if obis.d in _INSTANTANEOUS:
        if obis.e == _TOTAL_HARMONIC_DISTORTION:
            return "total harmonic distortion"
        return f"harmonic {obis.e}" if obis.e <= _LAST_HARMONIC else f"E = {obis.e}"
    return f"tariff {obis.e}" if obis.e <= _LAST_TARIFF else f"E = {obis.e}"
