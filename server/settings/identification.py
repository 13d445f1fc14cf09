"""Numbers that tell a meter from others, kept in permanent memory as the objects of DLMS keep them."""

from __future__ import annotations

from typing import Final

from cosem.data_types import DOUBLE_LONG_UNSIGNED
from cosem.interface_classes import Data
from cosem.xdlms import Descriptor
from metering import Configured
from obis import Obis

from ..markings import markings
from ..virtual_meter import Remember, VirtualMeter
from .setting import Change, Plain, Setting, whole

_HIGHEST: Final = 2**32 - 1


def _number(number: Configured, logical_name: str, list_: str, index: int, description: str) -> Setting:
    """A Data object of 32 bits, and where it stands in the meter's `Markings`."""
    key = Descriptor(Data.class_id, Obis.parse(logical_name), Data.value.index).to_bytes()

    def read(meter: VirtualMeter) -> Plain:
        return getattr(markings(meter), list_)[index]

    def plan(meter: VirtualMeter, value: Plain) -> list[Change]:
        return [Remember(key, DOUBLE_LONG_UNSIGNED.encode(whole(value, 0, _HIGHEST)))]

    return Setting(number, number.name.lower(), description, f"0..{_HIGHEST}", read, plan)


IDENTIFICATION: Final = (
    _number(
        Configured.METER_NUMBER_1,
        "1.1.0.0.1.255",
        "meter_numbers",
        0,
        "The number on the display and in readouts, at first the serial number",
    ),
    _number(Configured.METER_NUMBER_2, "1.1.0.0.2.255", "meter_numbers", 1, "A second number of the utility"),
    _number(Configured.METER_NUMBER_3, "1.1.0.0.3.255", "meter_numbers", 2, "A third number of the utility"),
    _number(Configured.SPECIAL_DATA, "1.1.0.130.1.255", "special_data", 0, "A number of the utility's own"),
    _number(Configured.SPECIAL_DATA_2, "1.1.0.130.2.255", "special_data", 1, "A second such number"),
)
"""Meter numbers and special data."""
