"""The display of a 382: three lists of readings, a button, and symbols around them; a function of state and time."""

from .items import DisplayItem, Flag, display_items
from .layout import DisplayLayout, display_layouts, layout_of
from .lists import DisplayLists
from .screen import Shown, display, shown
from .segments import BreakerSymbol, Segments
from .sequence import DisplayList, Place
from .sources import Markings

__all__ = [
    "BreakerSymbol",
    "DisplayItem",
    "DisplayLayout",
    "DisplayList",
    "DisplayLists",
    "Flag",
    "Markings",
    "Place",
    "Segments",
    "Shown",
    "display",
    "display_items",
    "display_layouts",
    "layout_of",
    "shown",
]
