"""The state of a meter: everything it knows that its configuration, its installation and the time do not say.

State is settled up to `time`. `Meter` moves it through time, `effects.py` changes it where an input says so;
here it is only held, stored and read back.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from .analysis import AnalysisLogger
from .billing import BillingEntry, BillingLogger
from .breaker import Breaker
from .breaker_states import Feedback
from .clock import Zone
from .configuration import MeterConfiguration
from .crystal import Crystal
from .debiting import DebitingLogger
from .demand import Demand
from .display import DisplayLists
from .enclosure import Enclosure
from .event_log import NEUTRAL_FAULT_DEPTH, EventLog, EventLogger
from .hourly import HourlyStore
from .inputs import SetLoad, input_from_dict
from .load_control import LoadControl
from .load_profile import NO_STATUS, DataQuality, LoadProfile, LoggerStatus
from .prepayment import Prepayment
from .pulses import PulseScale
from .quantities import FLOW_ENERGIES, TARIFFS, Energy, Flow, IntArray
from .schedule import TargetDays
from .status import LOG_EVENTS, EventA, Status
from .supply import LOWEST_MV, Supply
from .tariff_control import TariffControl
from .view import Watcher
from .voltage_quality import VoltageQuality

_PLAIN: Final = (
    "time",
    "clock_offset_s",
    "clock_valid",
    "dst",
    "verification",
    "logged_until",
    "energies",
    "tariff_energies",
    "tariff_seconds",
    "trip_base",
    "operating_s",
    "pulse_input",
    "pulse_remainder_milli",
)
"""Fields that are JSON as they stand."""


class Part(Protocol):
    """A part of the state that a snapshot holds."""

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        ...

    def restore(self, values: dict[str, Any]) -> None:
        """Take over a state that `state` gave."""
        ...


class Machine(Watcher, Part, Protocol):
    """A part that acts by itself while the meter runs."""

    def restart(self, state: MeterState) -> None:
        """The meter has started again after a time without supply, at `state.time`."""
        ...


class MeterState:
    """A meter's state, at first that of a meter just commissioned: everything zero."""

    def __init__(self, configuration: MeterConfiguration) -> None:
        self.configuration = configuration
        self.time = configuration.commissioned_at
        """True time up to which the state is settled."""
        self.clock_offset_s = 0
        """Meter clock less true time."""
        self.clock_valid = configuration.rtc_backup_s is not None
        """Whether the clock has run without a break since it was set (or since commissioning, with a clock fitted)."""
        self.dst = configuration.dst
        """Whether daylight saving time is shown."""
        self.verification = False
        """Whether energies are shown in high resolution."""
        self.logged_until = self.time + configuration.gmt_offset_s
        """Normal time up to which boundaries are done with; ahead of the clock after a small correction back."""
        self.energies = [0] * len(Energy)
        """Registers in mWs, by `Energy`."""
        self.tariff_energies = [[0] * TARIFFS for _ in Flow]
        """Tariff registers in mWs, by `Flow`, then tariff 1 to 8."""
        self.tariff_seconds = [0] * TARIFFS
        """Seconds in operation in each tariff: its hour counter, finer."""
        self.tariff_control = TariffControl(configuration)
        self.tariff = self.tariff_control.tariff(self.time, self.zone)
        """The tariff counted in from `time` on."""
        self.trip_base = [0] * len(Flow)
        """Readings of the flows at the last reset of the trip counters."""
        self.operating_s = 0
        self.pulse_input = 0
        """Units counted."""
        self.pulse_remainder_milli = 0
        """Thousandths of a pulse beyond the last whole unit."""
        self.pulse_scale = PulseScale(
            configuration.pulse_input_constant_milli, configuration.pulse_input_unit, configuration.pulse_input_speed
        )
        self.target_days = TargetDays(
            configuration.billing_day, configuration.billing_interval_months, configuration.billing_start_month
        )
        self.set_load: SetLoad | None = None
        """The load in place of the installation's, if one was set."""
        self.status = Status()
        self.enclosure = Enclosure()
        self.display = DisplayLists(configuration)
        self.supply = Supply()
        self.voltage_quality = VoltageQuality(self.time)
        self.breaker = Breaker(configuration.breaker)
        self.prepayment = Prepayment(self.breaker)
        self.load_control = LoadControl(configuration.serial_number)
        self.crystal = Crystal(configuration)
        self.demand = Demand(
            configuration.integration_period_s,
            self.time,
            configuration.power_threshold_w,
            configuration.peak_tariff,
        )
        period_s = configuration.load_profile_period_s
        self.load_profile = LoadProfile(
            period_s, configuration.load_profile_entries(period_s), configuration.energy_type.flows
        )
        self.billing = BillingLogger(configuration.billing_depth)
        self.debiting2 = DebitingLogger(configuration.debiting2_depth, configuration.debiting2_interval)
        self.analysis = AnalysisLogger(configuration.analysis_period_s, configuration.analysis_registers)
        self.hourly = HourlyStore()
        self.events = {log: EventLogger(configuration.event_logger_depth) for log in EventLog}
        self.events[EventLog.NEUTRAL_FAULT] = EventLogger(NEUTRAL_FAULT_DEPTH)

    @property
    def machines(self) -> dict[str, Machine]:
        """What acts by itself while the meter runs, in the order it acts in at one instant."""
        return {
            "voltage_quality": self.voltage_quality,
            "breaker": self.breaker,
            "prepayment": self.prepayment,
            "load_control": self.load_control,
        }

    @property
    def watchers(self) -> tuple[Watcher, ...]:
        """Those that watch at present: without supply only the supply itself and the crystal of the clock."""
        always: tuple[Watcher, ...] = (self.supply, self.crystal)
        return (*always, *self.machines.values()) if self.supply.powered else always

    @property
    def _parts(self) -> dict[str, Part]:
        return {
            "supply": self.supply,
            "crystal": self.crystal,
            "status": self.status,
            "enclosure": self.enclosure,
            "display": self.display,
            "tariff_control": self.tariff_control,
            "debiting2": self.debiting2,
            "analysis": self.analysis,
            "hourly": self.hourly,
            **self.machines,
        }

    def log(self, log: EventLog, code: int, *values: int) -> None:
        """An event happens now: a row in this logger, and its bit in event status A."""
        self.events[log].log(self.normal_time, code, *values)
        self.status.note(LOG_EVENTS[log])

    @property
    def breaker_feedback(self) -> Feedback:
        """What is seen of the breaker just before `time`."""
        return self.breaker.feedback(self.voltage_quality.last_mv, LOWEST_MV)

    def mark_rows(self, status: LoggerStatus, quality: DataQuality) -> None:
        """Put these marks on the next row of each logger that captures, besides those already waiting."""
        for logger in (self.load_profile, self.analysis, self.debiting2):
            logger.mark(status, quality)

    @property
    def row_status(self) -> LoggerStatus:
        """The status of every row written at present."""
        return NO_STATUS if self.clock_valid else LoggerStatus.CLOCK_INVALID

    @property
    def row_quality(self) -> DataQuality:
        """The quality of every row written at present."""
        return self.voltage_quality.row_quality()

    @property
    def zone(self) -> Zone:
        """The local time shown."""
        return Zone(self.configuration.gmt_offset_s, self.dst)

    def choose_tariff(self) -> None:
        """Take up the tariff that holds from `time` on."""
        self.tariff = self.tariff_control.tariff(self.time + self.clock_offset_s, self.zone)

    @property
    def shift_s(self) -> int:
        """Seconds from true time to normal time."""
        return self.clock_offset_s + self.configuration.gmt_offset_s

    @property
    def normal_time(self) -> int:
        """Normal time at `time`."""
        return self.time + self.shift_s

    def flow_readings(self) -> list[int]:
        """Total registers of the flows at `time`, mWs."""
        return [sum(self.energies[channel] for channel in channels) for channels in FLOW_ENERGIES]

    def flow_column(self) -> IntArray:
        """The same as an array of one column."""
        return np.array(self.flow_readings(), dtype=np.int64)[:, None]

    def stop_billing(self) -> None:
        """End the billing period: write a row, add up the peaks and begin new ones."""
        self.status.note(EventA.BILLING_LOG)
        demand, billing = self.demand, self.billing
        peaks = demand.maxima
        demand.stop_billing()
        billing.periods += 1
        billing.append(
            BillingEntry(
                stamp=self.normal_time,
                energies=self.flow_readings(),
                tariff_energies=[list(row) for row in self.tariff_energies],
                maxima=peaks,
                accumulated=list(demand.accumulated),
                operating_s=self.operating_s,
                periods=billing.periods,
                threshold_count=demand.threshold_counts[0],
                pulse_input=self.pulse_input,
            )
        )

    def to_plain(self) -> tuple[dict[str, Any], dict[str, NDArray[np.generic]]]:
        """JSON values and columns that `from_plain` takes; the values are still the state's own, pack them at once."""
        profile, columns = self.load_profile.state()
        plain = {name: getattr(self, name) for name in _PLAIN}
        plain |= {
            "pulse_scale": self.pulse_scale,
            "target_days": self.target_days,
            "set_load": None if self.set_load is None else self.set_load.to_dict(),
            "demand": self.demand.state(),
            "load_profile": profile,
            "billing": self.billing.state(),
            "events": {log.name: logger.state() for log, logger in self.events.items()},
            "parts": {name: part.state() for name, part in self._parts.items()},
        }
        return plain, columns

    @classmethod
    def from_plain(
        cls, configuration: MeterConfiguration, plain: dict[str, Any], columns: dict[str, NDArray[np.generic]]
    ) -> MeterState:
        """The state that gave these."""
        state = cls(configuration)
        for name in _PLAIN:
            setattr(state, name, plain[name])
        if "target_days" in plain:  # snapshots of older versions: as ordered
            state.pulse_scale = PulseScale(*plain["pulse_scale"])
            state.target_days = TargetDays(*plain["target_days"])
        if plain["set_load"] is not None:
            load = input_from_dict(plain["set_load"])
            assert isinstance(load, SetLoad)
            state.set_load = load
        state.demand = Demand.restore(plain["demand"])
        state.load_profile = LoadProfile.restore(plain["load_profile"], columns)
        state.billing.restore(plain["billing"])
        for log, logger in state.events.items():
            if log.name in plain["events"]:  # snapshots of older versions have no configuration logger
                logger.restore(plain["events"][log.name])
        for name, part in state._parts.items():
            part.restore(plain["parts"][name])
        return state
