"""Event loggers: time-stamped events in rings. What an event's code and values mean is the logger's affair."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple


class EventLog(IntEnum):
    """The event loggers of a 382M; the value is group E of 1.1.99.98.E.255."""

    STATUS = 2
    RTC = 3
    VOLTAGE_QUALITY = 4
    CUT_OFF = 5
    LOAD_PROFILE = 10
    NEUTRAL_FAULT = 12
    UPLOAD_SUCCESS = 13
    UPLOAD_FAIL = 14
    CONFIGURATION = 15
    """Ours: documents only count changes of the configuration (KMP register 00DE, ConfigChangedEventCount)."""


NEUTRAL_FAULT_DEPTH = 45
"""Rows of the neutral fault logger; the others follow the configuration (OMNIPOWER technical description 4.9)."""


class LoadProfileEvent(IntEnum):
    """Codes in the load profile event logger (382M DLMS description 3.4.6, object 1.1.96.5.3)."""

    DELETED_REGISTERS_CHANGED = 2
    DELETED_MANUALLY = 4
    INTERVAL_CHANGED = 5
    DISABLED = 6
    ENABLED = 7


class Configured(IntEnum):
    """Codes in the configuration logger: what was changed. Ours, and the numbers of the settings of the meter."""

    METER_NUMBER_1 = 1
    METER_NUMBER_2 = 2
    METER_NUMBER_3 = 3
    SPECIAL_DATA = 4
    SPECIAL_DATA_2 = 5
    DISPLAY_AUTOMATIC = 10
    DISPLAY_MANUAL = 11
    DISPLAY_BATTERY = 12
    INTEGRATION_PERIOD = 20
    LOAD_PROFILE_PERIOD = 21
    LOAD_PROFILE_REGISTERS = 22
    ANALYSIS_PERIOD = 23
    ANALYSIS_REGISTERS = 24
    DEBITING_2_INTERVAL = 25
    TARGET_DAY = 30
    TARGET_INTERVAL = 31
    TARGET_START_MONTH = 32
    PEAK_TARIFF = 33
    POWER_THRESHOLD = 34
    TARIFF_THRESHOLDS = 35
    TARIFF_TABLE = 40
    TARIFF_MODE = 41
    PULSE_INPUT = 50
    PULSE_INPUT_CONSTANT = 51
    PULSE_INPUT_UNIT = 52
    PULSE_INPUT_SPEED = 53
    DAYLIGHT_SAVING = 60
    RELAY_1 = 70
    RELAY_2 = 71
    RELAY_DELAY = 72
    BREAKER = 80
    PREPAYMENT_ALARM = 90
    PREPAYMENT_EXCEPTIONS = 91
    EVENT_MASKS = 100
    SERIAL_NUMBER = 200
    TYPE_NUMBER = 201
    CONFIGURATION_NUMBERS = 202
    SOFTWARE_NUMBER = 203
    METER_CONSTANT = 204
    ENERGY_REGISTERS = 210
    PASSWORD = 240
    """A password; no setting, like those below."""
    LOCAL_PORT = 241
    """How a port speaks: HDLC set-up, and for IEC 62056-21 objects 131.0.x."""
    OBJECT = 242
    """Another object of DLMS, or a KMP register."""


RTC_CHANGED = 1
"""The code in the RTC logger (object 0.1.96.10.3); its values are normal time before and after."""


class Event(NamedTuple):
    """One event: its number since commissioning, its normal time, its code, and values of the logger's own."""

    number: int
    stamp: int
    code: int
    values: tuple[int, ...] = ()


class EventLogger:
    """A ring of `Event`, oldest first."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.rows: list[Event] = []
        self.logged = 0
        """Events since commissioning: the number of the newest."""

    def log(self, stamp: int, code: int, *values: int) -> None:
        """Add an event at this normal time."""
        self.logged += 1
        self.rows.append(Event(self.logged, stamp, code, values))
        del self.rows[: -self.depth]

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {"logged": self.logged, "rows": self.rows}

    def restore(self, values: dict[str, Any]) -> None:
        """Take over a state that `state` gave."""
        self.logged = values["logged"]
        self.rows = [_event(row) for row in values["rows"]]


def _event(row: Sequence[Any]) -> Event:
    number, stamp, code, values = row
    return Event(number, stamp, code, tuple(values))
