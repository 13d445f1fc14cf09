"""Which item is shown, as a function of when the meter went on or off, the presses of the button, and now.

Nothing ticks. At power-up the ROM checksum is shown for 5 s, then software number and revision for 5 s, then the
automatic list, an item every 10 s. A short press (its release counts) leads to the first item of the manual list, the
next ones on from item to item; 2 min after the last press the automatic list begins again. A press of 6 s and more does
what the item says and stays on it. Without supply the display is dark until a press shows the list on battery, in the
same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

from ..enclosure import LONG_PRESS_S, PRESSES_END_S, Press

CHECKSUM_S: Final = 5
START_UP_S: Final = 10
STEP_S: Final = 10
RETURN_S: Final = PRESSES_END_S


class DisplayList(Enum):
    """What the display is going through."""

    CHECKSUM = "checksum"
    SOFTWARE = "software"
    AUTOMATIC = "automatic"
    MANUAL = "manual"
    BATTERY = "battery"
    DARK = "dark"


class Place(NamedTuple):
    """An item of a list, and since when it is shown."""

    list: DisplayList
    number: int
    since: int


class Lengths(NamedTuple):
    """How many items the lists of a meter have; whether there is a start-up."""

    automatic: int
    manual: int
    battery: int
    start_up: bool


def place(now: int, powered: bool, since: int, presses: Sequence[Press], lengths: Lengths) -> Place:
    """Where the display is; `since` is when the meter last went on (or off, if it is not `powered`)."""
    begin = since + (START_UP_S if powered and lengths.start_up else 0)
    if now < begin:
        if now < since + CHECKSUM_S:
            return Place(DisplayList.CHECKSUM, 0, since)
        return Place(DisplayList.SOFTWARE, 0, since + CHECKSUM_S)
    by_button = DisplayList.MANUAL if powered else DisplayList.BATTERY
    items = lengths.manual if powered else lengths.battery
    idle_since, last, shown = begin, begin, None
    for press in presses:
        if not begin <= press.at <= now or not items:
            continue
        if shown is not None and press.at - last >= RETURN_S:
            idle_since, shown = last + RETURN_S, None
        if press.length_s < LONG_PRESS_S:
            shown = Place(by_button, 0 if shown is None else (shown.number + 1) % items, press.at)
        if shown is not None:
            last = press.at
    if shown is not None:
        if now - last < RETURN_S:
            return shown
        idle_since = last + RETURN_S
    if not powered:
        return Place(DisplayList.DARK, 0, idle_since)
    steps = (now - idle_since) // STEP_S
    return Place(DisplayList.AUTOMATIC, steps % lengths.automatic, idle_since + steps * STEP_S)
