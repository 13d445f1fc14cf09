"""Meters to experiment on: a quiet Danish winter day by default, with only what a test is about said differently."""

from __future__ import annotations

from typing import Any

from metering import Meter, MeterConfiguration
from metering.clock import seconds_of
from metering.installation import ConstantInstallation, Installation

WH = 3_600_000
"""mWs in a Wh."""

START = seconds_of(2024, 1, 15, 11)
"""2024-01-15 12:00 normal time in Denmark: on every boundary but midnight."""

ONE_KILOWATT = ConstantInstallation((1_000_000, 0, 0))


def configuration(**changes: Any) -> MeterConfiguration:
    return MeterConfiguration(**({"serial_number": 12345678, "commissioned_at": START} | changes))


def meter_on(installation: Installation = ONE_KILOWATT, **changes: Any) -> Meter:
    return Meter(configuration(**changes), installation)


def normal(*fields: int) -> int:
    """Normal time of these calendar fields."""
    return seconds_of(*fields)


def true(*fields: int) -> int:
    """True time when a right clock at GMT+1 shows these fields as normal time."""
    return seconds_of(*fields) - 3_600
