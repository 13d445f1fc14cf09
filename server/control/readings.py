"""The state of a meter for the API: what the engine knows now, in W, var, V, A, Wh and ISO 8601.

Energies and powers carry the names of the engine (`metering.Energy`, `metering.Flow`): A and P are active, R and Q
reactive, the digits are quadrants. Values as a client reads them, rounded and wrapped, are in `registers.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, Field

from metering import MWS_PER_WH, Energy, EventLog, Flow, Maximum, Peak
from metering.quantities import TARIFFS

from .site import Behind
from .values import local_iso

_FLOW_NAMES = dict(zip(Flow, ("P14", "P23", "Q12", "Q34", "S14", "S23"), strict=True))
_UNITS = {"A": "Wh", "R": "varh", "E": "VAh", "P": "W", "Q": "var", "S": "VA"}
"""By the first letter of a name."""


class Quantity(BaseModel):
    """A value and its unit."""

    value: float
    unit: str


class PeakQuantity(Quantity):
    """A peak, and the local time of the end of its period."""

    at: str | None


class Phase(BaseModel):
    """One phase: active power is positive for import."""

    voltage_v: float
    current_a: float
    active_w: float
    reactive_var: float


class DemandState(BaseModel):
    """Averages of integration periods and their peaks."""

    period_s: int
    running: dict[str, Quantity] = Field(description="of the period that runs, so far")
    averages: dict[str, Quantity] = Field(description="of the last finished period")
    maxima: dict[str, PeakQuantity] = Field(description="since the last billing stop")
    accumulated: dict[str, Quantity] = Field(description="sums of the maxima of all finished billing periods")


class MeterRow(BaseModel):
    """A meter of this run."""

    serial_number: int
    profile: str
    type_number: str


class MeterState(MeterRow):
    """A meter now."""

    time: datetime = Field(description="true time")
    clock: str = Field(description="the meter's own clock, local time")
    clock_error_s: int = Field(description="its clock less true time")
    status: int = Field(description="the status byte (MeterStatus, 1.1.97.97.0.255)")
    tariff: int
    energies: dict[str, Quantity]
    tariff_energies: dict[str, list[Quantity]] = Field(description="tariffs 1 to 8")
    powers: dict[str, Quantity]
    phases: list[Phase]
    demand: DemandState
    operating_s: int
    billing_periods: int
    pulse_input: int


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


def meter_row(behind: Behind) -> MeterRow:
    """Which meter it is."""
    meter = behind.meter
    return MeterRow(serial_number=meter.serial_number, profile=meter.profile.name, type_number=meter.type_number)


def meter_state(behind: Behind) -> MeterState:
    """All of it, at one instant."""
    meter = behind.meter
    engine, now = meter.engine, meter.now()
    seen = engine.instantaneous(now)
    clock = engine.clock(now)
    powers = (seen.p14_mw, seen.p23_mw, seen.q12_mvar, seen.q34_mvar, seen.s14_mva, seen.s23_mva)
    phases = zip(seen.voltage_mv, seen.current_ma, seen.active_mw, seen.reactive_mvar, strict=True)
    return MeterState(
        **meter_row(behind).model_dump(),
        time=datetime.fromtimestamp(now, UTC),
        clock=local_iso(engine, engine.local_time(now)),
        clock_error_s=clock - now,
        status=behind.model.meter_status(meter),
        tariff=engine.tariff(now),
        energies={item.name: _energy(item.name, engine.energy(item, now)) for item in Energy},
        tariff_energies={
            flow.name: [_energy(flow.name, engine.tariff_energy(flow, number + 1, now)) for number in range(TARIFFS)]
            for flow in Flow
        },
        powers={_FLOW_NAMES[flow]: _power(flow, powers[flow]) for flow in Flow},
        phases=[
            Phase(voltage_v=u / 1000, current_a=i / 1000, active_w=p / 1000, reactive_var=q / 1000)
            for u, i, p, q in phases
        ],
        demand=_demand(behind, now),
        operating_s=engine.operating_s(now),
        billing_periods=engine.billing_logger(now).periods,
        pulse_input=engine.pulse_input,
    )


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


def _demand(behind: Behind, now: int) -> DemandState:
    engine = behind.meter.engine
    running, demand = engine.running_demand(now), engine.demand(now)
    return DemandState(
        period_s=demand.period_s,
        running={_FLOW_NAMES[flow]: _power(flow, running[flow]) for flow in Flow},
        averages={_FLOW_NAMES[flow]: _power(flow, demand.averages[flow]) for flow in Flow},
        maxima={item.name: _peak(behind, item, demand.maxima[item]) for item in Maximum},
        accumulated={item.name: _maximum(item, demand.accumulated[item]) for item in Maximum},
    )


def _energy(name: str, mws: int) -> Quantity:
    return Quantity(value=mws / MWS_PER_WH, unit=_UNITS[name[0]])


def _power(flow: Flow, milli: int) -> Quantity:
    return Quantity(value=milli / 1000, unit=_UNITS[_FLOW_NAMES[flow][0]])


def _maximum(item: Maximum, milli: int) -> Quantity:
    return Quantity(value=milli / 1000, unit=_UNITS[item.name[0]])


def _peak(behind: Behind, item: Maximum, peak: Peak) -> PeakQuantity:
    engine = behind.meter.engine
    at = None if peak.at is None else local_iso(engine, engine.local_stamp(peak.at))
    return PeakQuantity(**_maximum(item, peak.value).model_dump(), at=at)
