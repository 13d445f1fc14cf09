"""The breaker's words: its states, what moves it from one to another, what it may open for, its settings."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, IntFlag
from itertools import product
from types import MappingProxyType
from typing import Final, NamedTuple


class BreakerState(IntEnum):
    """Object 1.1.128.0.0."""

    DISCONNECTED = 1
    CONNECTED = 4
    WARNING = 5
    CUT_OFF = 6
    CUT_OFF_PREPAYMENT = 7
    RELEASED = 8
    """Waits for a press, or for the command to reconnect."""
    LOW_POWER_EXPIRED = 9
    DISCONNECTED_BY_BUTTON = 11
    NEUTRAL_FAULT = 12
    LOG_ONLY = 13
    """Would have cut off, and has not."""
    OVER_VOLTAGE = 14


CLOSED: Final = frozenset({BreakerState.CONNECTED, BreakerState.WARNING, BreakerState.LOG_ONLY})


class Cause(IntEnum):
    """What moves the breaker."""

    DISCONNECT = 1
    """The three commands have the numbers they are written with."""
    RELEASE = 2
    RECONNECT = 3
    PRESS = 4
    """A press of 6 s that may close."""
    PRESS_TO_OPEN = 5
    EXCEEDED = 6
    """The load is above a limit of the law."""
    RELAXED = 7
    OVERLOAD = 8
    """The load has been above it too long."""
    OVERLOAD_LOGGED = 9
    """The same, with the basis log-only."""
    AUTOMATIC = 10
    """The time for closing by itself has come."""
    CREDIT_OUT = 11
    LOW_POWER_EXPIRED = 12
    CREDIT_IN = 13
    NEUTRAL_LOST = 14
    NEUTRAL_BACK = 15
    OVER_VOLTAGE = 16
    VOLTAGE_BACK = 17


def _transitions() -> dict[tuple[BreakerState, Cause], BreakerState]:
    opening = {
        Cause.DISCONNECT: BreakerState.DISCONNECTED,
        Cause.PRESS_TO_OPEN: BreakerState.DISCONNECTED_BY_BUTTON,
        Cause.OVERLOAD: BreakerState.CUT_OFF,
        Cause.CREDIT_OUT: BreakerState.CUT_OFF_PREPAYMENT,
        Cause.LOW_POWER_EXPIRED: BreakerState.LOW_POWER_EXPIRED,
        Cause.NEUTRAL_LOST: BreakerState.NEUTRAL_FAULT,
        Cause.OVER_VOLTAGE: BreakerState.OVER_VOLTAGE,
    }
    table = {(state, cause): target for state, (cause, target) in product(CLOSED, opening.items())}
    for state in set(BreakerState) - CLOSED - {BreakerState.DISCONNECTED}:
        table[state, Cause.DISCONNECT] = BreakerState.DISCONNECTED
    return table | {
        (BreakerState.CONNECTED, Cause.EXCEEDED): BreakerState.WARNING,
        (BreakerState.WARNING, Cause.RELAXED): BreakerState.CONNECTED,
        (BreakerState.WARNING, Cause.OVERLOAD_LOGGED): BreakerState.LOG_ONLY,
        (BreakerState.LOG_ONLY, Cause.RELAXED): BreakerState.CONNECTED,
        (BreakerState.DISCONNECTED, Cause.RELEASE): BreakerState.RELEASED,
        (BreakerState.RELEASED, Cause.RECONNECT): BreakerState.CONNECTED,
        (BreakerState.RELEASED, Cause.PRESS): BreakerState.CONNECTED,
        (BreakerState.RELEASED, Cause.AUTOMATIC): BreakerState.CONNECTED,
        (BreakerState.DISCONNECTED_BY_BUTTON, Cause.PRESS): BreakerState.CONNECTED,
        (BreakerState.CUT_OFF, Cause.PRESS): BreakerState.CONNECTED,
        (BreakerState.CUT_OFF, Cause.AUTOMATIC): BreakerState.CONNECTED,
        (BreakerState.CUT_OFF_PREPAYMENT, Cause.CREDIT_IN): BreakerState.RELEASED,
        (BreakerState.LOW_POWER_EXPIRED, Cause.CREDIT_IN): BreakerState.RELEASED,
        (BreakerState.NEUTRAL_FAULT, Cause.NEUTRAL_BACK): BreakerState.RELEASED,
        (BreakerState.OVER_VOLTAGE, Cause.VOLTAGE_BACK): BreakerState.CONNECTED,
    }


TRANSITIONS: Final[Mapping[tuple[BreakerState, Cause], BreakerState]] = MappingProxyType(_transitions())
"""State and cause to the state after; a pair that is not here moves nothing."""

COMMANDS: Final = (Cause.DISCONNECT, Cause.RELEASE, Cause.RECONNECT)
PRESSES: Final = frozenset({Cause.PRESS, Cause.PRESS_TO_OPEN})


class CutOffBasis(IntFlag):
    """Object 1.1.128.0.11: what the meter may open the breaker for."""

    LOAD = 1 << 0
    PREPAYMENT = 1 << 1
    POWER = 1 << 2
    """Thresholds are kW of import, else A."""
    NEUTRAL_FAULT = 1 << 3
    LOG_ONLY = 1 << 4
    PREPAYMENT_NO_RESTRICTION = 1 << 5
    OVER_VOLTAGE = 1 << 6


class Feedback(IntFlag):
    """Object 1.1.128.0.18."""

    VOLTAGE_L1 = 1 << 0
    VOLTAGE_L2 = 1 << 1
    VOLTAGE_L3 = 1 << 2
    VALID = 1 << 3
    COMMUNICATION = 1 << 4
    THRESHOLD_HIGH = 1 << 5
    PENDING = 1 << 6
    SWITCH_ERROR = 1 << 7


class Parameter(NamedTuple):
    """A setting: as delivered, and its range."""

    default: int
    low: int
    high: int


PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        "i_short_circuit": Parameter(100, 0, 255),
        "k1": Parameter(10, 0, 99),
        "k2": Parameter(10, 0, 99),
        "k3": Parameter(10, 0, 99),
        "t1": Parameter(30, 0, 65_535),
        "t2": Parameter(30, 0, 65_535),
        "t3": Parameter(30, 0, 65_535),
        "t_connect_wait": Parameter(60, 0, 65_535),
        "t_prepayment_low_max": Parameter(255, 0, 255),
        "coupling": Parameter(0, 0, 1),
        "cut_off_basis": Parameter(0, 0, 127),
        "threshold_low": Parameter(0, 0, 80),
        "threshold_high": Parameter(0, 0, 80),
        "over_voltage_disconnect": Parameter(285, 260, 320),
        "over_voltage_disconnect_time": Parameter(1, 1, 65_535),
        "over_voltage_reconnect": Parameter(265, 250, 270),
        "over_voltage_reconnect_time": Parameter(60, 1, 65_535),
    }
)
"""Objects 1.1.128.0.1 to .22: A, tenths, seconds, days, V. Coupling 1 closes by itself; threshold 0 limits nothing."""
