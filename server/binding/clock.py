"""The meter's clock as a Clock object (382M DLMS description 3.2, figure 11).

The 382M sends local time without deviation; status bit 7 says that daylight saving is in force, and a client
that sets the time inside it sets the bit too. Begin and end are those of the running year by the EU rule.
"""

from __future__ import annotations

from typing import Any, Final

from cosem.date_time import DEVIATION_UNSPECIFIED, STATUS_INVALID, DateTime
from cosem.errors import DecodeError, OtherReason
from cosem.interface_class import BoundAttribute, Constant, CosemObject
from cosem.interface_classes import Clock
from metering import Configured
from metering.clock import DST_S, Zone, eu_summer
from metering.inputs import SetClock, SetDaylightSaving
from obis import Obis

from .values import date_time

_DST_DEVIATION_MIN: Final = 60
_CRYSTAL: Final = 1
_LARGEST_SHIFT_S: Final = 900
"""shift_time moves by up to 900 s (Blue Book 4.5.1)."""


def local_date_time(context: Any) -> DateTime:
    """The time as the meter has it; after a power cut longer than the backup it is invalid until it is set."""
    meter = context.meter
    now = meter.now()
    shown = date_time(meter.engine.local_time(now))
    return shown if meter.engine.clock_valid(now) else shown._replace(status=shown.status | STATUS_INVALID)


def _set_time(context: Any, value: DateTime) -> None:
    if not value.is_complete:
        raise OtherReason("the clock needs a whole date and time")
    engine = context.meter.engine
    try:
        if value.deviation != DEVIATION_UNSPECIFIED:
            utc = value.to_utc()
            assert utc is not None
            clock = int(utc.timestamp())
        else:
            dst = None if value.status == 0xFF else value.is_dst
            clock = engine.zone.utc(*value[:3], *value[4:7], dst)
    except (DecodeError, ValueError) as error:
        raise OtherReason(str(error)) from error
    context.meter.apply(SetClock(clock))


def _adjust(context: Any, step_s: int) -> None:
    """Set the clock to the nearest multiple of `step_s`."""
    _refuse_invalid(context)
    clock = context.meter.engine.clock(context.meter.now())
    context.meter.apply(SetClock((clock + step_s // 2) // step_s * step_s))


def _refuse_invalid(context: Any) -> None:
    """A clock that stood still is not made right by moving it a little."""
    if not context.meter.engine.clock_valid(context.meter.now()):
        raise OtherReason("the clock is invalid: it has to be set")


def _shift(context: Any, seconds: int) -> None:
    if abs(seconds) > _LARGEST_SHIFT_S:
        raise OtherReason(f"shift_time moves by up to {_LARGEST_SHIFT_S} s, not {seconds}")
    _refuse_invalid(context)
    context.meter.apply(SetClock(context.meter.engine.clock(context.meter.now()) + seconds))


def _change_of_the_year(number: int) -> Any:
    """The local date and time at which daylight saving begins (0) or ends (1), as the clock reads before it changes."""

    def read(context: Any) -> DateTime:
        engine = context.meter.engine
        change = eu_summer(engine.local_time(context.meter.now()).year)[number]
        before = Zone(engine.configuration.gmt_offset_s + number * DST_S, dst=False)
        return date_time(before.local(change))._replace(status=0)

    return read


def clock_object(logical_name: Obis, name: str) -> CosemObject:
    """The clock; its time may be written, and daylight saving switched."""
    return CosemObject(
        Clock,
        logical_name,
        [
            BoundAttribute(Clock.time, local_date_time, _set_time),
            BoundAttribute(Clock.time_zone, Constant(0)),  # "not used" in the 382M
            BoundAttribute(Clock.status, lambda context: local_date_time(context).status),
            BoundAttribute(Clock.daylight_savings_begin, _change_of_the_year(0)),
            BoundAttribute(Clock.daylight_savings_end, _change_of_the_year(1)),
            BoundAttribute(Clock.daylight_savings_deviation, Constant(_DST_DEVIATION_MIN)),
            BoundAttribute(
                Clock.daylight_savings_enabled,
                lambda context: context.meter.engine.zone.dst,
                lambda context, value: context.meter.configure(Configured.DAYLIGHT_SAVING, [SetDaylightSaving(value)]),
            ),
            BoundAttribute(Clock.clock_base, Constant(_CRYSTAL)),
        ],
        {
            Clock.adjust_to_quarter: lambda context, parameter: _adjust(context, 900),
            Clock.adjust_to_measuring_period: lambda context, parameter: _adjust(
                context, context.meter.engine.demand(context.meter.now()).period_s
            ),
            Clock.adjust_to_minute: lambda context, parameter: _adjust(context, 60),
            Clock.shift_time: _shift,
        },
        name=name,
    )
