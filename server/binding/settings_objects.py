"""The settings as objects of a configuration association; all of them are ours, METERTOOL's way is not public.

Data 1.1.134.128.N.255 is setting number N, attribute 2 an octet-string: reading gives the whole text, writing takes
one part of it, offset (2 octets), total length (2 octets) and octets, so that no PDU needs more than a client of the
documented associations has. N = 0 is the index, N = 255 the last result of this client. Profile generic
1.1.99.98.15.255 is the configuration logger; its columns are 1.1.134.129.1.255, the number of the setting, and
1.1.134.129.2.255, changes since commissioning, which KMP calls ConfigChangedEventCount.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cosem.data_types import DOUBLE_LONG_UNSIGNED, OCTET_STRING, UNSIGNED
from cosem.interface_class import BoundAttribute, CosemObject
from cosem.interface_classes import Data
from cosem.object_model import AccessMode, VisibleObject
from metering import EventLog, EventLogger
from obis import Obis

from ..settings import CATALOGUE, INDEX, LAST_RESULT
from .row_loggers import configuration_object

_HEADER: Final = 4


def settings_objects() -> list[VisibleObject]:
    """What a configuration association sees besides the objects of the profile."""
    objects = [_data(_name(INDEX), "SettingsIndex", lambda context: context.settings.read(INDEX))]
    for number, setting in CATALOGUE.items():
        objects.append(_setting(number, setting.name))
    objects.append(_data(_name(LAST_RESULT), "LastResult", lambda context: context.settings.last_result.encode()))
    objects.append(
        _read_only(
            CosemObject(
                Data,
                Obis.parse("1.1.134.129.1.255"),
                [BoundAttribute(Data.value, _last_changed, type_=UNSIGNED)],
                name="ConfigurationEvent",
            )
        )
    )
    objects.append(
        _read_only(
            CosemObject(
                Data,
                Obis.parse("1.1.134.129.2.255"),
                [BoundAttribute(Data.value, lambda context: _logger(context).logged, type_=DOUBLE_LONG_UNSIGNED)],
                name="ConfigChangedEventCount",
            )
        )
    )
    objects.append(_read_only(configuration_object()))
    return objects


def _name(number: int) -> Obis:
    return Obis.of(1, 1, 134, 128, number)


def _data(name: Obis, label: str, source: Callable[[Any], Any]) -> VisibleObject:
    return _read_only(CosemObject(Data, name, [BoundAttribute(Data.value, source, type_=OCTET_STRING)], name=label))


def _setting(number: int, name: str) -> VisibleObject:
    def source(context: Any) -> bytes:
        octets: bytes = context.settings.read(number)
        return octets

    def sink(context: Any, value: bytes) -> None:
        if len(value) <= _HEADER:
            raise ValueError(f"{len(value)} octets; allowed: offset, total length and a part of the text")
        offset, total = int.from_bytes(value[:2], "big"), int.from_bytes(value[2:4], "big")
        context.settings.write_part(number, offset, total, value[_HEADER:])

    bound = BoundAttribute(Data.value, source, sink, type_=OCTET_STRING)
    cosem_object = CosemObject(Data, _name(number), [bound], name=name)
    return VisibleObject(cosem_object, {1: AccessMode.READ, 2: AccessMode.READ_WRITE})


def _read_only(cosem_object: CosemObject) -> VisibleObject:
    return VisibleObject(cosem_object, dict.fromkeys(cosem_object.attributes, AccessMode.READ))


def _logger(context: Any) -> EventLogger:
    logger: EventLogger = context.meter.engine.event_logger(EventLog.CONFIGURATION, context.meter.now())
    return logger


def _last_changed(context: Any) -> int:
    rows = _logger(context).rows
    return rows[-1].code if rows else 0
