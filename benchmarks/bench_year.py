"""How fast a year of one-minute load is, with everything that a meter can do switched on, against one running sum.

    python benchmarks/bench_year.py

Four quadrants, load profile every 15 minutes, an analysis logger of 16 registers every 5 minutes, daily debiting,
monthly bills, the hourly store, an internal tariff table with 8 changes a day, smart disconnect and the other state
machines of the supply. Asked: less than 3 s of CPU for the year. More lines say what shorter steps cost, down to a
minute, as a meter lives that is looked at all the time.

What the profile says (Python 3.11, two shared cores of a virtual machine). The breaker opens some three hundred times,
and each time a stretch ends: 700 stretches of a millisecond are the year. No function has a tenth of it; channels,
means of the phases and the analysis logger's sums are first. Tariff switches do not end a stretch, 2900 of them a
year cost two hundredths. A meter that is looked at every minute pays 0.7 ms for each: a hundred operations on short
arrays.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from metering import Meter, MeterConfiguration
from metering.clock import seconds_of
from metering.inputs import SetBreakerParameter
from metering.installation import HouseholdInstallation

START = seconds_of(2024, 1, 1) - 3_600
DAY_S = 86_400
EIGHT = {f"{3 * hour:02}:{7 * hour:02}": hour + 1 for hour in range(8)}
TABLE = {
    "name": "eight a day",
    "week": ["working"] * 5 + ["free"] * 2,
    "special_days": {"12-25": "free"},
    "seasons": [
        {"name": "A", "from": "10-01", "days": {"working": EIGHT, "free": {"00:00": 2}}},
        {"name": "B", "from": "04-01", "days": {"working": EIGHT, "free": EIGHT}},
    ],
}
SIXTEEN = [f"1.1.{c}.25.0.255" for c in (1, 2, 3, 4, 9, 10, 13, 21, 41, 61, 31, 51, 71, 32, 52, 72)]

SMART_DISCONNECT = {"cut_off_basis": 0b1001101, "threshold_high": 4, "coupling": 1}
"""Above 4 kW, at over-voltage and loss of neutral; reconnects by itself."""


def meter() -> Meter:
    """A meter with everything on, just commissioned on a household that feeds in."""
    configuration = MeterConfiguration(
        serial_number=1,
        commissioned_at=START,
        tariff_mode="internal",  # type: ignore[arg-type]  # text is read
        tariff_table=TABLE,  # type: ignore[arg-type]
        analysis_period_s=300,
        analysis_registers=tuple(SIXTEEN),
        hourly_store=True,
    )
    home = Meter(configuration, HouseholdInstallation(pv_peak_w=6_000))
    for name, value in SMART_DISCONNECT.items():
        home.apply(SetBreakerParameter(name, value), START)
    return home


def cpu(work: Callable[[], object]) -> float:
    """Least CPU time of three runs, in seconds."""
    shortest = float("inf")
    for _ in range(3):
        begin = time.process_time()
        work()
        shortest = min(shortest, time.process_time() - begin)
    return shortest


def walk(days: int, step_s: int) -> None:
    """So many days in steps."""
    walking = meter()
    for now in range(START + step_s, START + days * DAY_S + 1, step_s):
        walking.advance(now)


def main() -> None:
    """Measure and print."""
    rates = np.arange(365 * 1_440, dtype=np.int64)
    yardstick = cpu(lambda: [np.cumsum(rates) for _ in range(100)]) / 100
    for what, days, step_s, asked in (
        ("a year in one step", 365, 365 * DAY_S, "3.00 s"),
        ("a year in steps of a day", 365, DAY_S, "-"),
        ("four weeks in steps of an hour", 28, 3_600, "-"),
        ("a day in steps of a minute", 1, 60, "-"),
    ):
        seconds = cpu(partial(walk, days, step_s))
        print(f"{what:<34} {seconds:7.3f} s CPU  {seconds / yardstick:7.0f} sums  (asked: {asked})")


if __name__ == "__main__":
    main()
