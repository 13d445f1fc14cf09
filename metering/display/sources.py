"""Values on the display by name, in the engine's units: mWs, mW, mV, mA, mHz, s, counts, and stamps in normal time.

The names stand in `items.csv`: `energy:A14+A23`, `maximum:P14_T1`. What the engine does not know (numbers that were
printed or programmed) comes from `Markings`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import isqrt
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..demand import Maximum
from ..quantities import MWS_PER_WH, Energy, Flow

if TYPE_CHECKING:
    from ..meter import Meter


class Markings(NamedTuple):
    """What the display tells of a meter that the engine does not know."""

    meter_numbers: tuple[int, int, int] = (0, 0, 0)
    special_data: tuple[int, int] = (0, 0)
    software_number: str = ""
    software_revision: str = ""
    rom_checksum: int = 0
    radio: bool = False
    module: bool = False


class Glance(NamedTuple):
    """One look at one meter."""

    meter: Meter
    now: int
    markings: Markings


Value = int | str | None
Source = Callable[[Glance], Value]


def _energy(names: str) -> Source:
    channels = [Energy[name] for name in names.split("+")]
    return lambda at: sum(at.meter.energy(channel, at.now) for channel in channels)


def _tariff_energy(flow: str, tariff: str) -> Source:
    of, number = Flow[flow], int(tariff)
    return lambda at: at.meter.tariff_energy(of, number, at.now)


def _net(at: Glance) -> int:
    return at.meter.energy(Energy.A14, at.now) - at.meter.energy(Energy.A23, at.now)


def _power(flow: str) -> Source:
    field = f"{flow.lower()}_{'mw' if flow[0] == 'P' else 'mvar'}"
    return lambda at: int(getattr(at.meter.instantaneous(at.now), field))


def _phase_power(phase: str) -> Source:
    return lambda at: max(0, at.meter.instantaneous(at.now).active_mw[int(phase) - 1])


def _apparent(sign: str) -> Source:
    def read(at: Glance) -> int:
        seen = at.meter.instantaneous(at.now)
        active, reactive = seen.p14_mw - seen.p23_mw, seen.q12_mvar - seen.q34_mvar
        exporting = active < 0
        return isqrt(active * active + reactive * reactive) if exporting == (sign == "-1") else 0

    return read


def _power_factor(phase: str) -> Source:
    """In hundredths: of a phase, or of the sum for 0; 1 where nothing flows."""

    def read(at: Glance) -> int:
        seen, index = at.meter.instantaneous(at.now), int(phase) - 1
        if index < 0:
            active, reactive = seen.p14_mw - seen.p23_mw, seen.q12_mvar - seen.q34_mvar
        else:
            active, reactive = seen.active_mw[index], seen.reactive_mvar[index]
        apparent = isqrt(active * active + reactive * reactive)
        return (200 * abs(active) + apparent) // (2 * apparent) if apparent else 100

    return read


def _maximum(name: str) -> Source:
    return lambda at: at.meter.demand(at.now).maxima[Maximum[name]].value


def _maximum_at(name: str) -> Source:
    return lambda at: at.meter.demand(at.now).maxima[Maximum[name]].at


def _accumulated(name: str) -> Source:
    return lambda at: at.meter.demand(at.now).accumulated[Maximum[name]]


def _billing(flow: str) -> Source:
    def read(at: Glance) -> Value:
        rows = at.meter.billing_logger(at.now).rows
        return rows[-1].energies[Flow[flow]] if rows else None

    return read


def _billing_at(at: Glance) -> Value:
    rows = at.meter.billing_logger(at.now).rows
    return rows[-1].stamp if rows else None


def _load_profile(flow: str) -> Source:
    def read(at: Glance) -> Value:
        profile = at.meter.load_profile(at.now)
        column = profile.energies[profile.flows.index(Flow[flow])]
        return int(column[-1]) * MWS_PER_WH if column.size else None

    return read


def _load_profile_at(at: Glance) -> Value:
    stamps = at.meter.load_profile(at.now).stamps
    return int(stamps[-1]) if stamps.size else None


def _clock(at: Glance) -> int:
    return at.meter.clock(at.now) + at.meter.configuration.gmt_offset_s


_SOURCES: Final[dict[str, Callable[..., Source]]] = {
    "energy": _energy,
    "tariff_energy": _tariff_energy,
    "net": lambda: _net,
    "trip": lambda flow: lambda at: at.meter.trip_counter(Flow[flow], at.now),
    "power": _power,
    "phase_power": _phase_power,
    "apparent": _apparent,
    "power_factor": _power_factor,
    "maximum": _maximum,
    "maximum_at": _maximum_at,
    "accumulated": _accumulated,
    "day_maximum": lambda: lambda at: at.meter.demand(at.now).last_day.maximum.value,
    "day_maximum_at": lambda: lambda at: at.meter.demand(at.now).last_day.maximum.at,
    "day_minimum": lambda: lambda at: at.meter.demand(at.now).last_day.minimum.value,
    "day_minimum_at": lambda: lambda at: at.meter.demand(at.now).last_day.minimum.at,
    "voltage": lambda phase: lambda at: at.meter.instantaneous(at.now).voltage_mv[int(phase) - 1],
    "current": lambda phase: lambda at: at.meter.instantaneous(at.now).current_ma[int(phase) - 1],
    "frequency": lambda: lambda at: at.meter.frequency_millihz(at.now),
    "clock": lambda: _clock,
    "hour_counter": lambda: lambda at: at.meter.operating_s(at.now) // 3_600,
    "pulse_input": lambda: lambda at: at.meter.pulse_input,
    "billing_count": lambda: lambda at: at.meter.billing_logger(at.now).periods,
    "billing": _billing,
    "billing_at": lambda: _billing_at,
    "load_profile": _load_profile,
    "load_profile_at": lambda: _load_profile_at,
    "prepayment": lambda: lambda at: at.meter.prepayment(at.now).remaining_mws,
    "prepayment_debt": lambda: lambda at: at.meter.prepayment(at.now).debt_mws,
    "power_threshold": lambda: lambda at: at.meter.demand(at.now).thresholds_w[0] * 1000,
    "power_threshold_count": lambda: lambda at: at.meter.demand(at.now).threshold_counts[0],
    "meter_status": lambda: lambda at: int(at.meter.status(at.now).meter),
    "meter_number": lambda number: lambda at: at.markings.meter_numbers[int(number) - 1],
    "special_data": lambda number: lambda at: at.markings.special_data[int(number) - 1],
    "serial_number": lambda: lambda at: at.meter.configuration.serial_number,
    "rom_checksum": lambda: lambda at: at.markings.rom_checksum & 0xFFFF,
    "software_number": lambda: lambda at: at.markings.software_number,
    "display_test": lambda: lambda at: None,
    "call": lambda: lambda at: "CALL",
}


@cache
def source(name: str) -> Source:
    """The value of this name; raises `KeyError` where there is none."""
    kind, *arguments = name.split(":")
    make: Any = _SOURCES[kind]
    made: Source = make(*arguments)
    return made
