"""The meter: a deterministic function of its configuration, its inputs and time.

`Settling` moves the state on; here is what can be read of it. Readings take `now`, which never goes back: energies
are extrapolated along the straight line that holds, all else is settled first if a boundary has passed.
"""

from __future__ import annotations

from .analysis import AnalysisLogger
from .billing import BillingLogger
from .breaker import Breaker
from .breaker_states import Feedback
from .clock import LocalTime, Zone
from .debiting import DebitingLogger
from .demand import Demand
from .display import DisplayLayout
from .enclosure import Enclosure
from .event_log import EventLog, EventLogger
from .hourly import HourlyStore
from .load_control import LoadControl
from .load_profile import LoadProfile
from .prepayment import Prepayment
from .pulses import PulseScale
from .quantities import FLOW_ENERGIES, TARIFFS, Energy, Flow, Instantaneous
from .schedule import TargetDays
from .settling import Settling
from .status import Status
from .supply import LOWEST_MV, Supply
from .tariff_control import TariffControl
from .voltage_quality import VoltageQuality


class Meter(Settling):
    """One 382 on one installation.

    `Meter(configuration, installation)` is the meter at the moment it was commissioned, everything zero;
    `Meter.restore` goes on from a snapshot.
    """

    # --- the clock ------------------------------------------------------------------------------

    @property
    def shift_s(self) -> int:
        """Seconds from true time to normal time."""
        return self._state.shift_s

    def clock(self, now: int) -> int:
        """The meter's own clock at true time `now`, in UTC seconds."""
        self._enter(now)
        return now + self._state.clock_offset_s

    @property
    def zone(self) -> Zone:
        """The local time this meter shows."""
        return self._state.zone

    def local_time(self, now: int) -> LocalTime:
        """What the display shows at true time `now`."""
        return self.zone.local(self.clock(now))

    def local_stamp(self, stamp: int) -> LocalTime:
        """A stamp in normal time, as loggers and peaks hold them, in local time."""
        return self.zone.local(stamp - self.configuration.gmt_offset_s)

    # --- readings -------------------------------------------------------------------------------

    def energy(self, channel: Energy, now: int) -> int:
        """A register in mWs (mvars or mVAs for reactive or apparent channels)."""
        state, segment = self._state, self._segment
        if segment is None or not state.time <= now <= segment.end:
            segment = self._enter(now)
        return state.energies[channel] + segment.rates[channel] * (now - state.time)

    def flow_energy(self, flow: Flow, now: int) -> int:
        """The total register of a flow in mWs, mvars or mVAs."""
        return sum(self.energy(channel, now) for channel in FLOW_ENERGIES[flow])

    def tariff_energy(self, flow: Flow, tariff: int, now: int) -> int:
        """A tariff register of a flow in mWs, mvars or mVAs; `tariff` is 1 to 8."""
        if not 1 <= tariff <= TARIFFS:
            raise ValueError(f"tariff is {tariff}; allowed: 1..{TARIFFS}")
        state, segment = self._state, self._segment
        if segment is None or not state.time <= now <= segment.end:
            segment = self._enter(now)
        held = state.tariff_energies[flow][tariff - 1]
        return held + segment.flow_rates[flow] * (now - state.time) if tariff == state.tariff else held

    def net_energy(self, now: int) -> int:
        """A14 less A23, in mWs; negative where more was fed in than drawn."""
        return self.energy(Energy.A14, now) - self.energy(Energy.A23, now)

    def gross_energy(self, now: int) -> int:
        """A1234, A14 and A23 together, in mWs."""
        return self.energy(Energy.A14, now) + self.energy(Energy.A23, now)

    def trip_counter(self, flow: Flow, now: int) -> int:
        """Energy of a flow in mWs since the last reset."""
        return self.flow_energy(flow, now) - self._state.trip_base[flow]

    def instantaneous(self, now: int) -> Instantaneous:
        """Powers, voltages and currents at this instant."""
        segment = self._segment
        if segment is None or not self._state.time <= now < segment.end:
            segment = self._enter(now)
        return segment.seen

    def running_demand(self, now: int) -> list[int]:
        """Average powers of the period that runs, so far, by `Flow`; mW or mvar over its nominal length."""
        self._catch_up(now)
        return self._state.demand.running([self.flow_energy(flow, now) for flow in Flow])

    def operating_s(self, now: int) -> int:
        """Seconds in operation: the hour counter, finer."""
        self._enter(now)
        state = self._state
        return state.operating_s + (now - state.time if state.supply.powered else 0)

    def demand(self, now: int) -> Demand:
        """Averages, peaks, day extremes and the threshold counter, up to `now`. For reading only."""
        self._catch_up(now)
        return self._state.demand

    def load_profile(self, now: int) -> LoadProfile:
        """The load profile, up to `now`. For reading only."""
        self._catch_up(now)
        return self._state.load_profile

    def analysis_logger(self, now: int) -> AnalysisLogger:
        """The analysis logger, up to `now`. For reading only."""
        self._catch_up(now)
        return self._state.analysis

    def debiting_logger_2(self, now: int) -> DebitingLogger:
        """Debiting logger 2, up to `now`. For reading only."""
        self._catch_up(now)
        return self._state.debiting2

    def hourly_store(self, now: int) -> HourlyStore:
        """Hourly store and monthly values of a meter without clock, up to `now`. For reading only."""
        self._catch_up(now)
        return self._state.hourly

    def frequency_millihz(self, now: int) -> int:
        """Frequency of the network at this instant."""
        return int(self.installation.ambient(now, now + 1).frequency_millihz[0])

    def billing_logger(self, now: int) -> BillingLogger:
        """Debiting logger 1 and the number of billing periods, up to `now`. For reading only."""
        self._catch_up(now)
        return self._state.billing

    def event_logger(self, log: EventLog, now: int) -> EventLogger:
        """One of the event loggers, up to `now`. For reading only."""
        self._enter(now)
        return self._state.events[log]

    def status(self, now: int) -> Status:
        """Meter status, events and alarm, up to `now`. For reading only."""
        self._catch_up(now)
        self._enter(now)
        return self._state.status

    @property
    def enclosure(self) -> Enclosure:
        """Covers, magnet, alarm input, button and seal. For reading only."""
        return self._state.enclosure

    @property
    def display_layout(self) -> DisplayLayout:
        """The display as it is configured; `display.display` shows what is on it."""
        return self._state.display.layout

    def breaker(self, now: int) -> Breaker:
        """State, settings and limit of the breaker, up to `now`. For reading only."""
        self._enter(now)
        return self._state.breaker

    def breaker_feedback(self, now: int) -> Feedback:
        """What is seen of the breaker at this instant."""
        return self.breaker(now).feedback(self.instantaneous(now).voltage_mv, LOWEST_MV)

    def prepayment(self, now: int) -> Prepayment:
        """Credit, debt and exceptions, up to `now`. For reading only."""
        self.advance(now)
        return self._state.prepayment

    def load_control(self, now: int) -> LoadControl:
        """The relays, up to `now`. For reading only."""
        self._enter(now)
        return self._state.load_control

    def voltage_quality(self, now: int) -> VoltageQuality:
        """What is the matter with the voltages, up to `now`. For reading only."""
        self._enter(now)
        return self._state.voltage_quality

    def powered(self, now: int) -> bool:
        """Whether the meter has supply and runs."""
        self._enter(now)
        return self._state.supply.powered

    def powered_since(self, now: int) -> int | None:
        """True time at which the meter last came on; `None` while it is off."""
        self._enter(now)
        supply = self._state.supply
        return supply.on_at if supply.powered else None

    def supply(self, now: int) -> Supply:
        """What the network supplies, and when the meter last went on and off. For reading only."""
        self._enter(now)
        return self._state.supply

    def clock_valid(self, now: int) -> bool:
        """Whether the clock has run without a break since it was set."""
        self._enter(now)
        return self._state.clock_valid

    def tariff(self, now: int) -> int:
        """The tariff counted in from `now` on, 1 to 8."""
        self._catch_up(now)
        return self._state.tariff

    def tariff_seconds(self, tariff: int, now: int) -> int:
        """Seconds in operation in this tariff: its hour counter, finer."""
        self._enter(now)
        state = self._state
        running = state.supply.powered and tariff == state.tariff
        return state.tariff_seconds[tariff - 1] + (now - state.time if running else 0)

    @property
    def verification_mode(self) -> bool:
        """Whether energies are shown in high resolution."""
        return self._state.verification

    @property
    def tariff_control(self) -> TariffControl:
        """What chooses the tariff. For reading only."""
        return self._state.tariff_control

    @property
    def pulse_input(self) -> int:
        """Counter of the pulse input."""
        return self._state.pulse_input

    @property
    def pulse_scale(self) -> PulseScale:
        """What a pulse at the input is worth."""
        return self._state.pulse_scale

    @property
    def target_days(self) -> TargetDays:
        """When bills are stopped."""
        return self._state.target_days
