"""The lists of one meter's display, as ordered and as configured since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..configuration import MeterConfiguration
from .layout import layout_of


class DisplayLists:
    """A part of the meter's state: its layout with the present lists."""

    def __init__(self, configuration: MeterConfiguration) -> None:
        self.layout = layout_of(configuration)

    def configure(self, name: str, items: Sequence[str]) -> None:
        """Replace the list of this name; raises `ValueError`, nothing changed, where that is against the rules."""
        changes: dict[str, Any] = {name: tuple(items)}
        self.layout = replace(self.layout, **changes)

    def state(self) -> dict[str, Any]:
        """The lists as plain values."""
        layout = self.layout
        return {"automatic": layout.automatic, "manual": layout.manual, "battery": layout.battery}

    def restore(self, values: dict[str, Any]) -> None:
        """Take over a state that `state` gave."""
        for name, items in values.items():
            self.configure(name, items)
