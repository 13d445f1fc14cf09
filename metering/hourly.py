"""Hourly store and monthly values of the classic 382, which has no clock: hours of operation are its time.

Every hour in operation the total, the peak, the pulse input and the hour counter are stored; every 730 hours the
same become a row of monthly values, of which the last 36 are kept. The peak is the highest average of a quarter
of an hour within these 730 hours, and begins anew with the next (382 data sheet, type 685).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from .quantities import IntArray

HOUR_S: Final = 3_600
QUARTER_S: Final = 900
MONTH_S: Final = 730 * HOUR_S
MONTHS_KEPT: Final = 36


class HourlyValues(NamedTuple):
    """What is stored: hour counter, total import in mWs, peak in mW, pulse input."""

    hours: int
    energy: int = 0
    peak: int = 0
    pulse_input: int = 0


class HourlyStore:
    """The last hour's values and the monthly ones, oldest first."""

    def __init__(self) -> None:
        self.hour = HourlyValues(0)
        self.months: list[HourlyValues] = []
        self.peak = 0
        """Highest average of the 730 hours that run, mW."""
        self._quarter_base = 0

    def quarters(self, operating_s: int, readings: IntArray, pulse_input: int) -> None:
        """Finish quarters of an hour: `readings` of A14 in mWs at each end, the first `operating_s` in operation."""
        averages = np.diff(readings, prepend=np.int64(self._quarter_base)) // QUARTER_S
        self._quarter_base = int(readings[-1])
        ends = operating_s + QUARTER_S * np.arange(readings.size, dtype=np.int64)
        hours = np.flatnonzero(ends % HOUR_S == 0)
        stored = [*hours[ends[hours] % MONTH_S == 0].tolist(), *hours[-1:].tolist()]
        begin = 0
        for index in dict.fromkeys(stored):
            self.peak = max(self.peak, int(averages[begin : index + 1].max()))
            begin = index + 1
            at = int(ends[index])
            self.hour = HourlyValues(at // HOUR_S, int(readings[index]), self.peak, pulse_input)
            if at % MONTH_S == 0:
                self.months = [*self.months, self.hour][-MONTHS_KEPT:]
                self.peak = 0
        if begin < averages.size:
            self.peak = max(self.peak, int(averages[begin:].max()))

    def correct(self, gained: int) -> None:
        """A14 has been set to `gained` mWs more than it was: nothing that the quarter which runs has drawn."""
        self._quarter_base += gained

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return dict(vars(self))

    def restore(self, values: Mapping[str, Any]) -> None:
        """Take over a state that `state` gave."""
        vars(self).update(values)
        self.hour = HourlyValues(*values["hour"])
        self.months = [HourlyValues(*month) for month in values["months"]]
