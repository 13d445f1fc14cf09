"""Events for the API, as the engine logs them: the numbers, codes and values that the meter's own loggers show."""

from __future__ import annotations

from pydantic import BaseModel

from metering import EventLog

from .run_site import Behind
from .values import local_iso


class EventRow(BaseModel):
    """An event: its number since commissioning, the local time, its code, and values of the logger's own."""

    number: int
    at: str
    code: int
    values: list[int]


class EventRows(BaseModel):
    """A page of an event logger, the newest first."""

    log: str
    total: int
    offset: int
    rows: list[EventRow]


def event_rows(behind: Behind, log: EventLog, offset: int, limit: int) -> EventRows:
    """A page of events."""
    meter = behind.meter
    engine = meter.engine
    newest_first = engine.event_logger(log, meter.now()).rows[::-1]
    rows = [
        EventRow(
            number=event.number,
            at=local_iso(engine, engine.local_stamp(event.stamp)),
            code=event.code,
            values=list(event.values),
        )
        for event in newest_first[offset : offset + limit]
    ]
    return EventRows(log=log.name, total=len(newest_first), offset=offset, rows=rows)
