"""The display of a generation: its fields, how numbers are written, and the three lists.

`layouts.toml` has one for each generation, with lists as a meter may leave the factory; the lists proper are those of
display list number FFF, which the manufacturer keeps to himself. The rules of the data sheets are checked when a layout
is built: at most 16 items in the automatic list and none of them historical, 30 in the manual one (40 in B, C, D and
E), 8 in the one on battery.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from ..configuration import MeterConfiguration
from .items import DisplayItem, Flag, display_items

_FILE: Final = Path(__file__).parent / "layouts.toml"
AUTOMATIC_ITEMS: Final = 16
BATTERY_ITEMS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayLayout:
    """One display. Raises `ValueError` naming the list, the item and the rule."""

    name: str
    digits: int
    """Digits of the value field."""
    trip_decimals: int | None = None
    """Of the trip counters, where they have more than the energies."""
    leading_zeros: bool = True
    identification: bool = True
    """Whether there is an identification field."""
    text: bool = False
    """Whether there is a text field."""
    quadrant: bool = True
    """Whether there is a quadrant indicator."""
    error: tuple[Literal["internal", "magnet", "cover"], ...] = ()
    """What lights the status symbol."""
    cover: bool = False
    """Whether an open cover has a symbol of its own."""
    blinking: bool = True
    """Whether a phase with voltage and without current blinks; else it is lit."""
    phase_currents: bool = False
    breaker: bool = False
    """Whether there are symbols of breaker and prepayment."""
    phase_squares: bool = False
    start_up: bool = True
    """Whether ROM checksum and software number are shown at power-up."""
    manual_items: int = 30
    """How many the manual list may have."""
    automatic: tuple[str, ...]
    manual: tuple[str, ...]
    battery: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the lists."""
        known = display_items()
        for title, keys, most in (
            ("automatic", self.automatic, AUTOMATIC_ITEMS),
            ("manual", self.manual, self.manual_items),
            ("battery", self.battery, BATTERY_ITEMS),
        ):
            if len(keys) > most:
                raise ValueError(f"{title} list of display {self.name} has {len(keys)} items; allowed: up to {most}")
            for key in keys:
                if key not in known:
                    raise ValueError(f"{title} list of display {self.name}: no item {key!r}; see items.csv")
        if not self.automatic:
            raise ValueError(f"automatic list of display {self.name} is empty; allowed: 1 to {AUTOMATIC_ITEMS} items")
        for key in self.automatic:
            if known[key].flag is Flag.HISTORICAL:
                raise ValueError(
                    f"automatic list of display {self.name}: {key!r} is historical; allowed: present values"
                )

    def items(self, keys: tuple[str, ...], configuration: MeterConfiguration) -> list[DisplayItem]:
        """The items of a list that a meter ordered like this has, in order."""
        known = display_items()
        return [known[key] for key in keys if known[key].fits(configuration)]

    def manual_list(self, configuration: MeterConfiguration) -> list[DisplayItem]:
        """The manual list of such a meter. Legal readings that it leaves out stand first: nobody can deselect them."""
        items = self.items(self.manual, configuration)
        shown = {item.source for item in items}
        legal = [
            item
            for item in display_items().values()
            if item.flag is Flag.LEGAL
            and bool(item.obis) is self.identification
            and item.source not in shown
            and item.fits(configuration)
        ]
        return [*legal, *items]


@cache
def display_layouts() -> Mapping[str, DisplayLayout]:
    """The layouts that ship with the package, by generation."""
    values = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return MappingProxyType({name: _layout(name, table) for name, table in values.items()})


def _layout(name: str, table: Mapping[str, Any]) -> DisplayLayout:
    plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    return DisplayLayout(name=name, **plain)


def layout_of(configuration: MeterConfiguration) -> DisplayLayout:
    """The display of a meter ordered like this; raises `ValueError` where its lists are against the rules."""
    layout = display_layouts()[configuration.display]
    lists: dict[str, Any] = dict(configuration.display_lists)
    return replace(layout, **lists) if lists else layout
