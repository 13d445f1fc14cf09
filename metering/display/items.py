"""What a display can show: the items of `items.csv`, and which of them a meter has.

The list is the OMNIPOWER technical description's (table 31) as far as a 382 has the registers, and that of the classic
(data sheet 002, "Display") in small letters and units. The columns: `source` is a value of `sources.py`, `format` says
how it is written, `flag` what is special: a *legal* reading cannot be deselected, a *historical* one is not for the
automatic list, and the others name what a press of six seconds does while the item is shown.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from ..configuration import MeterConfiguration
from ..quantities import Flow

_FILE: Final = Path(__file__).parent / "items.csv"
_NEEDS: Final = {
    Flow.A23: re.compile(r"\b[APE]23|apparent:-1|\bnet\b"),
    Flow.R12: re.compile(r"\b[RQ](1|2|12)\b|apparent|E14|E23"),
    Flow.R34: re.compile(r"\b[RQ](3|4|34)\b|apparent|E14|E23"),
}
"""What a source says where it needs a flow beside import."""
_TARIFF: Final = re.compile(r"tariff_energy:\w+:(\d)|P14_T(\d)")
_PHASE: Final = re.compile(r"(?:_L|voltage:|current:|phase_power:|power_factor:)([123])$")
_CLOCK: Final = re.compile(r"^clock$|_at\b")


class Flag(Enum):
    """What is special about an item."""

    NONE = ""
    LEGAL = "legal"
    HISTORICAL = "historical"
    RESET_TRIP = "reset-trip"
    CALL = "call"


class DisplayItem(NamedTuple):
    """One thing to be shown."""

    key: str
    description: str
    text: str
    """For the text field of generations that have one."""
    obis: str
    unit: str
    """Two units with a slash between them take turns."""
    source: str
    format: str
    flag: Flag

    def fits(self, configuration: MeterConfiguration) -> bool:
        """Whether a meter ordered like this has the register: energies, tariffs, phases and clock."""
        flows = configuration.energy_type.flows
        if any(flow not in flows and pattern.search(self.source) for flow, pattern in _NEEDS.items()):
            return False
        if (tariff := _TARIFF.search(self.source)) is not None:
            number = int(tariff[1] or tariff[2])
            return configuration.tariffs > 1 and number <= configuration.tariffs
        if (phase := _PHASE.search(self.source)) is not None:
            return int(phase[1]) - 1 in range(3)[configuration.phases]
        return configuration.rtc_backup_s is not None or _CLOCK.search(self.source) is None


@cache
def display_items() -> Mapping[str, DisplayItem]:
    """All items by their keys."""
    with _FILE.open(encoding="utf-8", newline="") as lines:
        items = [_item(row) for row in csv.DictReader(lines)]
    return MappingProxyType({item.key: item for item in items})


def _item(row: Mapping[str, str]) -> DisplayItem:
    words = [row[name] for name in DisplayItem._fields[:-1]]
    return DisplayItem._make([*words, Flag(row["flag"])])
