"""Values of the meter by name, in the units of the wire, as functions of a request's context.

The names stand in object lists and readout lists: `energy:a14`, `tariff_energy:a14:2`, `power:p14`. Energies
are whole Wh and varh modulo 2^32, powers W and var, currents 0.01 A, voltages V, the hour counter h.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cosem.date_time import STATUS_DST, STATUS_INVALID, UNSPECIFIED, DateTime
from metering import MWS_PER_WH, Energy, Flow, LocalTime, Maximum, Mean, Meter, Peak
from metering.configuration import DebitingInterval
from metering.load_control import Relay, RelayMode

Source = Callable[[Any], Any]

_U32: Final = 0xFFFFFFFF
_DEBITING: Final = tuple(DebitingInterval)
_RELAY_MODES: Final = tuple(RelayMode)
_FLOWS: Final = {"14": 0, "23": 1, "12": 2, "34": 3}
_CHANNELS: Final[dict[str, tuple[Energy, ...]]] = {
    "a14": (Energy.A14,),
    "a23": (Energy.A23,),
    "r1": (Energy.R1,),
    "r2": (Energy.R2,),
    "r3": (Energy.R3,),
    "r4": (Energy.R4,),
    "r12": (Energy.R1, Energy.R2),
    "r34": (Energy.R3, Energy.R4),
    "a1234": (Energy.A14, Energy.A23),
}


def flow(name: str) -> Flow:
    """The flow of `a14`, `p14`, `q34` …; raises `ValueError`."""
    if name[1:] not in _FLOWS or name[:1] not in "apqr":
        raise ValueError(f"no flow {name!r} (a14, a23, r12, r34 or p14, p23, q12, q34)")
    return Flow(_FLOWS[name[1:]])


def energy(name: str, divisor: int = MWS_PER_WH) -> Source:
    """A total energy register."""
    channels = _CHANNELS[name]
    if len(channels) == 1:
        channel = channels[0]

        def single(context: Any) -> int:
            meter = context.meter
            return int(meter.engine.energy(channel, meter.now()) // divisor & _U32)

        return single

    def total(context: Any) -> int:
        meter = context.meter
        now = meter.now()
        return int(sum(meter.engine.energy(channel, now) for channel in channels) // divisor & _U32)

    return total


def tariff_energy(name: str, tariff: str) -> Source:
    """A tariff register."""
    of, number = flow(name), int(tariff)

    def read(context: Any) -> int:
        meter = context.meter
        reading: int = meter.engine.tariff_energy(of, number, meter.now())
        return reading // MWS_PER_WH & _U32

    return read


def trip(name: str) -> Source:
    """A trip counter."""
    of = flow(name)
    return lambda context: context.meter.engine.trip_counter(of, context.meter.now()) // MWS_PER_WH & _U32


def power(name: str) -> Source:
    """A total power."""
    field = f"{name}_m{'w' if name.startswith('p') else 'var'}"
    return lambda context: getattr(context.meter.engine.instantaneous(context.meter.now()), field) // 1000


def phase_power(name: str, phase: str) -> Source:
    """The power of one phase in one direction."""
    field = "active_mw" if name.startswith("p") else "reactive_mvar"
    sign = 1 if flow(name) in (Flow.P14, Flow.Q12) else -1
    index = int(phase) - 1

    def read(context: Any) -> int:
        seen = context.meter.engine.instantaneous(context.meter.now())
        return int(max(0, sign * getattr(seen, field)[index]) // 1000)

    return read


def average(name: str) -> Source:
    """The average power of the last finished integration period."""
    of = flow(name)
    return lambda context: context.meter.engine.demand(context.meter.now()).averages[of] // 1000


def current(phase: str) -> Source:
    """The current of a phase in 0.01 A."""
    index = int(phase) - 1
    return lambda context: min(context.meter.engine.instantaneous(context.meter.now()).current_ma[index] // 10, _U32)


def average_current(phase: str) -> Source:
    """The mean current of a phase in the last integration period, in 0.01 A."""
    index = int(phase) - 1
    return lambda context: min(context.meter.engine.demand(context.meter.now()).means[Mean.I_L1 + index] // 10, _U32)


def voltage(phase: str) -> Source:
    """The voltage of a phase in V."""
    index = int(phase) - 1
    return lambda context: (context.meter.engine.instantaneous(context.meter.now()).voltage_mv[index] + 500) // 1000


def average_voltage(phase: str) -> Source:
    """The mean voltage of a phase in the last integration period, in V."""
    index = int(phase) - 1
    return lambda context: (context.meter.engine.demand(context.meter.now()).means[Mean.U_L1 + index] + 500) // 1000


def accumulated_maximum(name: str) -> Source:
    """The sum of the peaks of all finished billing periods."""
    maximum = Maximum(flow(name))
    return lambda context: context.meter.engine.demand(context.meter.now()).accumulated[maximum] // 1000 & _U32


PeakSource = Callable[[Any], Peak]


def maximum(name: str, tariff: str | None = None) -> PeakSource:
    """A peak of the running billing period, of all tariffs or of tariff 1 or 2."""
    of = Maximum(flow(name)) if tariff is None else Maximum[f"P14_T{tariff}"]
    return lambda context: context.meter.engine.demand(context.meter.now()).maxima[of]


def daily_minimum(_: str) -> PeakSource:
    """The lowest average of the last whole day."""
    return lambda context: context.meter.engine.demand(context.meter.now()).last_day.minimum


def daily_maximum(_: str) -> PeakSource:
    """The highest average of the last whole day."""
    return lambda context: context.meter.engine.demand(context.meter.now()).last_day.maximum


PEAKS: Final[dict[str, Callable[..., PeakSource]]] = {
    "maximum": maximum,
    "daily_minimum": daily_minimum,
    "daily_maximum": daily_maximum,
}


def peak(name: str) -> PeakSource:
    """A peak with its time, by name; raises `ValueError`."""
    kind, *arguments = name.split(":")
    if kind not in PEAKS:
        raise ValueError(f"no peak {name!r} (there are {', '.join(PEAKS)})")
    return PEAKS[kind](*arguments)


def _configuration(number: str) -> Source:
    index = int(number) - 1
    return lambda context: context.meter.profile.identity.configuration_numbers[index]


def _software(field: str) -> Source:
    return lambda context: getattr(context.meter.profile.identity, f"software_{field}")


def _relay(context: Any, number: str) -> Relay:
    relay: Relay = context.meter.engine.load_control(context.meter.now()).relays[int(number) - 1]
    return relay


def _relay_wait(number: str) -> Source:
    """Seconds until a relay switches."""

    def read(context: Any) -> int:
        at = _relay(context, number).switch_at
        return 0 if at is None else max(0, at - context.meter.now())

    return read


def _invocation_counter(number: str) -> Source:
    setup = int(number)
    return lambda context: context.meter.security.setups[setup].invocation_counter


VALUES: Final[dict[str, Callable[..., Source]]] = {
    "energy": energy,
    "energy_fine": lambda name: energy(name, MWS_PER_WH // 10),
    "tariff_energy": tariff_energy,
    "trip": trip,
    "power": power,
    "phase_power": phase_power,
    "average": average,
    "current": current,
    "average_current": average_current,
    "voltage": voltage,
    "average_voltage": average_voltage,
    "accumulated_maximum": accumulated_maximum,
    "hour_counter": lambda: lambda context: context.meter.engine.operating_s(context.meter.now()) // 3600,
    "billing_count": lambda: lambda context: context.meter.engine.billing_logger(context.meter.now()).periods & 0xFF,
    "active_tariff": lambda: lambda context: context.meter.engine.tariff(context.meter.now()),
    "power_threshold": lambda: lambda context: context.meter.engine.demand(context.meter.now()).thresholds_w[0],
    "power_threshold_counter": lambda: (
        lambda context: context.meter.engine.demand(context.meter.now()).threshold_counts[0] & 0xFF
    ),
    "pulse_input": lambda: lambda context: context.meter.engine.pulse_input,
    "daylight_saving": lambda: lambda context: int(context.meter.engine.zone.dst),
    "meter_status": lambda: lambda context: int(context.meter.engine.status(context.meter.now()).meter),
    "event_status": lambda word: (
        lambda context: int(getattr(context.meter.engine.status(context.meter.now()), f"event_{word}"))
    ),
    "debiting_interval": lambda: (
        lambda context: _DEBITING.index(context.meter.engine.debiting_logger_2(context.meter.now()).interval)
    ),
    "breaker_state": lambda: lambda context: int(context.meter.engine.breaker(context.meter.now()).state_now),
    "breaker_feedback": lambda: lambda context: int(context.meter.engine.breaker_feedback(context.meter.now())),
    "breaker_threshold": lambda: lambda context: context.meter.engine.breaker(context.meter.now()).threshold,
    "breaker": lambda name: lambda context: context.meter.engine.breaker(context.meter.now()).parameters[name],
    "credit": lambda: (
        lambda context: context.meter.engine.prepayment(context.meter.now()).remaining_mws // MWS_PER_WH & _U32
    ),
    "relay_command": lambda number: lambda context: int(_relay(context, number).commanded),
    "relay_tariffs": lambda number: lambda context: _relay(context, number).tariffs,
    "relay_mode": lambda number: lambda context: _RELAY_MODES.index(_relay(context, number).mode),
    "relay_wait": _relay_wait,
    "relay_delay": lambda: lambda context: context.meter.engine.load_control(context.meter.now()).delay_s,
    "serial_number": lambda: lambda context: context.meter.serial_number,
    "type_number": lambda: lambda context: context.meter.type_number,
    "configuration": _configuration,
    "software": _software,
    "invocation_counter": _invocation_counter,
}


def value(name: str) -> Source:
    """A value by name; raises `ValueError` naming what there is."""
    kind, *arguments = name.split(":")
    if kind in PEAKS:
        source = peak(name)
        return lambda context: source(context).value // 1000
    if kind not in VALUES:
        raise ValueError(f"no value {name!r} (there are {', '.join([*VALUES, *PEAKS])})")
    try:
        return VALUES[kind](*arguments)
    except (TypeError, KeyError) as error:
        raise ValueError(f"{name!r}: {error}") from None


def date_time(local: LocalTime) -> DateTime:
    """A local time as the 382M sends it: no deviation, the status says whether it is daylight saving time."""
    return DateTime(*local[:7], UNSPECIFIED, status=STATUS_DST if local.dst else 0)


def stamp_date_time(engine: Meter, stamp: int | None, *, valid: bool = True) -> DateTime:
    """A stamp in normal time, rendered in local time; all fields open where there is none."""
    if stamp is None:
        return DateTime()
    shown = date_time(engine.local_stamp(stamp))
    return shown if valid else shown._replace(status=shown.status | STATUS_INVALID)
