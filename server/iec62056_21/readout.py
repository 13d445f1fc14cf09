"""The meter's IEC 62056-21 readout: identification and the data sets of its user data lists.

"The format follows the display": an energy has the digits and decimals that the meter shows (configuration
number 1), a power three decimals (IEC 1107 description 7.4, figures 3 to 5).
"""

from __future__ import annotations

from typing import Any

from metering.hourly import HourlyStore
from transports.iec62056_21 import Iec62056Settings

from ..binding import Context, ObjectModel
from ..binding.objects import meter_number
from ..binding.values import peak, value
from ..device_profile import ReadoutItem
from ..virtual_meter import VirtualMeter

_NO_TIME = "00000101000000"
"""The stamp of a peak that never was, as in the manufacturer's example."""


class Readout:
    """A meter as the IEC 62056-21 dialogue sees it."""

    def __init__(
        self, model: ObjectModel, meter: VirtualMeter, *, parity: bool = False, initial_speed: int | None = None
    ) -> None:
        """`parity` and `initial_speed` are those of the port; a port that has no speed answers at any."""
        profile = meter.profile
        behaviour = profile.iec62056_21
        self._meter = meter
        self._context = Context(model, meter, "optical")
        self._items = next(item.items for item in behaviour.lists if item.number == behaviour.user_data)
        self.settings = Iec62056Settings(
            modes=behaviour.modes,
            tt_s=behaviour.tt_s,
            ta_s=behaviour.ta_s,
            ti_s=behaviour.ti_s,
            reaction_time_s=behaviour.reaction_time_s,
            ack_to_data_s=behaviour.ack_to_data_s,
            ident_to_data_s=behaviour.ident_to_data_s,
            initial_speed=initial_speed or behaviour.initial_speed,
            max_baud=behaviour.max_baud_digit,
            bcc=behaviour.bcc,
            parity="even" if parity else "none",
            end_on_own_line=behaviour.end_mark == "line",
        )

    @property
    def powered(self) -> bool:
        """Whether the meter has supply."""
        return self._meter.powered

    def identification(self) -> str:
        """`KAM5 684…`: manufacturer, highest baud digit (or a space), type number as this generation gives it."""
        identity, behaviour = self._meter.profile.identity, self._meter.profile.iec62056_21
        separator = behaviour.identification_separator
        joint = separator if separator == " " else f"{separator} "
        return f"{behaviour.manufacturer}{joint}{identity.identification_text}"

    def serial_number(self) -> str:
        """The address the meter answers to."""
        return str(self._meter.serial_number)

    def data_block(self) -> str:
        """The data sets, a line each."""
        return "".join(f"{item.id}{self._data_set(item)}\r\n" for item in self._items)

    def challenge(self) -> str:
        """The 382M's P0 carries nothing (IEC 1107 description 7.7)."""
        return ""

    def _data_set(self, item: ReadoutItem) -> str:
        text = self._formatted(item.format, self._read(item.source))
        unit = f"*{item.unit}" if item.unit else ""
        return f"({text}{unit})" + (f"({self._peak_time(item.source)})" if item.time else "")

    def _read(self, source: str) -> Any:
        if source == "meter_number":
            return meter_number(self._meter)
        if source == "clock":
            return None
        if source == "monthly_peak":
            return self._hourly().peak // 1000
        if source == "last_monthly_peak":
            months = self._hourly().months
            return months[-1].peak // 1000 if months else 0
        return value(source)(self._context)

    def _hourly(self) -> HourlyStore:
        """What a classic stores; its months are 730 hours in operation."""
        return self._meter.engine.hourly_store(self._meter.now())

    def _formatted(self, kind: str, reading: Any) -> str:
        if kind == "plain":
            return str(reading)
        if kind == "clock":
            engine = self._meter.engine
            now = self._meter.now()
            return _stamp(engine.local_time(now), valid=engine.clock_valid(now))
        if kind == "energy":
            digits, decimals = map(int, self._meter.profile.metering.display_decimals.split("."))
            whole, fraction = divmod(reading % 10 ** (digits + 3), 1000)
            return f"{whole:0{digits}}" + (f".{fraction:03}"[: decimals + 1] if decimals else "")
        if kind.startswith("power"):
            width, sign, places = int(kind[5:6] or 1), kind[6:7] or ".", int(kind[7:] or 3)
            fraction = f"{reading % 1000:03}"[:places]
            return f"{reading // 1000:0{width}}{sign}{fraction}"
        digits = int(kind)
        return f"{reading % 10**digits:0{digits}}"

    def _peak_time(self, source: str) -> str:
        at = peak(source)(self._context).at
        return _NO_TIME if at is None else _stamp(self._meter.engine.local_stamp(at))


def _stamp(local: Any, *, valid: bool = True) -> str:
    """NVYYMMDDhhmmss: N daylight saving time, V valid (IEC 1107 description 6)."""
    return (
        f"{int(local.dst)}{int(valid)}{local.year % 100:02}{local.month:02}{local.day:02}"
        f"{local.hour:02}{local.minute:02}{local.second:02}"
    )
