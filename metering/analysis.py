"""The analysis logger: up to 16 registers of one's own choice, at an interval of their own.

Rows are stamped, marked, lost and repeated as those of the load profile are; only, what a power cut left out stays out:
the row after it is marked. Memory holds so many values, whatever they are, so depth follows from the choice:
one register every hour for 520 days, 16 every five minutes for 2.7 (382M data sheet: 2.5 to 520 days).
Averages are over the part of the interval in which the meter was on. Another choice or interval deletes all rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from obis import Obis

from .load_profile import DataQuality, LoggerStatus
from .quantities import MWS_PER_WH, IntArray
from .selectable import SECONDS, SELECTABLE, Kind, Selectable, analysis_registers
from .status import EventA
from .tariff_split import TariffSplit
from .view import View

if TYPE_CHECKING:
    from .state import MeterState

CAPACITY: Final = 520 * 24
"""Values that memory holds."""


def element_rates(view: View) -> IntArray:
    """Rates of all elements in each column: elements by columns."""
    ones = np.ones((1, view.rates.shape[1]), dtype=np.int64)
    return np.concatenate((view.rates, view.mean_rates, ones))


class AnalysisLogger:
    """Rows of a stamp in normal time, status, quality and a value per register, oldest first."""

    def __init__(self, period_s: int, registers: Sequence[str]) -> None:
        self.captured = 0
        """Rows captured since commissioning, deleted ones included."""
        self.pending_status = LoggerStatus(0)
        self.pending_quality = DataQuality(0)
        self._choose(period_s, analysis_registers(registers))

    def _choose(self, period_s: int, registers: tuple[Obis, ...]) -> None:
        self.period_s = period_s
        self.registers = registers
        self._chosen = [SELECTABLE[code] for code in registers]
        self.stamps: IntArray = np.zeros(0, dtype=np.int64)
        self.status: NDArray[np.uint16] = np.zeros(0, dtype=np.uint16)
        self.quality: NDArray[np.uint32] = np.zeros(0, dtype=np.uint32)
        self.values: IntArray = np.zeros((len(registers), 0), dtype=np.int64)
        """Registers by rows: Wh, varh, VAh; mW, mvar, mVA; mV; mA; thousandths; pulses; hours."""
        self._sums = [*(one.elements for one in self._chosen), *(one.others for one in self._chosen), (SECONDS,)]
        self._integrals = [0] * len(self._sums)
        self._last = [0] * len(self._sums)

    def __len__(self) -> int:
        return self.stamps.size

    @property
    def entries(self) -> int:
        """Rows that memory holds."""
        return CAPACITY // len(self.registers)

    @property
    def depth_days(self) -> float:
        """Days that memory holds."""
        return self.entries * self.period_s / 86_400

    def choose(self, period_s: int, registers: Sequence[str]) -> None:
        """Record these registers at this interval from now on: all rows are deleted."""
        chosen = analysis_registers(registers)
        if chosen != self.registers:
            self.pending_status |= LoggerStatus.RECONFIGURED
        if period_s != self.period_s:
            self.pending_status |= LoggerStatus.INTERVAL_CHANGED
        self._choose(period_s, chosen)

    def clear(self) -> None:
        """Delete all rows; the interval that runs goes on."""
        self.stamps, self.values = self.stamps[:0], self.values[:, :0]
        self.status, self.quality = self.status[:0], self.quality[:0]

    def mark(self, status: LoggerStatus, quality: DataQuality) -> None:
        """Put these marks on the next row captured, besides those already waiting."""
        self.pending_status |= status
        self.pending_quality |= quality

    def count(self, state: MeterState, view: View, split: TariffSplit, captures: IntArray) -> None:
        """Take in a stretch from `state.time` on, with captures at these instants in it."""
        sums = self._summed(element_rates(view))
        cumulative = view.line.cumulative(sums)
        new = captures[-self.entries :]
        if new.size:
            at = view.line.integrals(cumulative, sums, new)
            if new.size < captures.size:
                before = view.line.integrals(cumulative, sums, captures[-new.size - 1 : -new.size])
            else:
                before = -np.array(self._integrals, dtype=np.int64)[:, None]
            gained = np.diff(at, axis=1, prepend=before)
            last_seconds = view.line.edges.searchsorted(new, side="left") - 1
            tariffs = split.at(new) if any(one.kind is Kind.TARIFF for one in self._chosen) else None
            self._append(state, captures.size, new + state.shift_s, at, gained, sums[:, last_seconds], tariffs)
            self._integrals = (cumulative[:, -1] - at[:, -1]).tolist()
        else:
            self._integrals = [
                held + more for held, more in zip(self._integrals, cumulative[:, -1].tolist(), strict=True)
            ]
        self._last = sums[:, -1].tolist()

    def count_line(self, rates: Sequence[int], seconds: int) -> None:
        """Take in so many seconds of a straight line, without a capture: `rates` of all elements."""
        self._last = [sum(rates[element] for element in elements) for elements in self._sums]
        self._integrals = [held + rate * seconds for held, rate in zip(self._integrals, self._last, strict=True)]

    def capture(self, state: MeterState, stamp: int) -> None:
        """Capture a row at `state.time`, whatever the time is."""
        gained, last = (np.array(one, dtype=np.int64)[:, None] for one in (self._integrals, self._last))
        at = np.zeros_like(gained)
        tariffs = np.zeros((len(state.tariff_energies) + 1, len(state.tariff_seconds), 1), dtype=np.int64)
        self._append(state, 1, np.array([stamp], dtype=np.int64), at, gained, last, tariffs)
        self._integrals = [0] * len(self._sums)

    def _summed(self, rates: IntArray) -> IntArray:
        out = np.zeros((len(self._sums), rates.shape[1]), dtype=np.int64)
        for row, elements in enumerate(self._sums):
            for element in elements:
                out[row] += rates[element]
        return out

    def _append(
        self,
        state: MeterState,
        count: int,
        stamps: IntArray,
        at: IntArray,
        gained: IntArray,
        last: IntArray,
        tariffs: IntArray | None,
    ) -> None:
        """Add the last of `count` rows: integrals of the sums since `state.time`, since the row before, last rates."""
        values = np.empty((len(self._chosen), stamps.size), dtype=np.int64)
        for row, one in enumerate(self._chosen):
            values[row] = self._value(state, row, one, at, gained, last, tariffs)
        status = np.full(stamps.size, state.row_status, dtype=np.uint16)
        quality = np.full(stamps.size, state.row_quality, dtype=np.uint32)
        if stamps.size == count:
            status[0] |= self.pending_status
            quality[0] |= self.pending_quality
        self.pending_status, self.pending_quality = LoggerStatus(0), DataQuality(0)
        self.captured += count
        state.status.note(EventA.ANALYSIS_LOG)
        kept = slice(-self.entries, None)
        self.stamps = np.concatenate((self.stamps, stamps))[kept]
        self.status = np.concatenate((self.status, status))[kept]
        self.quality = np.concatenate((self.quality, quality))[kept]
        self.values = np.concatenate((self.values, values), axis=1)[:, kept]

    def _value(
        self,
        state: MeterState,
        row: int,
        one: Selectable,
        at: IntArray,
        gained: IntArray,
        last: IntArray,
        tariffs: IntArray | None,
    ) -> IntArray | int:
        other = row + len(self._chosen)
        if one.kind is Kind.READING:
            base = sum(state.energies[channel] for channel in one.elements)
            base -= sum(state.energies[channel] for channel in one.others)
            reading: IntArray = (base + at[row] - at[other]) // MWS_PER_WH
            return reading
        if one.kind is Kind.TARIFF:
            assert tariffs is not None
            energy: IntArray = tariffs[one.flow, one.tariff - 1]
            return (state.tariff_energies[one.flow][one.tariff - 1] + energy) // MWS_PER_WH
        if one.kind is Kind.AVERAGE:
            average: IntArray = gained[row] // np.maximum(gained[-1], 1)
            return average
        if one.kind is Kind.AVERAGE_FACTOR:
            return _factor(gained[row], gained[other])
        if one.kind is Kind.ACTUAL:
            actual: IntArray = last[row]
            return actual
        if one.kind is Kind.ACTUAL_FACTOR:
            return _factor(last[row], last[other])
        if one.kind is Kind.PULSES:
            return state.pulse_input
        hours: IntArray = (state.operating_s + at[row]) // 3_600
        return hours

    def state(self) -> dict[str, Any]:
        """All of it as plain values, columns as differences from row to row."""
        return {
            "period_s": self.period_s,
            "registers": [code.hex() for code in self.registers],
            "captured": self.captured,
            "pending_status": int(self.pending_status),
            "pending_quality": int(self.pending_quality),
            "stamps": np.diff(self.stamps, prepend=np.int64(0)).tolist(),
            "status": self.status.tolist(),
            "quality": self.quality.tolist(),
            "values": np.diff(self.values, axis=1, prepend=np.int64(0)).tolist(),
            "integrals": self._integrals,
            "last": self._last,
        }

    def restore(self, values: Mapping[str, Any]) -> None:
        """Take over a state that `state` gave."""
        self._choose(values["period_s"], tuple(Obis(bytes.fromhex(code)) for code in values["registers"]))
        self.captured = values["captured"]
        self.pending_status = LoggerStatus(values["pending_status"])
        self.pending_quality = DataQuality(values["pending_quality"])
        self.stamps = np.cumsum(np.array(values["stamps"], dtype=np.int64))
        self.status = np.array(values["status"], dtype=np.uint16)
        self.quality = np.array(values["quality"], dtype=np.uint32)
        rows = np.array(values["values"], dtype=np.int64).reshape(len(self.registers), -1)
        self.values = np.cumsum(rows, axis=1)
        self._integrals, self._last = values["integrals"], values["last"]


def _factor(active: IntArray, apparent: IntArray) -> IntArray:
    return np.where(apparent > 0, active * 1000 // np.maximum(apparent, 1), 1000)
