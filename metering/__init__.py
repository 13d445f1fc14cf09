"""The meter as physics and bookkeeping: what an installation draws, and all that a 382 makes of it.

No bytes on a wire, no asyncio, no wall clock: time is an argument. Start with `Meter`; README.md has the reading order.
"""

from .analysis import AnalysisLogger
from .billing import BillingEntry, BillingLogger
from .clock import LocalColumns, LocalTime, Zone
from .configuration import (
    LOAD_PROFILE_DEPTH_DAYS_382L,
    LOAD_PROFILE_DEPTH_DAYS_382M,
    DebitingInterval,
    EnergyType,
    MeterConfiguration,
)
from .debiting import DebitingEntry, DebitingLogger
from .demand import DayExtremes, Demand, Maximum, Peak
from .event_log import Configured, Event, EventLog, EventLogger, LoadProfileEvent
from .hourly import HourlyStore, HourlyValues
from .load_profile import DataQuality, LoadProfile, LoggerStatus
from .means import Mean
from .meter import Meter
from .quantities import MWS_PER_WH, Energy, Flow, Instantaneous
from .tariff_control import TariffMode
from .tariff_table import TariffTable

__all__ = [
    "LOAD_PROFILE_DEPTH_DAYS_382L",
    "LOAD_PROFILE_DEPTH_DAYS_382M",
    "MWS_PER_WH",
    "AnalysisLogger",
    "BillingEntry",
    "BillingLogger",
    "Configured",
    "DataQuality",
    "DayExtremes",
    "DebitingEntry",
    "DebitingInterval",
    "DebitingLogger",
    "Demand",
    "Energy",
    "EnergyType",
    "Event",
    "EventLog",
    "EventLogger",
    "Flow",
    "HourlyStore",
    "HourlyValues",
    "Instantaneous",
    "LoadProfile",
    "LoadProfileEvent",
    "LocalColumns",
    "LocalTime",
    "LoggerStatus",
    "Maximum",
    "Mean",
    "Meter",
    "MeterConfiguration",
    "Peak",
    "TariffMode",
    "TariffTable",
    "Zone",
]
