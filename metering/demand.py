"""Demand: average power per integration period, its peaks, and the extremes of each day.

A period ends when normal time is a multiple of its length. Its average power is its energy divided by the
*nominal* length, so a period cut short by a clock setting or by commissioning can never make a peak
of it. Means of single phases are over the time the period really lasted and the meter was on. A peak is
stamped with the normal time of the end of its period; of equal averages the earlier one is the peak. A period
belongs to the tariff that is active when it ends, and to the day it ends in (00:00 ends the day before).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from .clock import DAY_S
from .means import Mean
from .quantities import TARIFFS, Flow, IntArray


class Maximum(IntEnum):
    """The peak registers: those of the `Flow`s, then those of the flows in tariff 1, and so on to tariff 8."""

    P14, P23, Q12, Q34, S14, S23 = range(6)
    P14_T1, P23_T1, Q12_T1, Q34_T1, S14_T1, S23_T1 = range(6, 12)
    P14_T2, P23_T2, Q12_T2, Q34_T2, S14_T2, S23_T2 = range(12, 18)
    P14_T3, P23_T3, Q12_T3, Q34_T3, S14_T3, S23_T3 = range(18, 24)
    P14_T4, P23_T4, Q12_T4, Q34_T4, S14_T4, S23_T4 = range(24, 30)
    P14_T5, P23_T5, Q12_T5, Q34_T5, S14_T5, S23_T5 = range(30, 36)
    P14_T6, P23_T6, Q12_T6, Q34_T6, S14_T6, S23_T6 = range(36, 42)
    P14_T7, P23_T7, Q12_T7, Q34_T7, S14_T7, S23_T7 = range(42, 48)
    P14_T8, P23_T8, Q12_T8, Q34_T8, S14_T8, S23_T8 = range(48, 54)


class Peak(NamedTuple):
    """An average power in mW or mvar, and the normal time its period ended; None where there was none."""

    value: int = 0
    at: int | None = None


class DayExtremes(NamedTuple):
    """Lowest and highest average P14 of one day; only whole periods count for the lowest."""

    minimum: Peak = Peak()
    maximum: Peak = Peak()


class Demand:
    """All that integration periods leave behind. Integer mW, mvar, mVA, mV, mA.

    `peak_tariff` is the only tariff whose periods are candidates for the peaks that are of no tariff, 0 for all of
    them (configuration number 3, code K).
    """

    def __init__(self, period_s: int, start: int, threshold_w: int, peak_tariff: int = 0) -> None:
        self.period_s = period_s
        self.period_start = start
        """True time at which the running period began."""
        self.base = [0] * len(Flow)
        """Readings of the flows in mWs when it began."""
        self.averages = [0] * len(Flow)
        """Average powers of the last finished period, by `Flow`."""
        self.means = [0] * len(Mean)
        """Means of each phase in it, by `Mean`."""
        self.maxima = [Peak() for _ in Maximum]
        """Peaks since the last billing stop, by `Maximum`."""
        self.accumulated = [0] * len(Maximum)
        """Sums of the peaks of all finished billing periods, by `Maximum`."""
        self.peak_tariff = peak_tariff
        self.thresholds_w = [threshold_w] * (1 + TARIFFS)
        """Power thresholds: one for all periods, then one for those of each tariff 1 to 8."""
        self.threshold_counts = [0] * (1 + TARIFFS)
        """Periods whose average P14 was above these."""
        self.day = DayExtremes()
        """The day that is running."""
        self.last_day = DayExtremes()
        """The day before."""
        self._integrals = [0] * len(Mean)
        self.unpowered_s = 0
        """Seconds of the running period in which the meter was off."""

    def running(self, readings: Sequence[int]) -> list[int]:
        """Running averages by `Flow`: energy so far over the nominal length; `readings` of the flows now, mWs."""
        return [(now - base) // self.period_s for now, base in zip(readings, self.base, strict=True)]

    def add_integrals(self, integrals: Sequence[int]) -> None:
        """Add integrals of the `Mean` quantities, mV seconds and so on, to the running period."""
        self._integrals = [held + more for held, more in zip(self._integrals, integrals, strict=True)]

    def finish_means(self, start: int, end: int) -> None:
        """Means of a period from `start` to `end`, out of what was added; starts over."""
        powered_s = max(end - start - self.unpowered_s, 1)
        self.means = [integral // powered_s for integral in self._integrals]
        self.discard_integrals()

    def discard_integrals(self) -> None:
        """Forget what was added: the period was not the last one to finish."""
        self._integrals = [0] * len(Mean)
        self.unpowered_s = 0

    def end_periods(self, ends: IntArray, shift_s: int, readings: IntArray, tariffs: IntArray) -> None:
        """Finish periods at these true times, in order.

        `shift_s` leads to normal time; `readings` are those of the flows at each end in mWs, flows by ends; `tariffs`
        are those that hold until each.
        """
        stamps = ends + shift_s
        base = np.array(self.base, dtype=np.int64)[:, None]
        averages = np.diff(readings, axis=1, prepend=base) // self.period_s
        whole = int(ends[0]) - self.period_start == self.period_s
        for tariff in (0, *np.unique(tariffs).tolist()):
            inside = slice(None) if tariff == 0 else tariffs == tariff
            exceeding = np.count_nonzero(averages[Flow.P14, inside] > self.thresholds_w[tariff] * 1000)
            self.threshold_counts[tariff] += int(exceeding)
            if tariff == 0 and self.peak_tariff:
                inside = tariffs == self.peak_tariff
            self._note_peaks(averages[:, inside], stamps[inside], tariff)
        self._note_days(averages[Flow.P14], stamps, whole)
        self.averages = averages[:, -1].tolist()
        self.base = readings[:, -1].tolist()
        self.period_start = int(ends[-1])

    def _note_peaks(self, averages: IntArray, stamps: IntArray, tariff: int) -> None:
        if not stamps.size:
            return
        first = len(Flow) * tariff
        for flow, index in enumerate(averages.argmax(axis=1).tolist()):
            value = int(averages[flow, index])
            if value > self.maxima[first + flow].value:
                self.maxima[first + flow] = Peak(value, int(stamps[index]))

    def _note_days(self, averages: IntArray, stamps: IntArray, whole: bool) -> None:
        """Sort averages into days; only the running day, and of those that end here the last one, are kept."""
        midnights = (np.flatnonzero(stamps % DAY_S == 0) + 1).tolist()
        cuts = [0, *midnights, averages.size]
        first_kept = max(0, len(midnights) - 1)
        if first_kept:
            self.roll_day()
        for number in range(first_kept, len(cuts) - 1):
            low, high = cuts[number], cuts[number + 1]
            if low < high:
                self._extend_day(averages[low:high], stamps[low:high], whole or low > 0)
            if number < len(midnights):
                self.roll_day()

    def _extend_day(self, averages: IntArray, stamps: IntArray, whole: bool) -> None:
        lowest, highest = self.day
        index = int(averages.argmax())
        if highest.at is None or averages[index] > highest.value:
            highest = Peak(int(averages[index]), int(stamps[index]))
        skip = 0 if whole else 1
        if averages.size > skip:
            index = skip + int(averages[skip:].argmin())
            if lowest.at is None or averages[index] < lowest.value:
                lowest = Peak(int(averages[index]), int(stamps[index]))
        self.day = DayExtremes(lowest, highest)

    def roll_day(self) -> None:
        """A day has ended."""
        self.last_day, self.day = self.day, DayExtremes()

    def change_period(self, period_s: int, now: int, readings: Sequence[int]) -> None:
        """Go on with this length from true time `now`: the period that runs is given up, it makes no average."""
        self.period_s, self.period_start, self.base = period_s, now, list(readings)
        self.discard_integrals()

    def stop_billing(self) -> None:
        """Add the peaks to the accumulated maxima and begin new ones; the running period goes on into the new peaks."""
        for maximum in Maximum:
            self.accumulated[maximum] += self.maxima[maximum].value
        self.maxima = [Peak() for _ in Maximum]

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return dict(vars(self))

    @classmethod
    def restore(cls, values: Mapping[str, Any]) -> Demand:
        """The demand that gave this state."""
        demand = cls(0, 0, 0)
        vars(demand).update(values)
        demand.maxima = [Peak(*peak) for peak in values["maxima"]]
        demand.day = DayExtremes(*(Peak(*peak) for peak in values["day"]))
        demand.last_day = DayExtremes(*(Peak(*peak) for peak in values["last_day"]))
        return demand
