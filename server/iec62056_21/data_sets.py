"""One meter's data sets, `id(value*unit)`: those of the readout lists as the lists say, any register by its code."""

from __future__ import annotations

from typing import Any, Final

from cosem.interface_classes import Clock, ExtendedRegister
from metering.hourly import HourlyStore

from ..binding import Context, ObjectModel
from ..binding.objects import meter_number
from ..binding.values import peak, value
from ..device_profile import ReadoutItem
from ..virtual_meter import VirtualMeter
from . import registers
from .notation import NO_TIME, date_time_stamp, formatted, notation_of, stamp
from .registers import registers_of

_VALUE: Final = 2


class DataSets:
    """What a meter's data sets are now."""

    def __init__(self, model: ObjectModel, meter: VirtualMeter, interface: str) -> None:
        self._meter = meter
        self._context = Context(model, meter, interface)
        self._lists = {item.number: item.items for item in meter.profile.iec62056_21.lists}
        self._registers = registers_of(model)

    def known(self, identification: str) -> bool:
        """Whether there is such a data set."""
        return identification in self._registers.objects or any(
            item.id == identification for items in self._lists.values() for item in items
        )

    def list(self, number: int) -> list[str]:
        """The data sets of a list."""
        return [f"{item.id}{self._of_item(item)}" for item in self._lists[number]]

    def data_set(self, identification: str, number: int) -> str:
        """A data set, as list `number` writes it if that has it, else as another does; raises `KeyError`."""
        for items in (self._lists[number], *self._lists.values()):
            for item in items:
                if item.id == identification:
                    return f"{identification}{self._of_item(item)}"
        return f"{identification}{self._of_register(identification)}"

    def _of_register(self, identification: str) -> str:
        item = self._registers.objects[identification]
        reading = registers.value(self._context, item.attributes[_VALUE])
        if item.interface_class is Clock:
            return f"({date_time_stamp(reading)})"
        kind, unit = notation_of(item.logical_name)
        text = f"({self._formatted(kind, reading)}{'*' if unit else ''}{unit})"
        if item.interface_class is ExtendedRegister:
            time = registers.value(self._context, item.attributes[ExtendedRegister.capture_time.index])
            text += f"({date_time_stamp(time)})"
        return text

    def _of_item(self, item: ReadoutItem) -> str:
        text = self._clock() if item.format == "clock" else self._formatted(item.format, self._read(item.source))
        unit = f"*{item.unit}" if item.unit else ""
        return f"({text}{unit})" + (f"({self._peak_time(item.source)})" if item.time else "")

    def _formatted(self, kind: str, reading: Any) -> str:
        return formatted(kind, reading, self._meter.profile.metering.display_decimals)

    def _read(self, source: str) -> Any:
        if source == "meter_number":
            return meter_number(self._meter)
        if source == "monthly_peak":
            return self._hourly().peak // 1000
        if source == "last_monthly_peak":
            months = self._hourly().months
            return months[-1].peak // 1000 if months else 0
        return value(source)(self._context)

    def _hourly(self) -> HourlyStore:
        """What a classic stores; its months are 730 hours in operation."""
        return self._meter.engine.hourly_store(self._meter.now())

    def _clock(self) -> str:
        engine, now = self._meter.engine, self._meter.now()
        return stamp(engine.local_time(now), valid=engine.clock_valid(now))

    def _peak_time(self, source: str) -> str:
        at = peak(source)(self._context).at
        return NO_TIME if at is None else stamp(self._meter.engine.local_stamp(at))
