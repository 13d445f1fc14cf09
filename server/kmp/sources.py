"""What the registers of KMP hold, by the names in `registers.csv`, in the engine's units.

A name is a kind and its arguments: `flow:A14`, `tariff:A14:2`, `maximum_at:P14_T1`. What no engine knows (numbers of
the nameplate, permanent memory) comes from the meter around it. A `factory` value is the constant of a meter that
was read, where nobody knows what the register means.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cosem.data_types import SIMPLE_TYPES, decode_all
from cosem.interface_classes import Data
from cosem.xdlms import Descriptor
from metering import (
    MWS_PER_WH,
    DebitingInterval,
    Energy,
    EventLog,
    Flow,
    LocalTime,
    Maximum,
    Mean,
    Meter,
    Peak,
    TariffMode,
)
from metering.load_control import RelayMode
from metering.quantities import power_factor
from metering.voltage_bands import EVENT_S, OVER_MV, UNDER_MV
from metering.voltage_quality import NEUTRAL_S
from obis import Obis

from ..binding import Context
from ..binding.values import value as binding_value
from ..iec62056_21 import configuration as local_port
from ..markings import markings
from ..virtual_meter import VirtualMeter
from .registers import Register, Value, ascii_octets
from .times import clock_number, date_number, rtc, rtc_status

if TYPE_CHECKING:
    from ..binding import ObjectModel


class Look(NamedTuple):
    """One look at one meter."""

    meter: VirtualMeter
    model: ObjectModel
    now: int

    @property
    def engine(self) -> Meter:
        """The engine of the meter."""
        return self.meter.engine


Source = Callable[[Look], Value]

_ZERO_CELSIUS_MK: Final = 273_150
_DATA_TYPES: Final = {type_.name: type_ for type_ in SIMPLE_TYPES.values()}
_PHASES: Final = range(3)
_MODES: Final = tuple(TariffMode)
_RELAY_MODES: Final = tuple(RelayMode)
_INTERVALS: Final = tuple(DebitingInterval)

DEFAULT_ADDRESS: Final = 0x3F
ADDRESS_KEY: Final = b"KMP address"
"""Where CommAddrKMP, one octet, lies in permanent memory."""


def address(meter: VirtualMeter) -> int:
    """The destination a meter answers to."""
    kept = meter.memory.get(ADDRESS_KEY)
    return DEFAULT_ADDRESS if kept is None else kept[0]


# --- energies and powers ---------------------------------------------------------------------------


def _energy(names: str) -> Source:
    channels = [Energy[name] for name in names.split("+")]
    return lambda at: sum(at.engine.energy(channel, at.now) for channel in channels)


def _flow(name: str) -> Source:
    of = Flow[name]
    return lambda at: at.engine.flow_energy(of, at.now)


def _tariff(name: str, tariff: str) -> Source:
    of, number = Flow[name], int(tariff)
    return lambda at: at.engine.tariff_energy(of, number, at.now)


def _power(names: str) -> Source:
    units = {"P": "mw", "Q": "mvar", "S": "mva"}
    fields = [f"{name.lower()}_{units[name[0]]}" for name in names.split("+")]

    def read(at: Look) -> int:
        seen = at.engine.instantaneous(at.now)
        return sum(getattr(seen, field) for field in fields)

    return read


def _phase_power(name: str, phase: str) -> Source:
    """Of a phase in one direction; apparent power counts where the active power does."""
    of, index = Flow[name], int(phase) - 1
    sign = 1 if of in (Flow.P14, Flow.Q12, Flow.S14) else -1

    def read(at: Look) -> int:
        seen = at.engine.instantaneous(at.now)
        if name[0] == "P":
            return max(0, sign * seen.active_mw[index])
        if name[0] == "Q":
            return max(0, sign * seen.reactive_mvar[index])
        importing = seen.active_mw[index] >= 0
        return seen.phases_mva[index] if importing == (sign > 0) else 0

    return read


def _mean(name: str) -> Source:
    of = Mean[name]
    return lambda at: at.engine.demand(at.now).means[of]


def _mean_factor(phase: str) -> Source:
    """Power factor of the last integration period, thousandths; 0 is that of the sum."""
    index = int(phase)

    def read(at: Look) -> int:
        demand = at.engine.demand(at.now)
        if not index:
            averages = demand.averages
            return power_factor(averages[Flow.P14] + averages[Flow.P23], averages[Flow.S14] + averages[Flow.S23])
        p14, p23, s14, s23 = (demand.means[Mean[f"{name}_L{index}"]] for name in ("P14", "P23", "S14", "S23"))
        return power_factor(p14 + p23, s14 + s23)

    return read


# --- peaks -----------------------------------------------------------------------------------------

PeakOf = Callable[[Look], Peak]


def _maximum(name: str) -> PeakOf:
    of = Maximum[name]
    return lambda at: at.engine.demand(at.now).maxima[of]


_PEAKS: Final[dict[str, Callable[..., PeakOf]]] = {
    "maximum": _maximum,
    "day_maximum": lambda: lambda at: at.engine.demand(at.now).last_day.maximum,
    "day_minimum": lambda: lambda at: at.engine.demand(at.now).last_day.minimum,
}


def _peak_sources(make: Callable[..., PeakOf], suffix: str) -> Callable[..., Source]:
    """Value of a peak, or its time as RTC, clock or date."""

    def build(*arguments: str) -> Source:
        peak = make(*arguments)

        def local(at: Look, number: Callable[[LocalTime], int]) -> int:
            stamp = peak(at).at
            return 0 if stamp is None else number(at.engine.local_stamp(stamp))

        sources: dict[str, Source] = {
            "": lambda at: peak(at).value,
            "_at": lambda at: rtc(at.engine, peak(at).at),
            "_time": lambda at: local(at, clock_number),
            "_date": lambda at: local(at, date_number),
        }
        return sources[suffix]

    return build


# --- clock, numbers, memory ------------------------------------------------------------------------


def _rtc(at: Look) -> bytes:
    return rtc(at.engine, _normal(at), valid=at.engine.clock_valid(at.now))


def _normal(at: Look) -> int:
    return at.engine.clock(at.now) + at.engine.configuration.gmt_offset_s


def _temperature(at: Look) -> int:
    return int(at.engine.installation.ambient(at.now, at.now + 1).temperature_millidegc[0]) + _ZERO_CELSIUS_MK


def _unbalance(at: Look) -> int:
    """The largest distance of a phase's voltage from their mean, thousandths of a percent."""
    voltages = at.engine.instantaneous(at.now).voltage_mv
    total = sum(voltages)
    return max(abs(3 * voltage - total) for voltage in voltages) * 100_000 // total if total else 0


_VOLTAGE_LIMITS: Final = {"low": UNDER_MV, "high": OVER_MV}


def _local_port(register: str) -> Source:
    number = local_port.number_of(int(register, 16))
    return lambda at: local_port.read(at.meter, number)


def _configuration(number: str) -> Source:
    index = int(number) - 1

    def read(at: Look) -> int:
        numbers = at.meter.profile.identity.configuration_numbers
        return numbers[index] if numbers else 0

    return read


def memory_key(name: str) -> bytes:
    """Where the value of a Data object lies in permanent memory."""
    return Descriptor(Data.class_id, Obis.parse(name), 2).to_bytes()


def _memory(name: str, type_: str, default: str) -> Source:
    key, codec = memory_key(name), _DATA_TYPES[type_]

    def read(at: Look) -> int:
        octets = at.meter.memory.get(key) or at.meter.defaults.get(key)
        return int(default) if octets is None else int(decode_all(codec, octets))

    return read


def _exception_time(end: str) -> Source:
    """Where the prepayment's slot of the day begins (0) or ends (1), HHMMSS."""
    index = int(end)

    def read(at: Look) -> int:
        seconds = at.engine.prepayment(at.now).slot[index]
        return seconds // 3_600 * 10_000 + seconds // 60 % 60 * 100 + seconds % 60

    return read


def _last_configured(at: Look) -> int:
    rows = at.engine.event_logger(EventLog.CONFIGURATION, at.now).rows
    return rows[-1].code if rows else 0


def _bound(name: str) -> Source:
    """A value that `server.binding.values` has, and that is no physical quantity."""
    read = binding_value(name)
    return lambda at: int(read(Context(at.model, at.meter, "optical")))


_BOUND: Final = (
    "event_status", "debiting_interval", "breaker_state", "breaker_feedback", "breaker_threshold", "breaker",
    "relay_command", "relay_tariffs", "relay_mode", "relay_wait", "relay_delay", "daylight_saving", "active_tariff",
    "serial_number", "meter_status",
)  # fmt: skip


def _bound_kind(kind: str) -> Callable[..., Source]:
    return lambda *arguments: _bound(":".join((kind, *arguments)))


SOURCES: Final[dict[str, Callable[..., Source]]] = {
    "energy": _energy,
    "flow": _flow,
    "tariff": _tariff,
    "trip": lambda name: lambda at: at.engine.trip_counter(Flow[name], at.now),
    "power": _power,
    "phase_power": _phase_power,
    "average": lambda name: lambda at: at.engine.demand(at.now).averages[Flow[name]],
    "mean": _mean,
    "mean_factor": _mean_factor,
    "factor": lambda phase: lambda at: at.engine.instantaneous(at.now).power_factors[int(phase) - 1],
    "angle": lambda phase: lambda at: at.engine.instantaneous(at.now).angles_deg[int(phase) - 1],
    "accumulated": lambda name: lambda at: at.engine.demand(at.now).accumulated[Maximum[name]],
    "threshold": lambda tariff: lambda at: at.engine.demand(at.now).thresholds_w[int(tariff)] * 1_000,
    "threshold_count": lambda tariff: lambda at: at.engine.demand(at.now).threshold_counts[int(tariff)] & 0xFF,
    "voltage": lambda phase: lambda at: at.engine.instantaneous(at.now).voltage_mv[int(phase) - 1],
    "current": lambda phase: lambda at: at.engine.instantaneous(at.now).current_ma[int(phase) - 1],
    "frequency": lambda: lambda at: at.engine.frequency_millihz(at.now),
    "temperature": lambda: _temperature,
    "rapid_changes": lambda: lambda at: sum(at.engine.voltage_quality(at.now).rapid_changes),
    "hours": lambda: lambda at: at.engine.operating_s(at.now),
    "tariff_hours": lambda tariff: lambda at: at.engine.tariff_seconds(int(tariff), at.now),
    "billing_count": lambda: lambda at: at.engine.billing_logger(at.now).periods & 0xFF,
    "pulse_input": lambda: lambda at: at.engine.pulse_input,
    "tariff_mode": lambda: lambda at: _MODES.index(at.engine.tariff_control.mode),
    "credit": lambda: lambda at: at.engine.prepayment(at.now).remaining_mws,
    "debt": lambda: lambda at: at.engine.prepayment(at.now).debt_mws,
    "last_top_up": lambda: lambda at: at.engine.prepayment(at.now).last_top_up_wh * MWS_PER_WH,
    "last_top_up_at": lambda: lambda at: rtc(at.engine, at.engine.prepayment(at.now).last_top_up_at),
    "low_power_left": lambda: lambda at: at.engine.prepayment(at.now).low_power_left_s(at.now),
    "exception_time": _exception_time,
    "prepayment_alarm": lambda: lambda at: at.engine.prepayment(at.now).alarm_limit_wh * MWS_PER_WH,
    "breaker_amperes": lambda name: lambda at: at.engine.breaker(at.now).parameters[name] * 1_000,
    "unbalance": lambda: _unbalance,
    "voltage_limit": lambda side: lambda at: _VOLTAGE_LIMITS[side],
    "voltage_event_seconds": lambda: lambda at: EVENT_S,
    "neutral_fault_seconds": lambda: lambda at: NEUTRAL_S,
    "local_port": _local_port,
    "event_mask": lambda word: lambda at: getattr(at.engine.status(at.now), f"mask_{word}"),
    "load_profile_interval": lambda: lambda at: at.engine.load_profile(at.now).period_s,
    "load_profile_size": lambda: lambda at: at.engine.load_profile(at.now).entries,
    "load_profile_depth": lambda: (
        lambda at: at.engine.load_profile(at.now).entries * at.engine.load_profile(at.now).period_s // 86_400
    ),
    "analysis_interval": lambda: lambda at: at.engine.analysis_logger(at.now).period_s,
    "analysis_depth": lambda: lambda at: int(at.engine.analysis_logger(at.now).depth_days),
    "clock": lambda: lambda at: clock_number(at.engine.local_time(at.now)),
    "date": lambda: lambda at: date_number(at.engine.local_time(at.now)),
    "rtc": lambda: _rtc,
    "rtc_status": lambda: lambda at: rtc_status(at.engine, _normal(at), valid=at.engine.clock_valid(at.now)),
    "configuration": _configuration,
    "configuration_changes": lambda: lambda at: at.engine.event_logger(EventLog.CONFIGURATION, at.now).logged,
    "configuration_event": lambda: _last_configured,
    "meter_number": lambda number: lambda at: markings(at.meter).meter_numbers[int(number) - 1],
    "special_data": lambda number: lambda at: markings(at.meter).special_data[int(number) - 1],
    "rom_checksum": lambda: lambda at: markings(at.meter).rom_checksum & 0xFFFF,
    "software_revision": lambda: lambda at: at.meter.profile.identity.software_revision_number,
    "type_number": lambda width: lambda at: ascii_octets(at.meter.type_number[-int(width) :]),
    "energy_format": lambda: lambda at: Context(at.model, at.meter, "optical").energy_format,
    "memory": _memory,
    "factory": lambda number: lambda at: int(number),
    "address": lambda: lambda at: address(at.meter),
    **{kind: _bound_kind(kind) for kind in _BOUND},
    **{
        f"{kind}{suffix}": _peak_sources(make, suffix)
        for kind, make in _PEAKS.items()
        for suffix in ("", "_at", "_time", "_date")
    },
}
"""Sources by kind."""


@cache
def source(name: str) -> Source:
    """The source of this name; raises `KeyError` for a kind there is not."""
    kind, *arguments = name.split(":")
    make: Any = SOURCES[kind]
    made: Source = make(*arguments)
    return made


def record(register: Register, at: Look) -> bytes:
    """A register as GetRegister gives it."""
    return register.header + register.mantissa(source(register.source)(at))
