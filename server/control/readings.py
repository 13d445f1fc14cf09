"""The state of a meter for the API: what the engine knows now, in W, var, VA, V, A, Wh and ISO 8601.

Energies and powers carry the names of the engine (`metering.Energy`, `metering.Flow`): A and P are active, R and Q
reactive, E and S apparent, the digits are quadrants. Values as a client reads them, rounded and wrapped, are in
`registers.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from pydantic import BaseModel, Field

from metering import MWS_PER_WH, Energy, Flow, Maximum, Meter, Peak
from metering.quantities import TARIFFS

from .apparatus import (
    BreakerReading,
    EnclosureReading,
    PrepaymentReading,
    RelayReading,
    StatusReading,
    breaker_reading,
    enclosure_reading,
    prepayment_reading,
    relays_reading,
    status_reading,
)
from .run_site import Behind
from .values import local_iso

_ENERGY_UNITS: Final = {"A": "Wh", "R": "varh", "E": "VAh"}
_POWER_UNITS: Final = {"P": "W", "Q": "var", "S": "VA"}
_POWERS: Final = ("P14", "P23", "Q12", "Q34", "S14", "S23")
"""The flows' names as powers, by `Flow`."""


class Quantity(BaseModel):
    """A value and its unit."""

    value: float
    unit: str


class PeakQuantity(Quantity):
    """A peak, and the local time of the end of its period."""

    at: str


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
    maxima: dict[str, PeakQuantity] = Field(description="since the last billing stop, those that there are")
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
    clock_valid: bool
    powered: bool
    status: StatusReading
    enclosure: EnclosureReading
    breaker: BreakerReading
    prepayment: PrepaymentReading
    relays: list[RelayReading]
    tariff: int
    energies: dict[str, Quantity]
    tariff_energies: dict[str, list[Quantity]] = Field(description="tariffs 1 to 8")
    powers: dict[str, Quantity]
    phases: list[Phase]
    demand: DemandState
    operating_s: int
    billing_periods: int
    pulse_input: int


def meter_row(behind: Behind) -> MeterRow:
    """Which meter it is."""
    meter = behind.meter
    return MeterRow(serial_number=meter.serial_number, profile=meter.profile.name, type_number=meter.type_number)


def meter_state(behind: Behind) -> MeterState:
    """All of it, at one instant."""
    meter = behind.meter
    engine, now = meter.engine, meter.now()
    seen = engine.instantaneous(now)
    phases = zip(seen.voltage_mv, seen.current_ma, seen.active_mw, seen.reactive_mvar, strict=True)
    powers = (seen.p14_mw, seen.p23_mw, seen.q12_mvar, seen.q34_mvar, seen.s14_mva, seen.s23_mva)
    return MeterState(
        **meter_row(behind).model_dump(),
        time=datetime.fromtimestamp(now, UTC),
        clock=local_iso(engine, engine.local_time(now)),
        clock_error_s=engine.clock(now) - now,
        clock_valid=engine.clock_valid(now),
        powered=engine.powered(now),
        status=status_reading(engine, now),
        enclosure=enclosure_reading(engine),
        breaker=breaker_reading(engine, now),
        prepayment=prepayment_reading(engine, now),
        relays=relays_reading(engine, now),
        tariff=engine.tariff(now),
        energies={item.name: _energy(item.name, engine.energy(item, now)) for item in Energy},
        tariff_energies={
            flow.name: [_energy(flow.name, engine.tariff_energy(flow, number + 1, now)) for number in range(TARIFFS)]
            for flow in Flow
        },
        powers=_powers(powers),
        phases=[
            Phase(voltage_v=u / 1000, current_a=i / 1000, active_w=p / 1000, reactive_var=q / 1000)
            for u, i, p, q in phases
        ],
        demand=_demand(engine, now),
        operating_s=engine.operating_s(now),
        billing_periods=engine.billing_logger(now).periods,
        pulse_input=engine.pulse_input,
    )


def _demand(engine: Meter, now: int) -> DemandState:
    demand = engine.demand(now)
    return DemandState(
        period_s=demand.period_s,
        running=_powers(engine.running_demand(now)),
        averages=_powers(demand.averages),
        maxima={
            item.name: shown for item in Maximum if (shown := _peak(engine, item, demand.maxima[item])) is not None
        },
        accumulated={item.name: _power(item.name, demand.accumulated[item]) for item in Maximum},
    )


def _energy(name: str, mws: int) -> Quantity:
    return Quantity(value=mws / MWS_PER_WH, unit=_ENERGY_UNITS[name[0]])


def _power(name: str, milli: int) -> Quantity:
    return Quantity(value=milli / 1000, unit=_POWER_UNITS[name[0]])


def _powers(values: Sequence[int]) -> dict[str, Quantity]:
    return {name: _power(name, value) for name, value in zip(_POWERS, values, strict=True)}


def _peak(engine: Meter, item: Maximum, peak: Peak) -> PeakQuantity | None:
    if peak.at is None:
        return None
    at = local_iso(engine, engine.local_stamp(peak.at))
    return PeakQuantity(**_power(item.name, peak.value).model_dump(), at=at)
