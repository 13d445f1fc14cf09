"""Numbers that tell a meter from others, kept in permanent memory as the objects of DLMS keep them."""

from __future__ import annotations

from typing import Final

from cosem.data_types import DOUBLE_LONG_UNSIGNED
from cosem.interface_classes import Data
from metering import Configured
from obis import Obis

from ..binding import ObjectModel
from ..binding.memory import MemoryCell
from ..binding.objects import METER_NUMBER, meter_number
from ..virtual_meter import Remember, VirtualMeter
from .setting import Change, Plain, Setting, whole

_HIGHEST: Final = 2**32 - 1


def _number(number: Configured, name: str, logical_name: Obis, description: str) -> Setting:
    """A Data object of 32 bits."""
    cell = MemoryCell(Data.class_id, logical_name, Data.value, DOUBLE_LONG_UNSIGNED, 0)

    def read(model: ObjectModel, meter: VirtualMeter) -> Plain:
        return meter_number(meter) if logical_name == METER_NUMBER else cell.value(meter)

    def plan(model: ObjectModel, meter: VirtualMeter, value: Plain) -> list[Change]:
        return [Remember(cell.key, DOUBLE_LONG_UNSIGNED.encode(whole(value, 0, _HIGHEST)))]

    return Setting(number, name, description, f"0..{_HIGHEST}", read, plan)


IDENTIFICATION: Final = (
    _number(
        Configured.METER_NUMBER_1,
        "meter_number_1",
        METER_NUMBER,
        "The number on the display and in readouts, at first the serial number",
    ),
    _number(Configured.METER_NUMBER_2, "meter_number_2", Obis.parse("1.1.0.0.2.255"), "A second number of the utility"),
    _number(Configured.METER_NUMBER_3, "meter_number_3", Obis.parse("1.1.0.0.3.255"), "A third number of the utility"),
    _number(Configured.SPECIAL_DATA, "special_data", Obis.parse("1.1.0.130.1.255"), "A number of the utility's own"),
    _number(
        Configured.SPECIAL_DATA_2,
        "special_data_2",
        Obis.parse("1.1.0.130.2.255"),
        "A second such number",
    ),
)
"""Meter numbers and special data."""
