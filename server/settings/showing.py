"""What the display shows: three lists of keys of `metering/display/items.csv`."""

from __future__ import annotations

from typing import Final

from metering import Configured, Meter
from metering.inputs import Input, SetDisplayList

from .setting import Plain, Setting, of_engine, texts


def _list(number: Configured, name: str, description: str, allowed: str) -> Setting:
    def read(engine: Meter, now: int) -> Plain:
        return list(getattr(engine.display_layout, name))

    def plan(engine: Meter, now: int, value: Plain) -> Input:
        return SetDisplayList(name, texts(value))

    return of_engine(number, f"display_{name}", description, f"a list of keys of display items, {allowed}", read, plan)


DISPLAY: Final = (
    _list(
        Configured.DISPLAY_AUTOMATIC, "automatic", "Items that take turns on the display", "1 to 16, none historical"
    ),
    _list(
        Configured.DISPLAY_MANUAL, "manual", "Items that the push button steps through, after legal ones", "30 at most"
    ),
    _list(Configured.DISPLAY_BATTERY, "battery", "Items shown on the battery, without supply", "8 at most"),
)
"""The display lists; a display of B to E takes 40 items in the manual one."""
