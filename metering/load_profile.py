"""The load profile: a ring of register readings, one row per capture, kept in columns.

Rows hold counter readings, not differences (OMNIPOWER technical description 4.5.1), and are stamped in
normal time. The columns stay contiguous and oldest first, so reading the whole profile copies nothing: the
buffers have some slack behind the newest row, and when it is used up the rows move to new buffers. A
view taken earlier keeps what it showed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntFlag
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .quantities import MWS_PER_WH, Flow, IntArray

UNMARKED_ADJUSTMENT_S: Final = 7
"""Clock adjustments shorter than this leave no mark (382M DLMS description, figure 10)."""


LOG_ID_MAXIMUM: Final = 2**32 - 1
"""The highest number a row can have; all later ones have it too, and say so."""


class LoggerStatus(IntFlag):
    """Status of a row (382M DLMS description, figure 9)."""

    CRC_INVALID = 1 << 3
    TIME_DISCONTINUITY = 1 << 6
    RECONFIGURED = 1 << 7
    INTERVAL_CHANGED = 1 << 8
    LOG_ID_AT_MAXIMUM = 1 << 9
    CLOCK_INVALID = 1 << 15
    """Ours, not the meter's: such a row says so in the clock status of its time stamp."""


class DataQuality(IntFlag):
    """What happened in the time a row stands for (382M DLMS description, figure 10)."""

    CLOCK_ADJUSTED_7_S = 1 << 0
    CLOCK_ADJUSTED_15_S = 1 << 1
    CLOCK_ADJUSTED_30_S = 1 << 2
    CLOCK_ADJUSTED_60_S = 1 << 3
    CLOCK_FORWARD = 1 << 4
    CLOCK_BACKWARD = 1 << 5
    LEGAL_PARAMETER_ERROR = 1 << 6
    OVER_VOLTAGE = 1 << 7
    UNDER_VOLTAGE = 1 << 8
    NEUTRAL_FAULT = 1 << 9
    POWER_OUTAGE = 1 << 10


NO_STATUS: Final = LoggerStatus(0)
GOOD_QUALITY: Final = DataQuality(0)


def clock_adjustment_quality(seconds: int) -> DataQuality:
    """The marks for a clock moved by so many seconds, forward positive; none below 7 s."""
    size = abs(seconds)
    if size < UNMARKED_ADJUSTMENT_S:
        return DataQuality(0)
    if size < 15:
        mark = DataQuality.CLOCK_ADJUSTED_7_S
    elif size < 30:
        mark = DataQuality.CLOCK_ADJUSTED_15_S
    elif size <= 60:
        mark = DataQuality.CLOCK_ADJUSTED_30_S
    else:
        mark = DataQuality.CLOCK_ADJUSTED_60_S
    return mark | (DataQuality.CLOCK_FORWARD if seconds > 0 else DataQuality.CLOCK_BACKWARD)


class LoadProfile:
    """Rows of stamp (normal time s), status, quality and one energy reading in Wh or varh per flow."""

    def __init__(self, period_s: int, entries: int, flows: tuple[Flow, ...]) -> None:
        self.flows = flows
        self.period_s = period_s
        self.entries = entries
        self.captured = 0
        """Rows captured since commissioning, deleted ones included: the number of the newest row, `LOG_ID_MAXIMUM` at
        most."""
        self.pending_status = LoggerStatus(0)
        self.pending_quality = DataQuality(0)
        self._empty()

    def _empty(self) -> None:
        self._low = self._high = 0
        self._stamps: IntArray = np.zeros(0, dtype=np.int64)
        self._status = np.zeros(0, dtype=np.uint16)
        self._quality = np.zeros(0, dtype=np.uint32)
        self._energies = np.zeros((len(self.flows), 0), dtype=np.uint32)

    def __len__(self) -> int:
        return self._high - self._low

    @property
    def stamps(self) -> IntArray:
        """Normal time of each capture, oldest first; a clock set back makes stamps repeat."""
        return self._stamps[self._low : self._high]

    @property
    def status(self) -> NDArray[np.uint16]:
        """`LoggerStatus` bits of each row."""
        return self._status[self._low : self._high]

    @property
    def quality(self) -> NDArray[np.uint32]:
        """`DataQuality` bits of each row."""
        return self._quality[self._low : self._high]

    @property
    def energies(self) -> NDArray[np.uint32]:
        """Readings in Wh or varh, one row per flow in `flows`, one column per capture."""
        return self._energies[:, self._low : self._high]

    def mark(self, status: LoggerStatus, quality: DataQuality) -> None:
        """Put these marks on the next row captured, besides those already waiting."""
        self.pending_status |= status
        self.pending_quality |= quality

    def capture(
        self,
        stamps: IntArray,
        readings_mws: IntArray,
        status: LoggerStatus = NO_STATUS,
        quality: DataQuality = GOOD_QUALITY,
    ) -> None:
        """Append rows: their stamps, and per flow of `flows` the readings in mWs (flows by rows).

        `status` and `quality` are for all of them, what `mark` said for the first.
        """
        count = stamps.size
        if not count:
            return
        numbered = min(count, LOG_ID_MAXIMUM - 1 - self.captured)
        self.captured = min(self.captured + count, LOG_ID_MAXIMUM)
        kept = min(count, self.entries)
        self._make_room(kept)
        new = slice(self._high, self._high + kept)
        self._stamps[new] = stamps[count - kept :]
        self._energies[:, new] = (readings_mws[:, count - kept :] // MWS_PER_WH) & 0xFFFFFFFF
        self._status[new] = status
        if numbered < count:
            first = self._high + max(numbered - count + kept, 0)
            self._status[first : new.stop] |= np.uint16(LoggerStatus.LOG_ID_AT_MAXIMUM)
        self._quality[new] = quality
        if kept == count:
            self._status[self._high] |= self.pending_status
            self._quality[self._high] |= self.pending_quality
        self.pending_status, self.pending_quality = LoggerStatus(0), DataQuality(0)
        self._high += kept
        self._low = max(self._low, self._high - self.entries)

    def _make_room(self, count: int) -> None:
        if self._high + count <= self._stamps.size:
            return
        kept = min(len(self), self.entries - count)
        size = min(max(64, 2 * (kept + count)), self.entries + self.entries // 8 + 64)
        old = slice(self._high - kept, self._high)
        stamps, status, quality, energies = self._stamps, self._status, self._quality, self._energies
        self._stamps = np.empty(size, dtype=np.int64)
        self._status = np.empty(size, dtype=np.uint16)
        self._quality = np.empty(size, dtype=np.uint32)
        self._energies = np.empty((len(self.flows), size), dtype=np.uint32)
        self._stamps[:kept] = stamps[old]
        self._status[:kept] = status[old]
        self._quality[:kept] = quality[old]
        self._energies[:, :kept] = energies[:, old]
        self._low, self._high = 0, kept

    def delete(self, period_s: int, entries: int) -> None:
        """Forget all rows and go on with this period and depth; marks not yet put on a row stay."""
        self.period_s, self.entries = period_s, entries
        self._empty()

    def record(self, flows: tuple[Flow, ...], entries: int) -> None:
        """Forget all rows and record these flows from now on; the next row is marked."""
        self.flows, self.entries = flows, entries
        self.mark(LoggerStatus.RECONFIGURED, GOOD_QUALITY)
        self._empty()

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[np.generic]]]:
        """What `restore` needs: plain values, and columns as differences from row to row, which compress well."""
        values = {
            "period_s": self.period_s,
            "entries": self.entries,
            "flows": self.flows,
            "captured": self.captured,
            "pending_status": int(self.pending_status),
            "pending_quality": int(self.pending_quality),
        }
        columns: dict[str, NDArray[np.generic]] = {
            "stamps": np.diff(self.stamps, prepend=np.int64(0)),
            "status": self.status.copy(),
            "quality": self.quality.copy(),
            "energies": np.diff(self.energies, axis=1, prepend=np.uint32(0)),
        }
        return values, columns

    @classmethod
    def restore(cls, values: Mapping[str, Any], columns: Mapping[str, NDArray[np.generic]]) -> LoadProfile:
        """The profile that gave this state."""
        profile = cls(values["period_s"], values["entries"], tuple(Flow(flow) for flow in values["flows"]))
        profile.captured = values["captured"]
        profile.pending_status = LoggerStatus(values["pending_status"])
        profile.pending_quality = DataQuality(values["pending_quality"])
        profile._stamps = np.cumsum(columns["stamps"].astype(np.int64), dtype=np.int64)
        profile._status = columns["status"].astype(np.uint16)
        profile._quality = columns["quality"].astype(np.uint32)
        profile._energies = np.cumsum(columns["energies"].astype(np.uint32), axis=1, dtype=np.uint32)
        profile._high = profile._stamps.size
        return profile
