"""The paths of the control API.

`GET` looks, `POST` does. Errors are `{"detail": …}`: 404 no such meter, object or logger; 409 refused by this meter or
this run, with the reason; 401, 403, 413 and 503 by the guard (`guard.py`); 422 values that no meter takes, each with
the field and what is allowed. An input that was answered with 200 is on disk.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Path, Query
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator

from metering import EventLog
from metering.display import Segments, display
from metering.inputs import INPUT_KINDS
from obis import Obis

from ..markings import markings
from .events import EventRows, event_rows
from .input_models import InputFault, InputModel, Instant, input_model
from .loggers import Logger, LoggerRows, logger_rows, loggers
from .readings import MeterRow, MeterState, meter_row, meter_state
from .readouts import ReadoutReading, readout_reading
from .registers import Reading, reading, readings
from .run_site import LONGEST_STEP_S, Behind, NotDurable, NotThere, Refused, Site

_MOST_ROWS: Final = 1_000
"""Rows of a page; a thousand are a few hundred kilobytes."""

_Serial = Annotated[int, Path(description="serial number of the meter")]
_Offset = Annotated[int, Query(ge=0, description="newest rows to pass over")]
_Limit = Annotated[int, Query(ge=1, le=_MOST_ROWS)]


class Accepted(BaseModel):
    """An input that happened: at which true time, as which journal entry, and whether that is kept on disk."""

    meter: int
    kind: str
    at: datetime
    sequence: int
    journaled: bool = Field(description="false only where the run keeps nothing (--ephemeral)")


class Advance(BaseModel):
    """How far stepped time is to go: by so many seconds, or to an instant (ISO 8601; without an offset UTC)."""

    model_config = ConfigDict(extra="forbid")
    seconds: Annotated[int, Strict(), Field(ge=0, le=LONGEST_STEP_S)] | None = None
    to: Instant | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Advance:
        if (self.seconds is None) == (self.to is None):
            raise ValueError("one of seconds and to is needed")
        return self


class TimeState(BaseModel):
    """True time of the run, and whether it moves only when told."""

    time: datetime
    stepped: bool


class Problem(BaseModel):
    """Why not."""

    detail: str


_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": Problem, "description": "no such meter, object or logger"},
    409: {"model": Problem, "description": "refused, with the reason"},
    503: {"model": Problem, "description": "not kept on disk, or not done in time: not acknowledged"},
}


def control_application(site: Site, *, with_token: bool) -> FastAPI:
    """The API of a site, without its guard."""
    application = FastAPI(
        title="meter382 control API",
        version=version("meter382"),
        description="What happens around running meters: load, supply, hands and time; and how they stand.",
        redoc_url=None,
        responses=_PROBLEMS,
        dependencies=[Depends(HTTPBearer(auto_error=False))] if with_token else [],
    )
    application.add_exception_handler(Refused, lambda _, error: _problem(409, error))
    application.add_exception_handler(NotThere, lambda _, error: _problem(404, error))
    application.add_exception_handler(NotDurable, lambda _, error: _problem(503, error))
    application.add_exception_handler(RequestValidationError, lambda _, error: _unfit_values(error))
    application.add_exception_handler(Exception, lambda _, error: _problem(500, "a fault of this program; see its log"))
    _add_time(application, site)
    _add_readings(application, site)
    for kind in INPUT_KINDS.values():
        _add_input(application, site, input_model(kind))
    return application


def _problem(status: int, error: object) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status)


def _unfit_values(error: Exception) -> JSONResponse:
    """What is wrong where; the values themselves are not sent back (some are no JSON)."""
    assert isinstance(error, RequestValidationError)
    faults = [
        {"type": fault["type"], "loc": fault["loc"], "msg": fault["msg"].removeprefix("Value error, ")}
        for fault in error.errors()
    ]
    return JSONResponse({"detail": faults}, 422)


def _behind(site: Site) -> Callable[[int], Awaitable[Behind]]:
    """The dependency that finds the meter of a path."""

    async def behind(serial_number: _Serial) -> Behind:
        found = site.meters.get(serial_number)
        if found is None:
            raise NotThere(f"no meter {serial_number}; there are {', '.join(map(str, site.meters))}")
        return found

    return behind


def _obis(text: str) -> Obis:
    try:
        return Obis.parse(text)
    except ValueError as error:
        raise _unfit(("path", "obis"), str(error)) from error


def _unfit(place: tuple[str, ...], message: str) -> RequestValidationError:
    return RequestValidationError([{"type": "value_error", "loc": place, "msg": message}])


def _add_time(application: FastAPI, site: Site) -> None:
    def state() -> TimeState:
        return TimeState(time=datetime.fromtimestamp(site.time.now(), UTC), stepped=site.is_stepped)

    @application.get("/time", tags=["time"], summary="True time of this run")
    async def time() -> TimeState:
        return state()

    @application.post("/time/advance", tags=["time"], summary="Move stepped time on")
    async def advance(step: Advance) -> TimeState:
        seconds = step.seconds
        if seconds is None:
            assert step.to is not None
            seconds = int(step.to.timestamp()) - site.time.now()
        await site.advance(seconds)
        return state()


def _add_readings(application: FastAPI, site: Site) -> None:
    found = Depends(_behind(site))

    @application.get("/meters", tags=["meters"], summary="The meters of this run")
    async def meters() -> list[MeterRow]:
        return [meter_row(behind) for behind in site.meters.values()]

    @application.get("/meters/{serial_number}", tags=["meters"], summary="The state of a meter now")
    async def state(behind: Behind = found) -> MeterState:
        return meter_state(behind)

    @application.get("/meters/{serial_number}/display", tags=["display"], summary="The picture on the display now")
    async def picture(behind: Behind = found) -> Segments:
        return display(behind.meter.engine, behind.meter.now(), markings(behind.meter))

    @application.get("/meters/{serial_number}/readout", tags=["registers"], summary="What an optical head reads")
    async def readout(behind: Behind = found) -> ReadoutReading:
        return readout_reading(behind)

    @application.get("/meters/{serial_number}/registers", tags=["registers"], summary="The value of every object")
    async def every_register(behind: Behind = found) -> list[Reading]:
        return list(readings(behind))

    @application.get("/meters/{serial_number}/registers/{obis}", tags=["registers"], summary="One attribute")
    async def register(
        obis: str, behind: Behind = found, attribute: Annotated[int, Query(ge=1, le=127)] = 2
    ) -> Reading:
        return reading(behind, _obis(obis), attribute)

    @application.get("/meters/{serial_number}/loggers", tags=["loggers"], summary="The loggers of a meter")
    async def every_logger(behind: Behind = found) -> list[Logger]:
        return list(loggers(behind))

    @application.get("/meters/{serial_number}/loggers/{obis}", tags=["loggers"], summary="Rows, the newest first")
    async def rows(
        obis: str,
        behind: Behind = found,
        begin: Annotated[Instant | None, Query(alias="from", description="first capture time, ISO 8601")] = None,
        end: Annotated[Instant | None, Query(alias="to", description="last capture time")] = None,
        offset: _Offset = 0,
        limit: _Limit = 100,
    ) -> LoggerRows:
        return logger_rows(behind, _obis(obis), begin, end, offset, limit)

    @application.get("/meters/{serial_number}/events", tags=["events"], summary="Events, the newest first")
    async def events(behind: Behind = found, limit: _Limit = 100) -> list[EventRows]:
        return [event_rows(behind, log, 0, limit) for log in EventLog]

    @application.get("/meters/{serial_number}/events/{log}", tags=["events"], summary="One event logger")
    async def events_of(log: str, behind: Behind = found, offset: _Offset = 0, limit: _Limit = 100) -> EventRows:
        names = [item.name.lower() for item in EventLog]
        if log.lower() not in names:
            raise NotThere(f"no event logger {log}; there are {', '.join(names)}")
        return event_rows(behind, EventLog[log.upper()], offset, limit)


def _add_input(application: FastAPI, site: Site, kind: InputModel) -> None:
    """`POST …/inputs/KIND`, its body being the fields of the input."""
    found = Depends(_behind(site))
    model = kind.model

    async def endpoint(body: Any, behind: Any) -> Accepted:
        try:
            change = kind.build(model() if body is None else body)
        except InputFault as fault:
            raise _unfit(("body",) if fault.field is None else ("body", fault.field), str(fault)) from fault
        entry = await site.apply(behind.meter, change)
        return Accepted(
            meter=entry.serial_number,
            kind=kind.kind,
            at=datetime.fromtimestamp(entry.at, UTC),
            sequence=entry.sequence,
            journaled=site.store is not None,
        )

    empty = kind.is_complete_without_values
    endpoint.__annotations__ = {"body": model | None if empty else model, "behind": Behind, "return": Accepted}
    endpoint.__defaults__ = (None, found) if empty else (found,)
    application.post(
        f"/meters/{{serial_number}}/inputs/{kind.kind}",
        tags=["inputs"],
        name=kind.kind,
        summary=kind.summary.splitlines()[0],
        description=kind.summary,
    )(endpoint)
