"""Internal tariff tables: which tariff holds at which local time, by season, kind of day and time of day.

A table is written as plain values, as TOML or JSON have them:

    name = "winter and summer"
    week = ["working", "working", "working", "working", "working", "free", "free"]     # Monday first
    [special_days]                        # a date of one year, or of every year
    "12-25" = "free"
    "2026-04-03" = "free"
    [[seasons]]
    name = "A"
    from = "10-01"
    days.working = { "00:00" = 2, "06:00" = 1, "22:00" = 2 }
    days.free = { "00:00" = 2 }

Kinds of day have names of the table's own choice; every season has a day programme for each of them.
A single season holds all the year. Limits are those of the 382M: 8 changes a day, 100 exception days (382M data
sheet); the times are local, so daylight saving time moves them. The tariff is a function of the local time shown:
when autumn repeats an hour its tariffs come twice, and what spring leaves out is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np

from .clock import DAY_S, DST_S, Zone, eu_summer, in_summer
from .quantities import TARIFFS, IntArray

CHANGES_PER_DAY: Final = 8
SPECIAL_DAYS: Final = 100
SEASONS: Final = 8
"""Season starts in a year (OMNIPOWER technical description 4.4.6.3)."""
_MINUTES: Final = 1_440
_LAST_YEAR: Final = 2099
"""The last year a clock counts: special days of later ones never come."""
_LONGEST_WAIT: Final = 40
"""Years until what comes every year has come at the latest: a 29 February that is a Monday, over the year 2100."""

Programme = tuple[tuple[int, int], ...]
"""Minute of the day and the tariff from there on, ascending; the first minute is 0."""


class Season(NamedTuple):
    """From a day of the year until the next season starts: a programme for each kind of day."""

    name: str
    month: int
    day: int
    days: tuple[tuple[str, Programme], ...]
    """By name of the kind of day, sorted."""


@dataclass(frozen=True)
class TariffTable:
    """Seasons, week and special days; build one with `from_dict`."""

    name: str
    week: tuple[str, ...]
    """Kind of each day of the week, Monday first."""
    seasons: tuple[Season, ...]
    """In the order of their starts."""
    special_days: tuple[tuple[int, int, int, str], ...]
    """Year (0 for every year), month, day, kind of day."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TariffTable:
        """Read plain values; raises `ValueError` naming the field, its value and what is allowed."""
        _keys("table", values, {"name", "week", "seasons"}, {"special_days"})
        name = _text("name", values["name"])
        week = _list("week", values["week"], range(7, 8), "seven kinds of day, Monday first")
        kinds = sorted({_text(f"week[{index}]", kind) for index, kind in enumerate(week)})
        special = values.get("special_days", {})
        if not isinstance(special, Mapping) or len(special) > SPECIAL_DAYS:
            raise ValueError(f"special_days is {special!r}; allowed: a table of at most {SPECIAL_DAYS} dates")
        kinds = sorted({*kinds, *(_text(f"special_days.{day}", kind) for day, kind in special.items())})
        listed = _list("seasons", values["seasons"], range(1, SEASONS + 1), f"1..{SEASONS} seasons")
        seasons = sorted(
            (_season(f"seasons[{index}]", season, kinds) for index, season in enumerate(listed)),
            key=lambda season: (season.month, season.day),
        )
        starts = [(season.month, season.day) for season in seasons]
        if len(set(starts)) != len(starts):
            raise ValueError(f"seasons have starts {starts}; allowed: different days")
        days = tuple(sorted((*_date(f"special_days.{day}", day), kind) for day, kind in special.items()))
        return cls(name, tuple(week), tuple(seasons), days)

    def to_dict(self) -> dict[str, object]:
        """The plain values that `from_dict` reads."""
        return {
            "name": self.name,
            "week": list(self.week),
            "special_days": {_date_text(*day[:3]): day[3] for day in self.special_days},
            "seasons": [
                {
                    "name": season.name,
                    "from": f"{season.month:02}-{season.day:02}",
                    "days": {
                        kind: {f"{minute // 60:02}:{minute % 60:02}": tariff for minute, tariff in programme}
                        for kind, programme in season.days
                    },
                }
                for season in self.seasons
            ],
        }

    @cached_property
    def highest_tariff(self) -> int:
        """The highest tariff used."""
        return max(tariff for season in self.seasons for _, programme in season.days for _, tariff in programme)

    @cached_property
    def one_tariff(self) -> bool:
        """Whether all programmes have one and the same tariff all the time."""
        programmes = [programme for season in self.seasons for _, programme in season.days]
        return len({tariff for programme in programmes for _, tariff in programme}) == 1

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Names of the kinds of day, sorted."""
        return tuple(kind for kind, _ in self.seasons[0].days)

    @cached_property
    def minutes(self) -> IntArray:
        """Minutes of the day at which any programme switches."""
        programmes = [programme for season in self.seasons for _, programme in season.days]
        return np.array(sorted({minute for programme in programmes for minute, _ in programme}), dtype=np.int64)

    @cached_property
    def tariffs(self) -> IntArray:
        """Tariff of every minute of the day: seasons by kinds of day by 1440."""
        out = np.empty((len(self.seasons), len(self.kinds), _MINUTES), dtype=np.int64)
        for number, season in enumerate(self.seasons):
            for kind, (_, programme) in enumerate(season.days):
                for minute, tariff in programme:
                    out[number, kind, minute:] = tariff
        return out

    def season_of(self, month: int, day: int) -> int:
        """Index of the season that holds on this day of the year."""
        started = [index for index, one in enumerate(self.seasons) if (one.month, one.day) <= (month, day)]
        return started[-1] if started else len(self.seasons) - 1

    def kind_of(self, year: int, month: int, day: int) -> str:
        """Kind of this day: a date of one year before a date of every year, and both before the week."""
        kinds = {entry[:3]: entry[3] for entry in self.special_days}
        weekday = date(year, month, day).weekday()
        return kinds.get((year, month, day)) or kinds.get((0, month, day)) or self.week[weekday]

    def day_programmes(self, first: int, count: int) -> tuple[IntArray, IntArray]:
        """Season and kind of `count` days, the first given in days since 1970, as indices into `tariffs`."""
        days = first + np.arange(count, dtype=np.int64)
        dates = days.astype("datetime64[D]")
        months = dates.astype("datetime64[M]")
        month = months.astype(np.int64) % 12 + 1
        day_of_year = month * 100 + (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
        starts = np.array([season.month * 100 + season.day for season in self.seasons])
        seasons = (np.searchsorted(starts, day_of_year, side="right") - 1) % len(self.seasons)
        kinds = np.array([self.kinds.index(kind) for kind in self.week])[(days + 3) % 7]
        years = dates.astype("datetime64[Y]").astype(np.int64) + 1970
        for year, month_, day, kind in self.special_days:  # sorted: those of every year come first and give way
            kinds[(day_of_year == month_ * 100 + day) & ((years == year) | (year == 0))] = self.kinds.index(kind)
        return seasons, kinds


class TariffCalendar:
    """A table in a zone: the switches of any stretch of the meter's clock, worked out a year at a time."""

    def __init__(self, table: TariffTable, zone: Zone) -> None:
        self.table = table
        self.zone = zone
        self._years: dict[int, tuple[IntArray, IntArray]] = {}

    def tariff(self, clock: int) -> int:
        """The tariff from this second of the meter's clock (UTC) on."""
        instants, tariffs = self._year(_year_of(clock))
        return int(tariffs[instants.searchsorted(clock, side="right") - 1])

    def switches(self, start: int, stop: int) -> tuple[IntArray, IntArray]:
        """Meter clock seconds between `start` and `stop` at which the tariff changes, and the tariffs from there on."""
        years = [self._year(year) for year in range(_year_of(start), _year_of(stop) + 1)]
        instants, tariffs = (np.concatenate(column) for column in zip(*years, strict=True))
        first = int(instants.searchsorted(start, side="right"))
        last = int(instants.searchsorted(stop, side="left"))
        changed = tariffs[first:last] != tariffs[first - 1 : last - 1]
        return instants[first:last][changed], tariffs[first:last][changed]

    def next_switch(self, after: int) -> int | None:
        """The first second of the meter's clock after `after` at which the tariff changes; None if it never does."""
        now = self.tariff(after)
        if self.table.one_tariff:
            return None
        first = _year_of(after)
        special = [min(day[0], _LAST_YEAR) for day in self.table.special_days]
        for year in range(first, max(first, *special, 0) + _LONGEST_WAIT + 1):
            instants, tariffs = self._year(year)
            found = np.flatnonzero((instants > after) & (tariffs != now))
            if found.size:
                return int(instants[found[0]])
        return None

    def _year(self, year: int) -> tuple[IntArray, IntArray]:
        """Instants in this UTC year at which the tariff changes, its first second being one, and the tariffs."""
        known = self._years.get(year)
        if known is not None:
            return known
        begin, end = ((date(one, 1, 1) - date(1970, 1, 1)).days * DAY_S for one in (year, year + 1))
        first, count = begin // DAY_S - 2, (end - begin) // DAY_S + 4
        local = ((first + np.arange(count, dtype=np.int64)) * DAY_S)[:, None] + self.table.minutes * 60
        normal = local.ravel() - self.zone.gmt_offset_s
        if self.zone.dst:
            normal = np.concatenate((normal, normal - DST_S, eu_summer(year)))
        instants = np.unique(np.append(normal, begin))
        instants = instants[(instants >= begin) & (instants < end)]
        seconds = instants + self.zone.gmt_offset_s + (in_summer(instants) * DST_S if self.zone.dst else 0)
        days = seconds // DAY_S
        seasons, kinds = self.table.day_programmes(first, count)
        tariffs = self.table.tariffs[seasons[days - first], kinds[days - first], (seconds - days * DAY_S) // 60]
        changed = np.concatenate(([True], np.diff(tariffs) != 0))
        self._years[year] = instants[changed], tariffs[changed]
        return self._years[year]


def _year_of(clock: int) -> int:
    return int(np.datetime64(clock, "s").astype("datetime64[Y]").astype(np.int64)) + 1970


def _season(field: str, values: Any, kinds: list[str]) -> Season:
    _keys(field, values, {"from", "days"}, {"name"})
    _, month, day = _date(f"{field}.from", values["from"], every_year=True)
    days = values["days"]
    _keys(f"{field}.days", days, set(kinds), set())
    programmes = tuple((kind, _programme(f"{field}.days.{kind}", days[kind])) for kind in kinds)
    return Season(_text(f"{field}.name", values.get("name", "-")), month, day, programmes)


def _programme(field: str, values: Any) -> Programme:
    if not isinstance(values, Mapping) or not 1 <= len(values) <= CHANGES_PER_DAY:
        raise ValueError(f"{field} is {values!r}; allowed: a table of 1..{CHANGES_PER_DAY} times and their tariffs")
    entries = []
    for time, tariff in values.items():
        match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", str(time))
        if match is None:
            raise ValueError(f"{field} has the time {time!r}; allowed: 00:00..23:59")
        if type(tariff) is not int or not 1 <= tariff <= TARIFFS:
            raise ValueError(f"{field}.{time} is {tariff!r}; allowed: 1..{TARIFFS}")
        entries.append((int(match[1]) * 60 + int(match[2]), tariff))
    entries.sort()
    if entries[0][0] != 0:
        raise ValueError(f"{field} begins at {min(values)}; allowed: a first time of 00:00")
    return tuple(entries)


def _date(field: str, text: Any, every_year: bool = False) -> tuple[int, int, int]:
    """Year (0 for every year), month and day."""
    match = re.fullmatch(r"(?:(\d{4})-)?(\d{2})-(\d{2})", str(text))
    try:
        assert match is not None
        assert not (every_year and match[1])
        year, month, day = int(match[1] or 0), int(match[2]), int(match[3])
        date(year or 2000, month, day)
    except (AssertionError, ValueError):
        allowed = "MM-DD" if every_year else "MM-DD or YYYY-MM-DD"
        raise ValueError(f"{field} is {text!r}; allowed: a date as {allowed}") from None
    return year, month, day


def _date_text(year: int, month: int, day: int) -> str:
    return f"{year:04}-{month:02}-{day:02}" if year else f"{month:02}-{day:02}"


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 40:
        raise ValueError(f"{field} is {value!r}; allowed: a text of 1..40 characters")
    return value


def _list(field: str, value: Any, lengths: range, allowed: str) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) not in lengths:
        raise ValueError(f"{field} is {value!r}; allowed: {allowed}")
    return value


def _keys(field: str, values: Any, needed: set[str], optional: set[str]) -> None:
    if not isinstance(values, Mapping):
        raise ValueError(f"{field} is {values!r}; allowed: a table of {', '.join(sorted(needed | optional))}")
    for key in values:
        if key not in needed | optional:
            raise ValueError(f"{field}.{key} is unknown; allowed: {', '.join(sorted(needed | optional))}")
    for key in sorted(needed):
        if key not in values:
            raise ValueError(f"{field}.{key} is missing")
