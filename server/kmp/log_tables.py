"""The loggers of the meter as KMP reads them: rows with numbers, stamps, and columns that are asked for by register.

A logger is known by its LID. Its rows are numbered since commissioning, the newest has the highest number (LogID). A
register is a column of a logger where the row holds what the register's source names: the load profile has `flow:A14`,
debiting logger 1 also `maximum_at:P14_T1`. Registers 05AE to 05B2 are the row's own: status, quality, rows in use,
depth, number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from metering import MWS_PER_WH, EnergyType, Event, EventLog, Flow, LoggerStatus, Maximum
from metering.debiting import TARIFFS_LOGGED
from metering.voltage_quality import VoltageEvent

from .registers import Register, Value
from .sources import Look, source
from .times import rtc, rtc_status

Column = Callable[[int], Value]
"""The value of a row, by its place; 0 is the oldest."""

_Kinds = dict[str, Callable[..., Callable[[Any], Value]]]


class LogTable(NamedTuple):
    """One logger as it is now."""

    newest: int
    """LogID of the newest row, 0 where none was ever written."""
    stamps: Sequence[int]
    """Normal time of each row, oldest first."""
    depth: int
    column: Callable[[Register], Column | None]
    status: Callable[[int], int]
    """`LoggerStatus` of a row."""

    @property
    def oldest(self) -> int:
        """LogID of the oldest row there is."""
        return self.newest - len(self.stamps) + 1


def _table(
    at: Look,
    newest: int,
    stamps: Sequence[int],
    depth: int,
    held: Callable[[str, Sequence[str]], Column | None],
    status: Callable[[int], int],
    quality: Callable[[int], int],
) -> LogTable:
    """A table of what `held` finds in rows, and of what every row has."""
    engine = at.engine

    def valid(row: int) -> bool:
        return not status(row) & LoggerStatus.CLOCK_INVALID

    common: dict[str, Column] = {
        "rtc": lambda row: rtc(engine, int(stamps[row]), valid=valid(row)),
        "rtc_status": lambda row: rtc_status(engine, int(stamps[row]), valid=valid(row)),
        "log_id": lambda row: newest - len(stamps) + 1 + row,
        "log_status": lambda row: status(row) & ~int(LoggerStatus.CLOCK_INVALID),
        "log_quality": quality,
        "log_rows": lambda row: len(stamps),
        "log_depth": lambda row: depth,
        "energy_format": lambda row: source("energy_format")(at),
    }

    def column(register: Register) -> Column | None:
        kind, *arguments = register.source.split(":")
        return common.get(kind) or held(kind, arguments)

    return LogTable(newest, stamps, depth, column, status)


def _of_rows(
    at: Look, rows: Sequence[Any], newest: int, depth: int, kinds: _Kinds, status: Callable[[Any], int] = lambda _: 0
) -> LogTable:
    """A logger of plain rows."""

    def held(kind: str, arguments: Sequence[str]) -> Column | None:
        try:
            take = kinds[kind](*arguments)
        except KeyError:
            return None
        return lambda row: take(rows[row])

    stamps = [row.stamp for row in rows]
    return _table(
        at, newest, stamps, depth, held,
        lambda row: status(rows[row]),
        lambda row: getattr(rows[row], "quality", 0),
    )  # fmt: skip


# --- debiting --------------------------------------------------------------------------------------


def _energies(tariffs: int) -> _Kinds:
    """Energies and tariffs of the rows of both debiting loggers."""

    def flow(name: str) -> Callable[[Any], Value]:
        index = Flow[name]
        return lambda row: int(row.energies[index])

    def tariff(name: str, number: str) -> Callable[[Any], Value]:
        index, which = Flow[name], int(number)
        if which > tariffs:
            raise KeyError(number)
        return lambda row: int(row.tariff_energies[index][which - 1])

    def energy(names: str) -> Callable[[Any], Value]:
        if names != "A14+A23":
            raise KeyError(names)
        return lambda row: int(row.energies[Flow.A14] + row.energies[Flow.A23])

    return {"flow": flow, "tariff": tariff, "energy": energy, "hours": lambda: lambda row: int(row.operating_s)}


def _debiting(at: Look) -> LogTable:
    logger = at.engine.billing_logger(at.now)

    def maximum(name: str) -> Callable[[Any], Value]:
        index = Maximum[name]
        return lambda row: int(row.maxima[index].value)

    def maximum_at(name: str) -> Callable[[Any], Value]:
        index = Maximum[name]
        return lambda row: rtc(at.engine, row.maxima[index].at)

    def accumulated(name: str) -> Callable[[Any], Value]:
        index = Maximum[name]
        return lambda row: int(row.accumulated[index])

    def threshold_count(tariff: str) -> Callable[[Any], Value]:
        if tariff != "0":
            raise KeyError(tariff)
        return lambda row: row.threshold_count & 0xFF

    kinds = _energies(8) | {
        "maximum": maximum,
        "maximum_at": maximum_at,
        "accumulated": accumulated,
        "threshold_count": threshold_count,
        "billing_count": lambda: lambda row: row.periods & 0xFF,
        "pulse_input": lambda: lambda row: int(row.pulse_input),
    }
    return _of_rows(at, logger.rows, logger.periods, logger.depth, kinds)


def _debiting_2(at: Look) -> LogTable:
    logger = at.engine.debiting_logger_2(at.now)
    kinds = _energies(TARIFFS_LOGGED)
    return _of_rows(at, logger.rows, logger.captured, logger.depth, kinds, lambda row: int(row.status))


# --- events ----------------------------------------------------------------------------------------


def _code(row: Event) -> int:
    return row.code


def _event_value(number: int, scale: int = 1) -> Callable[[Event], Value]:
    return lambda row: row.values[number] * scale


VOLTAGE_BITS: Final = {
    VoltageEvent.UNDER_MEAN: 0x40, VoltageEvent.SINGLE_MINIMUM: 0x40, VoltageEvent.MINIMUM_START: 0x40,
    VoltageEvent.OVER_MEAN: 0x80, VoltageEvent.SINGLE_MAXIMUM: 0x80, VoltageEvent.MAXIMUM_START: 0x80,
    VoltageEvent.OUTAGE: 0x10,
    VoltageEvent.MINIMUM_STOP: 0x20, VoltageEvent.MAXIMUM_STOP: 0x20, VoltageEvent.RE_ESTABLISHED: 0x20,
}  # fmt: skip
"""The event in register 043D: 10 below the cut-off, 20 back in the band, 40 under it, 80 over it."""
_ALL_PHASES: Final = 0x07


def voltage_event(row: Event) -> int:
    """Register 043D: bits 0 to 2 for L1 to L3, all of them where the event is of no phase, and the event."""
    phases = 1 << row.code - 1 if row.code else _ALL_PHASES
    return phases | VOLTAGE_BITS[VoltageEvent(row.values[0])]


_VOLTAGE_VALUES: Final[dict[str, Callable[[Event], Value]]] = {
    "phase": _code,
    "event": _event_value(0),
    "mean": _event_value(1, 1_000),
    "maximum": _event_value(2, 1_000),
    "minimum": _event_value(3, 1_000),
}


def _events(log: EventLog, kinds: Callable[[Look], _Kinds]) -> Callable[[Look], LogTable]:
    def table(at: Look) -> LogTable:
        logger = at.engine.event_logger(log, at.now)
        return _of_rows(at, logger.rows, logger.logged, logger.depth, kinds(at))

    return table


def _rtc_kinds(at: Look) -> _Kinds:
    return {"rtc_before": lambda: lambda row: rtc(at.engine, row.values[0])}


# --- columns ---------------------------------------------------------------------------------------


def _load_profile(at: Look) -> LogTable:
    profile = at.engine.load_profile(at.now)
    first_quadrant = at.engine.configuration.energy_type is EnergyType.IMPORT_FIRST_QUADRANT

    def held(kind: str, arguments: Sequence[str]) -> Column | None:
        if kind == "energy" and arguments == ["R1"] and first_quadrant:
            flow = Flow.R12
        elif kind == "flow":
            flow = Flow[arguments[0]]
        else:
            return None
        if flow not in profile.flows:
            return None
        values = profile.energies[profile.flows.index(flow)]
        return lambda row: int(values[row]) * MWS_PER_WH

    return _table(
        at, profile.captured, profile.stamps, profile.entries, held,  # type: ignore[arg-type]  # an array of integers
        lambda row: int(profile.status[row]), lambda row: int(profile.quality[row]),
    )  # fmt: skip


_GROUPS: Final = {"14": 1, "23": 2, "12": 3, "34": 4}


def _analysis_code(kind: str, arguments: Sequence[str]) -> tuple[int, int, int] | None:
    """Value groups C, D and E of the register the analysis logger knows by this source."""
    name, *more = [*arguments, ""]
    if kind in ("flow", "tariff", "power", "average", "phase_power"):
        group = _GROUPS.get(name[1:]) if name[:1] not in ("E", "S") else {"14": 9, "23": 10}.get(name[1:])
        if group is None:
            return None
        if kind == "phase_power":
            return group + 20 * int(more[0]), 7, 0
        fixed = {"flow": (8, 0), "power": (7, 0), "average": (25, 0)}.get(kind)
        return (group, *fixed) if fixed else (group, 8, int(more[0]))
    if kind == "mean":
        quantity, _, phase = name.partition("_L")
        base = {"I": 11, "U": 12}.get(quantity) or _GROUPS.get(quantity[1:] if quantity[0] in "PQ" else "")
        base = base or {"S14": 9, "S23": 10}[quantity]
        return base + 20 * int(phase), 25, 0
    if kind in ("voltage", "current"):
        return {"current": 11, "voltage": 12}[kind] + 20 * int(name), 7, 0
    if kind in ("factor", "mean_factor"):
        return 13 + 20 * int(name), 7 if kind == "factor" else 25, 0
    return {"pulse_input": (0, 128, 1), "hours": (96, 8, 0)}.get(kind)


def _analysis(at: Look) -> LogTable:
    logger = at.engine.analysis_logger(at.now)
    codes = {(code.c, code.d, code.e): index for index, code in enumerate(logger.registers)}

    def held(kind: str, arguments: Sequence[str]) -> Column | None:
        code = _analysis_code(kind, arguments)
        if code is None or code not in codes:
            return None
        values = logger.values[codes[code]]
        scale = MWS_PER_WH if kind in ("flow", "tariff") else 3_600 if kind == "hours" else 1
        return lambda row: int(values[row]) * scale

    return _table(
        at, logger.captured, logger.stamps, logger.entries, held,  # type: ignore[arg-type]  # an array of integers
        lambda row: int(logger.status[row]), lambda row: int(logger.quality[row]),
    )  # fmt: skip


_LOADERS: Final[dict[str, Callable[[Look], LogTable]]] = {
    "debiting": _debiting,
    "debiting_2": _debiting_2,
    "status": _events(EventLog.STATUS, lambda _: {"meter_status": lambda: _code}),
    "rtc": _events(EventLog.RTC, _rtc_kinds),
    "voltage_quality": _events(
        EventLog.VOLTAGE_QUALITY,
        lambda _: {"voltage_event": lambda: voltage_event, "voltage_quality": _VOLTAGE_VALUES.__getitem__},
    ),
    "disconnect": _events(
        EventLog.CUT_OFF, lambda _: {"breaker_state": lambda: _code, "breaker_feedback": lambda: _event_value(0)}
    ),
    "load_profile_event": _events(EventLog.LOAD_PROFILE, lambda _: {"load_profile_event": lambda: _code}),
    "neutral_fault": _events(EventLog.NEUTRAL_FAULT, lambda _: {"neutral_fault_event": lambda: _code}),
    "configuration": _events(
        EventLog.CONFIGURATION,
        lambda _: {"configuration_event": lambda: _code, "configuration_changes": lambda: lambda row: row.number},
    ),
    "load_profile": _load_profile,
    "analysis": _analysis,
}
"""The loggers by the names that device profiles give them an LID with."""

LOGGERS: Final = frozenset(_LOADERS)


def log_table(logger: str, at: Look) -> LogTable:
    """A logger, up to now."""
    return _LOADERS[logger](at)


def first_at_or_after(table: LogTable, stamp: int) -> int | None:
    """The place of the oldest row stamped no earlier; a clock set back makes stamps repeat."""
    found = np.flatnonzero(np.asarray(table.stamps) >= stamp)
    return int(found[0]) if found.size else None


def last_at_or_before(table: LogTable, stamp: int) -> int | None:
    """The place of the newest row stamped no later."""
    found = np.flatnonzero(np.asarray(table.stamps) <= stamp)
    return int(found[-1]) if found.size else None
