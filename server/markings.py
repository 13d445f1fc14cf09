"""What a meter's display tells that its engine does not know: numbers of the nameplate and of the permanent memory."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cosem.data_types import DOUBLE_LONG_UNSIGNED, decode_all
from cosem.interface_classes import Data
from cosem.xdlms import Descriptor
from metering.display import Markings
from obis import Obis

from .object_list import read_objects
from .virtual_meter import VirtualMeter

_METER_NUMBERS = tuple(Obis.parse(f"1.1.0.0.{number}.255") for number in (1, 2, 3))
_SPECIAL_DATA = tuple(Obis.parse(f"1.1.0.130.{number}.255") for number in (1, 2))
_ROM_CHECKSUM = Obis.parse("1.1.96.54.1.255")


def markings(meter: VirtualMeter) -> Markings:
    """The markings of a meter now; meter number 1 is the serial number until somebody writes another."""
    identity = meter.profile.identity
    configuration = identity.configuration
    one, two, three = (_stored(meter, name) for name in _METER_NUMBERS)
    special_data, special_data_2 = (_stored(meter, name) for name in _SPECIAL_DATA)
    return Markings(
        meter_numbers=(meter.serial_number if one is None else one, two or 0, three or 0),
        special_data=(special_data or 0, special_data_2 or 0),
        software_number=identity.software_number.partition("-")[0],
        software_revision=identity.software_revision,
        rom_checksum=_stored(meter, _ROM_CHECKSUM) or 0,
        radio=meter.profile.metering.radio != "none",
        module=configuration is not None and configuration.module.code != "000",
    )


def _stored(meter: VirtualMeter, name: Obis) -> int | None:
    """A number in permanent memory: as written, or the profile's default; None where there is neither."""
    encoded = meter.memory.get(Descriptor(Data.class_id, name, 2).to_bytes())
    if encoded is not None:
        return int(decode_all(DOUBLE_LONG_UNSIGNED, encoded))
    objects = meter.profile.objects
    default = "" if objects is None else _defaults(objects).get(name, "")
    return int(default) if default else None


@cache
def _defaults(objects: str) -> dict[Obis, str]:
    return {row.logical_name: row.default for row in read_objects(Path(objects))}
