"""Debiting logger 1: the registers as they stood at the end of each billing period.

A row is written at 00:00 normal time of the target day, or by command. It holds the registers that the data
sheets list for a 382 (meter.md section 3); peaks are those of the period that ended, and the accumulated
maximum and the number of periods already count it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .demand import Peak


class BillingEntry(NamedTuple):
    """One billing period's end; energies in mWs, powers in mW or mvar."""

    stamp: int
    """Normal time."""
    energies: list[int]
    """By `Flow`: A14, A23, R12, R34."""
    tariff_energies: list[list[int]]
    """By `Flow`, then tariff 1 to 8."""
    maxima: list[Peak]
    """By `Maximum`, with the normal time of each."""
    accumulated: list[int]
    """Accumulated maxima by `Maximum`."""
    operating_s: int
    periods: int
    threshold_count: int
    pulse_input: int


class BillingLogger:
    """A ring of `BillingEntry`, oldest first."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.rows: list[BillingEntry] = []
        self.periods = 0
        """Billing periods ended since commissioning (register 0.1.0)."""

    def append(self, entry: BillingEntry) -> None:
        """Add the newest row; the oldest gives way when the logger is full."""
        self.rows.append(entry)
        del self.rows[: -self.depth]

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {"periods": self.periods, "rows": self.rows}

    def restore(self, values: dict[str, Any]) -> None:
        """Take over a state that `state` gave."""
        self.periods = values["periods"]
        self.rows = [self._entry(row) for row in values["rows"]]

    @staticmethod
    def _entry(row: Sequence[Any]) -> BillingEntry:
        entry = BillingEntry(*row)
        return entry._replace(maxima=[Peak(*peak) for peak in entry.maxima])
