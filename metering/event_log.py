"""Event loggers: time-stamped events in rings. What an event's code and values mean is the logger's affair."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple


class EventLog(IntEnum):
    """The event loggers of a 382M; the value is group E of 1.1.99.98.E.255."""

    STATUS = 2
    RTC = 3
    VOLTAGE_QUALITY = 4
    CUT_OFF = 5
    LOAD_PROFILE = 10
    NEUTRAL_FAULT = 12
    UPLOAD_SUCCESS = 13
    UPLOAD_FAIL = 14


NEUTRAL_FAULT_DEPTH = 45
"""Rows of the neutral fault logger; the others follow the configuration (OMNIPOWER technical description 4.9)."""


class LoadProfileEvent(IntEnum):
    """Codes in the load profile event logger (382M DLMS description 3.4.6, object 1.1.96.5.3)."""

    DELETED_REGISTERS_CHANGED = 2
    DELETED_MANUALLY = 4
    INTERVAL_CHANGED = 5
    DISABLED = 6
    ENABLED = 7


RTC_CHANGED = 1
"""The code in the RTC logger (object 0.1.96.10.3); its values are normal time before and after."""


class Event(NamedTuple):
    """One event: its number since commissioning, its normal time, its code, and values of the logger's own."""

    number: int
    stamp: int
    code: int
    values: tuple[int, ...] = ()


class EventLogger:
    """A ring of `Event`, oldest first."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.rows: list[Event] = []
        self.logged = 0
        """Events since commissioning: the number of the newest."""

    def log(self, stamp: int, code: int, *values: int) -> None:
        """Add an event at this normal time."""
        self.logged += 1
        self.rows.append(Event(self.logged, stamp, code, values))
        del self.rows[: -self.depth]

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {"logged": self.logged, "rows": self.rows}

    def restore(self, values: dict[str, Any]) -> None:
        """Take over a state that `state` gave."""
        self.logged = values["logged"]
        self.rows = [_event(row) for row in values["rows"]]


def _event(row: Sequence[Any]) -> Event:
    number, stamp, code, values = row
    return Event(number, stamp, code, tuple(values))
