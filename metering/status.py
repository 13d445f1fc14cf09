"""Status and events as bits: what is the matter now, what has happened since somebody looked, and which of it alarms.

`MeterStatus` is the state of the meter at present; the status logger has a row for each change of it. The two event
words remember until they are cleared (382M DLMS description 3.1, objects 1.1.97.97.0, 0.1.96.10.1 and .2). An
alarm is any event that the masks let through (1.1.134.0.6 and .7).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntFlag
from typing import Any, Final

from .event_log import EventLog


class MeterStatus(IntFlag):
    """The octet of object 1.1.97.97.0."""

    RESET = 1 << 0
    """The processor has started; stays until the event is cleared."""
    EEPROM_ERROR = 1 << 1
    MAGNET = 1 << 2
    RAM_ERROR = 1 << 3
    ROM_CHECKSUM = 1 << 4
    ALARM_INPUT = 1 << 5
    COVER_OPEN = 1 << 6
    AUXILIARY_SUPPLY = 1 << 7


class EventA(IntFlag):
    """Event status A; bits 0 to 7 are those of `MeterStatus`."""

    RADIO_DATA_READY = 1 << 8
    FORCED_CALL = 1 << 9
    CLOCK_ADJUSTED = 1 << 10
    EVENT_STATUS_B = 1 << 11
    DISCONNECTED = 1 << 12
    FLASH_ERROR = 1 << 13
    BILLING_LOG = 1 << 16
    RTC_LOG = 1 << 17
    STATUS_LOG = 1 << 18
    VOLTAGE_QUALITY_LOG = 1 << 19
    CUT_OFF_LOG = 1 << 20
    LOAD_PROFILE = 1 << 21
    BILLING_LOG_2 = 1 << 22
    TRANSFORMER_RATIO = 1 << 23
    SIGN_ON = 1 << 24
    """Programming mode of IEC 62056-21 has been entered."""
    UPLOAD_SUCCESS_LOG = 1 << 27
    UPLOAD_FAIL_LOG = 1 << 28
    NEUTRAL_FAULT_LOG = 1 << 29
    ANALYSIS_LOG = 1 << 30
    LOAD_PROFILE_LOG = 1 << 31


class EventB(IntFlag):
    """Event status B."""

    UPLOAD_SUCCESS = 1 << 0
    UPLOAD_FAIL = 1 << 1
    NEUTRAL_FAULT = 1 << 3
    ROM_CHECKSUM = 1 << 4
    POWER_FAIL = 1 << 5
    MISSING_L1 = 1 << 6
    MISSING_L2 = 1 << 7
    MISSING_L3 = 1 << 8
    OVER_VOLTAGE_L1 = 1 << 9
    UNDER_VOLTAGE_L1 = 1 << 10
    OVER_VOLTAGE_L2 = 1 << 11
    UNDER_VOLTAGE_L2 = 1 << 12
    OVER_VOLTAGE_L3 = 1 << 13
    UNDER_VOLTAGE_L3 = 1 << 14
    ALARM_INPUT = 1 << 15
    MAGNET = 1 << 21
    COVER_OPEN = 1 << 22
    VOLTAGE_ASYMMETRY = 1 << 27
    PREPAYMENT_ALARM = 1 << 28
    BREAKER_MANUAL = 1 << 29
    BREAKER_AUTOMATIC = 1 << 30
    BREAKER_REMOTE = 1 << 31


LOG_EVENTS: Final[Mapping[EventLog, EventA]] = {
    EventLog.STATUS: EventA.STATUS_LOG,
    EventLog.RTC: EventA.RTC_LOG | EventA.CLOCK_ADJUSTED,
    EventLog.VOLTAGE_QUALITY: EventA.VOLTAGE_QUALITY_LOG,
    EventLog.CUT_OFF: EventA.CUT_OFF_LOG,
    EventLog.LOAD_PROFILE: EventA.LOAD_PROFILE_LOG,
    EventLog.NEUTRAL_FAULT: EventA.NEUTRAL_FAULT_LOG,
    EventLog.UPLOAD_SUCCESS: EventA.UPLOAD_SUCCESS_LOG,
    EventLog.UPLOAD_FAIL: EventA.UPLOAD_FAIL_LOG,
    EventLog.CONFIGURATION: EventA(0),
}
"""A row in an event logger is an event itself; that of the configuration, which is ours, has no bit."""

STATUS_EVENTS: Final[Mapping[MeterStatus, EventB]] = {
    MeterStatus.ROM_CHECKSUM: EventB.ROM_CHECKSUM,
    MeterStatus.MAGNET: EventB.MAGNET,
    MeterStatus.ALARM_INPUT: EventB.ALARM_INPUT,
    MeterStatus.COVER_OPEN: EventB.COVER_OPEN,
}
"""Bits of the meter status that event status B repeats."""


class Status:
    """The three words and the masks."""

    def __init__(self) -> None:
        self.meter = MeterStatus(0)
        self.event_a = EventA(0)
        self.event_b = EventB(0)
        self.mask_a = int(MeterStatus.COVER_OPEN)
        """Events of A that alarm; 64 in a 382M as delivered."""
        self.mask_b = 64
        """64 in a 382M as delivered: phase L1 is missing."""

    @property
    def alarm(self) -> bool:
        """Whether an event that the masks let through has not been cleared."""
        return bool(self.event_a & self.mask_a or self.event_b & self.mask_b)

    def note(self, a: EventA = EventA(0), b: EventB = EventB(0)) -> None:  # noqa: B008 - flags are immutable
        """These events have happened."""
        self.event_b |= b
        self.event_a |= a | (EventA.EVENT_STATUS_B if b else EventA(0))

    def change(self, bits: MeterStatus, on: bool) -> bool:
        """Set or clear bits of the meter status; True if that changed it."""
        meter = self.meter | bits if on else self.meter & ~bits
        appeared = meter & ~self.meter
        changed = meter != self.meter
        self.meter = meter
        for bit in appeared:
            self.note(EventA(int(bit)), STATUS_EVENTS.get(bit, EventB(0)))
        return changed

    def clear(self, a: int, b: int) -> None:
        """Forget these events."""
        self.event_a &= ~EventA(a)
        self.event_b &= ~EventB(b)
        if not self.event_b:
            self.event_a &= ~EventA.EVENT_STATUS_B

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {name: int(value) for name, value in vars(self).items()}

    def restore(self, values: dict[str, Any]) -> None:
        """Take over a state that `state` gave."""
        self.meter, self.event_a = MeterStatus(values["meter"]), EventA(values["event_a"])
        self.event_b, self.mask_a, self.mask_b = EventB(values["event_b"]), values["mask_a"], values["mask_b"]
