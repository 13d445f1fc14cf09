"""Which tariff is counted in: by nothing, tariff module, command, internal table or ripple control receiver.

Only one of them is in charge, the mode; the others' last word is kept and holds once their mode is chosen. An internal
table switches by itself, at known seconds of the meter's clock; everything else switches when an input says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from .clock import Zone
from .quantities import IntArray
from .tariff_table import TariffCalendar, TariffTable

if TYPE_CHECKING:
    from .configuration import MeterConfiguration


class TariffMode(Enum):
    """What is in charge (382M DLMS description, ModeSelector_TariffCtrl; ripple control: 382 data sheets)."""

    OFF = "off"
    """Always tariff 1."""
    MODULE = "module"
    """The two 230 V inputs of a tariff module."""
    COMMAND = "command"
    """A written register: object 1.1.129.0.0.255."""
    INTERNAL = "internal"
    """A table and the clock."""
    RIPPLE = "ripple"
    """A ripple control receiver's telegrams."""


def module_tariff(port1: bool, port2: bool, tariffs: int, inverted: bool) -> int:
    """The tariff that the inputs of a tariff module say: none T1, port 1 T2, port 2 T3, both T4; inverted T4 to T1.

    A module for two tariffs has port 1 only.
    """
    tariff = 1 + port1 + 2 * (port2 and tariffs == 4)
    return tariffs + 1 - tariff if inverted else tariff


class TariffControl:
    """The mode and what each source of tariffs said last."""

    def __init__(self, configuration: MeterConfiguration) -> None:
        self._configuration = configuration
        self.mode = configuration.tariff_mode
        self.ports = (False, False)
        self.commanded = 1
        self.rippled = 1
        self.table = configuration.tariff_table
        self._calendar: TariffCalendar | None = None

    def highest_tariff(self, mode: TariffMode, table: TariffTable | None) -> int:
        """The highest tariff that this mode can choose; raises `ValueError` where an internal mode has no table."""
        if mode is TariffMode.MODULE:
            return self._configuration.tariff_module
        if mode is TariffMode.INTERNAL:
            if table is None:
                raise ValueError(
                    "the meter has no tariff table; allowed: a mode besides internal, or set a table first"
                )
            return table.highest_tariff
        return 1

    def tariff(self, clock: int, zone: Zone) -> int:
        """The tariff from this second of the meter's clock on."""
        if self.mode is TariffMode.INTERNAL:
            return self.calendar(zone).tariff(clock)
        if self.mode is TariffMode.COMMAND:
            return self.commanded
        if self.mode is TariffMode.RIPPLE:
            return self.rippled
        if self.mode is TariffMode.MODULE:
            order = self._configuration
            return module_tariff(*self.ports, order.tariff_module, order.tariff_module_inverted)
        return 1

    def switches(self, start: int, stop: int, zone: Zone) -> tuple[IntArray, IntArray]:
        """Seconds of the meter's clock between `start` and `stop` at which the tariff changes, and the new tariffs."""
        if self.mode is TariffMode.INTERNAL:
            return self.calendar(zone).switches(start, stop)
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)

    def next_switch(self, after: int, zone: Zone) -> int | None:
        """The first of them after the meter clock's `after`; None where the tariff only changes by an input."""
        return self.calendar(zone).next_switch(after) if self.mode is TariffMode.INTERNAL else None

    def calendar(self, zone: Zone) -> TariffCalendar:
        """The internal table in this zone; raises `ValueError` where there is none."""
        if self.table is None:
            raise ValueError("the meter has no tariff table")
        if self._calendar is None or self._calendar.table is not self.table or self._calendar.zone != zone:
            self._calendar = TariffCalendar(self.table, zone)
        return self._calendar

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "mode": self.mode.value,
            "ports": self.ports,
            "commanded": self.commanded,
            "rippled": self.rippled,
            "table": None if self.table is None else self.table.to_dict(),
        }

    def restore(self, values: Mapping[str, Any]) -> None:
        """Take over a state that `state` gave."""
        self.mode = TariffMode(values["mode"])
        self.ports = (bool(values["ports"][0]), bool(values["ports"][1]))
        self.commanded, self.rippled = values["commanded"], values["rippled"]
        self.table = None if values["table"] is None else TariffTable.from_dict(values["table"])
