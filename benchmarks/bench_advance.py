"""How fast a meter catches up, against one running sum in NumPy over the same minutes.

    python benchmarks/bench_advance.py

The yardstick is what cannot be left out: one cumulative sum of 64-bit integers over every grid step, measured in the
same run, best of five. Each line tells the seconds, the ratio to that, and what was asked for:

* an idle 382L, A+, commissioned 597 days ago, reading its whole load profile of 57 312 rows for the first time:
  under 2 s on a one-minute grid, under 0.4 s on a 15-minute grid;
* one year of 15-minute captures in four quadrants from a one-minute grid: under 0.8 s;
* the household alone, one year on a one-minute grid: under 0.35 s;
* a reading between two boundaries, and the first reading after each minute.

What the profile says (Python 3.11, two shared cores of a virtual machine). Settling a year of minutes takes 0.06 s,
twice a household alone: hashes, and table look-ups for what happens once a day. The other half is splitting power
into the twelve channels and the running sums of the four flows; captures, demand periods and day extremes are a
small rest, and voltages and currents are only worked out for the last finished period and the running one. Stretches
of 16 days of minutes were best of 1, 2, 4, 8, 16, 32: 0.18 s a year at one day, 0.06 s at sixteen, 0.07 s at
thirty-two. A reading between two boundaries is two list look-ups and a multiplication; the first one in a new
minute pays for some two hundred operations on arrays of two elements, 0.3 ms.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from metering import LOAD_PROFILE_DEPTH_DAYS_382L, Energy, EnergyType, Meter, MeterConfiguration, Zone
from metering.clock import seconds_of
from metering.installation import HouseholdInstallation

START = seconds_of(2024, 1, 1) - 3_600
DAY_S = 86_400
_T = TypeVar("_T")


def best(work: Callable[[], _T], times: int = 5) -> tuple[float, _T]:
    """Shortest time of some runs, in seconds, and the result of the last."""
    shortest = float("inf")
    for _ in range(times):
        begin = time.perf_counter()
        result = work()
        shortest = min(shortest, time.perf_counter() - begin)
    return shortest, result


def cumulative_sum(days: int, grid_s: int) -> float:
    """Seconds for one running sum over the grid steps of so many days."""
    rates = np.arange(days * DAY_S // grid_s, dtype=np.int64)
    return best(lambda: np.cumsum(rates))[0]


def meter(energy_type: EnergyType, grid_s: int) -> Meter:
    """A 382L just commissioned on a household."""
    configuration = MeterConfiguration(
        serial_number=1,
        commissioned_at=START,
        energy_type=energy_type,
        load_profile_depth_days=LOAD_PROFILE_DEPTH_DAYS_382L[energy_type],
    )
    return Meter(configuration, HouseholdInstallation(grid_s=grid_s))


def report(what: str, seconds: float, yardstick: float, allowed: float) -> None:
    """One line."""
    print(f"{what:<58} {seconds:7.3f} s  {seconds / yardstick:6.0f} sums  (asked: {allowed:.2f} s)")


def main() -> None:
    """Measure and print."""
    for grid_s, allowed in ((60, 2.0), (900, 0.4)):
        end = START + 597 * DAY_S
        seconds, profile = best(lambda grid_s=grid_s, end=end: meter(EnergyType.IMPORT, grid_s).load_profile(end))
        rows = len(profile)
        report(f"idle 382L, {rows} rows, grid {grid_s} s", seconds, cumulative_sum(597, grid_s), allowed)
    year = START + 365 * DAY_S
    seconds, _ = best(lambda: meter(EnergyType.FOUR_QUADRANT, 60).advance(year))
    report("one year, 15-minute captures, grid 60 s", seconds, cumulative_sum(365, 60), 0.8)
    home = HouseholdInstallation()
    seconds, _ = best(lambda: home.load(START, year))
    report("household alone, one year, grid 60 s", seconds, cumulative_sum(365, 60), 0.35)
    stamps = START + 900 * np.arange(60_000, dtype=np.int64)
    seconds, _ = best(lambda: Zone().local_columns(stamps))
    report("local time of 60 000 stamps", seconds, cumulative_sum(60_000 * 900 // DAY_S, 900), 0.01)

    settled = meter(EnergyType.FOUR_QUADRANT, 60)
    settled.advance(year)
    settled.energy(Energy.A14, year)
    seconds, _ = best(lambda: [settled.energy(Energy.A14, year + 1 + count % 59) for count in range(10_000)])
    print(f"{'reading between two boundaries':<58} {seconds / 10_000 * 1e6:7.2f} us")
    begin = time.perf_counter()
    for minute in range(1_000):
        settled.energy(Energy.A14, year + 60 * minute + 61)
    print(f"{'first reading in each minute':<58} {(time.perf_counter() - begin) / 1_000 * 1e6:7.2f} us")


if __name__ == "__main__":
    main()
