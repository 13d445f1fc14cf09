"""Debiting logger 2: the registers at the end of every day, week or month, whatever the bills are.

A row is written at 00:00 normal time, of every day, of Mondays or of the 1st (object 1.1.0.1.6.128: 0, 1, 2). It holds
the hour counter, energies and their first four tariffs; 45 rows are kept (382M), 175 by an OMNIPOWER. Its rows are
lost and repeated at clock settings as those of the load profile are, and marked with the same status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .clock import DAY_S
from .configuration import DebitingInterval
from .load_profile import DataQuality, LoggerStatus
from .quantities import Flow, IntArray
from .status import EventA
from .tariff_split import TariffSplit
from .view import View

if TYPE_CHECKING:
    from .state import MeterState

TARIFFS_LOGGED: Final = 4


def interval_ends(interval: DebitingInterval, stamps: IntArray) -> NDArray[np.bool_]:
    """Which of these normal times are ends of an interval."""
    days = stamps // DAY_S
    ends: NDArray[np.bool_] = stamps % DAY_S == 0
    if interval is DebitingInterval.WEEKLY:
        ends &= (days + 3) % 7 == 0
    elif interval is DebitingInterval.MONTHLY:
        dates = days.astype("datetime64[D]")
        ends &= dates == dates.astype("datetime64[M]").astype("datetime64[D]")
    return ends


class DebitingEntry(NamedTuple):
    """The end of an interval; energies in mWs."""

    stamp: int
    """Normal time."""
    status: int
    """`LoggerStatus` bits."""
    quality: int
    """`DataQuality` bits."""
    operating_s: int
    energies: list[int]
    """By `Flow`."""
    tariff_energies: list[list[int]]
    """By `Flow`, then tariff 1 to 4."""


class DebitingLogger:
    """A ring of `DebitingEntry`, oldest first."""

    def __init__(self, depth: int, interval: DebitingInterval) -> None:
        self.depth = depth
        self.interval = interval
        self.rows: list[DebitingEntry] = []
        self.captured = 0
        """Rows written since commissioning."""
        self.pending_status = LoggerStatus(0)
        self.pending_quality = DataQuality(0)

    def mark(self, status: LoggerStatus, quality: DataQuality) -> None:
        """Put these marks on the next row, besides those already waiting."""
        self.pending_status |= status
        self.pending_quality |= quality

    def change_interval(self, interval: DebitingInterval) -> None:
        """Write rows at this interval from now on; those written stay."""
        if interval is not self.interval:
            self.interval = interval
            self.pending_status |= LoggerStatus.INTERVAL_CHANGED

    def count(self, state: MeterState, view: View, split: TariffSplit, midnights: IntArray) -> None:
        """Take in a stretch from `state.time` on, with midnights of normal time at these instants in it."""
        ends = midnights[interval_ends(self.interval, midnights + state.shift_s)]
        if not ends.size:
            return
        kept = ends[-self.depth :]
        base = state.flow_column()
        flows = (base + view.flow_integrals(kept)).tolist()
        tariffs = split.at(kept)[: len(Flow), :TARIFFS_LOGGED].tolist()
        for column, at in enumerate(kept.tolist()):
            gained = [[energies[column] for energies in flow] for flow in tariffs]
            self._append(
                state,
                at + state.shift_s,
                state.operating_s + at - view.start,
                [flow[column] for flow in flows],
                gained,
                marked=column == 0 and kept.size == ends.size,
            )
        self.captured += ends.size
        self.pending_status, self.pending_quality = LoggerStatus(0), DataQuality(0)

    def capture(self, state: MeterState, stamp: int) -> None:
        """Write a row at `state.time`, stamped with this normal time, if an interval ends at it."""
        if not interval_ends(self.interval, np.array([stamp], dtype=np.int64))[0]:
            return
        nothing = [[0] * TARIFFS_LOGGED for _ in Flow]
        self._append(state, stamp, state.operating_s, state.flow_readings(), nothing, marked=True)
        self.captured += 1
        self.pending_status, self.pending_quality = LoggerStatus(0), DataQuality(0)

    def _append(
        self,
        state: MeterState,
        stamp: int,
        operating_s: int,
        energies: list[int],
        gained: list[list[int]],
        *,
        marked: bool,
    ) -> None:
        state.status.note(EventA.BILLING_LOG_2)
        status, quality = state.row_status, state.row_quality
        if marked:
            status, quality = status | self.pending_status, quality | self.pending_quality
        tariffs = [
            [one + more for one, more in zip(held, new, strict=False)]
            for held, new in zip(state.tariff_energies, gained, strict=True)
        ]
        self.rows.append(DebitingEntry(stamp, int(status), int(quality), operating_s, energies, tariffs))
        del self.rows[: -self.depth]

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "interval": self.interval.value,
            "rows": self.rows,
            "captured": self.captured,
            "pending_status": int(self.pending_status),
            "pending_quality": int(self.pending_quality),
        }

    def restore(self, values: Mapping[str, Any]) -> None:
        """Take over a state that `state` gave."""
        self.interval = DebitingInterval(values["interval"])
        self.rows = [DebitingEntry(*row) for row in values["rows"]]
        self.captured = values["captured"]
        self.pending_status = LoggerStatus(values["pending_status"])
        self.pending_quality = DataQuality(values["pending_quality"])
