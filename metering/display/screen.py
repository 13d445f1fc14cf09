"""The display of a meter at an instant: `display(meter, now)` is what it shows, as `Segments`.

It is a function of the meter's state, the presses of its button and the time, so it can be asked for any `now` that the
meter can be asked for, as often or as seldom as one likes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from ..breaker_states import BreakerState
from ..phase_indicator import PhaseVoltage, phase_currents, phase_voltages, quadrant
from ..quantities import MWS_PER_WH, Energy
from ..status import MeterStatus
from .items import DisplayItem, Flag, display_items
from .layout import DisplayLayout
from .notation import NOTATIONS, Field, date_of, time_of
from .segments import BreakerSymbol, Segments
from .sequence import DisplayList, Lengths, Place, place
from .sources import Glance, Markings, source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..breaker import Breaker
    from ..configuration import MeterConfiguration
    from ..enclosure import Press
    from ..meter import Meter
    from ..supply import Supply

_ERRORS: Final = {
    "internal": MeterStatus.EEPROM_ERROR | MeterStatus.RAM_ERROR | MeterStatus.ROM_CHECKSUM,
    "magnet": MeterStatus.MAGNET,
    "cover": MeterStatus.COVER_OPEN,
}
_BATTERY_S: Final = 365 * 86_400
"""Only a battery keeps the clock for so long, and only a battery shows anything without supply."""
_UNPAID: Final = (BreakerState.CUT_OFF_PREPAYMENT, BreakerState.LOW_POWER_EXPIRED)
_PAY: Final = "PAY"
"""What stands in the text field then, whatever the item (OMNIPOWER technical description 4.8.14)."""
_DATE_AFTER_S: Final = 5
"""A stamp shows its time for so long, then its date for as long, and so on."""
_UNIT_TURN_S: Final = 2
"""How long each of two units that share the field is shown."""


class Shown(NamedTuple):
    """What the display is at."""

    place: Place
    item: DisplayItem | None
    """None for a dark display."""

    @property
    def flag(self) -> Flag:
        """What is special about the item: among that, what a press of 6 s does."""
        return Flag.NONE if self.item is None else self.item.flag


def shown(
    configuration: MeterConfiguration, layout: DisplayLayout, supply: Supply, presses: Sequence[Press], now: int
) -> Shown:
    """Which item is shown at `now` on a meter whose supply and button were last changed before."""
    automatic = layout.items(layout.automatic, configuration)
    manual = layout.manual_list(configuration)
    backed = (configuration.rtc_backup_s or 0) >= _BATTERY_S
    battery = layout.items(layout.battery, configuration) if backed else []
    since = max(supply.on_at, configuration.commissioned_at) if supply.powered else supply.off_at
    lengths = Lengths(len(automatic), len(manual), len(battery), layout.start_up)
    at = place(now, supply.powered, since, presses, lengths)
    if at.list is DisplayList.DARK:
        return Shown(at, None)
    if at.list in (DisplayList.CHECKSUM, DisplayList.SOFTWARE):
        return Shown(at, display_items()["CSUM" if at.list is DisplayList.CHECKSUM else "SOFTWARE"])
    items = {DisplayList.AUTOMATIC: automatic, DisplayList.MANUAL: manual, DisplayList.BATTERY: battery}[at.list]
    return Shown(at, items[at.number])


def display(meter: Meter, now: int, markings: Markings = Markings()) -> Segments:  # noqa: B008
    """The picture at `now`."""
    supply, layout = meter.supply(now), meter.display_layout
    at, item = shown(meter.configuration, layout, supply, meter.enclosure.presses, now)
    if item is None:
        return Segments()
    glance = Glance(meter, now, markings)
    picture = _symbols(glance, layout) if supply.powered else Segments(lit=True)
    return fields(picture, glance, item, now - at.since)


def fields(picture: Segments, glance: Glance, item: DisplayItem, shown_s: int) -> Segments:
    """The picture with value, unit, identification and text of an item that has been shown for so long."""
    layout = glance.meter.display_layout
    value = source(item.source)(glance)
    units = item.unit.split("/")
    unit = units[shown_s // _UNIT_TURN_S % len(units)]
    text = item.text
    if item.format == "test":
        return replace(picture, test=True)
    if item.format == "stamp":
        assert not isinstance(value, str)
        local = None if value is None else glance.meter.local_stamp(value)
        dated = shown_s // _DATE_AFTER_S % 2 == 1
        written, text = (date_of(local), "DATE") if dated else (time_of(local), "TIME")
    elif value is None:
        written = "-" * layout.digits
    elif isinstance(value, str):
        written = value[-layout.digits :]
    else:
        decimals: str = glance.meter.configuration.display_decimals
        if glance.meter.verification_mode:
            decimals = f"{layout.digits - 3}.3"
        written = NOTATIONS[item.format](value, Field(layout, decimals))
    if item.source == "pulse_input":
        unit = glance.meter.pulse_scale.unit
    if item.source == "software_number":
        text = glance.markings.software_revision
    if _unpaid(glance):
        text = _PAY
    return replace(
        picture,
        value=written,
        unit=unit,
        obis=item.obis if layout.identification else "",
        text=text if layout.text else "",
    )


def _unpaid(glance: Glance) -> bool:
    """Whether the breaker is open for want of credit."""
    return glance.meter.breaker(glance.now).state_now in _UNPAID


def _symbols(glance: Glance, layout: DisplayLayout) -> Segments:
    """What is shown whatever the item is."""
    meter, now = glance.meter, glance.now
    seen, configuration = meter.instantaneous(now), meter.configuration
    status = meter.status(now).meter
    picture = Segments(
        lit=True,
        tariff=meter.tariff(now) if configuration.tariffs > 1 else 0,
        phase_voltages=phase_voltages(seen, max(1, configuration.starts_at_ma) if layout.blinking else 0),
        quadrant=quadrant(seen) if layout.quadrant else 0,
        error=any(status & _ERRORS[cause] for cause in layout.error),
        cover=layout.cover and bool(status & MeterStatus.COVER_OPEN),
        radio=glance.markings.radio,
        module=glance.markings.module,
    )
    if layout.phase_currents:
        picture = replace(picture, phase_currents=phase_currents(seen))
    if layout.breaker:
        prepaid = meter.prepayment(now).enabled
        picture = replace(picture, breaker=_breaker(meter.breaker(now)), prepayment=prepaid)
    if layout.phase_squares:
        one, two, three = (
            present is not PhaseVoltage.OFF and meter.energy(channel, now) // MWS_PER_WH % 2 == 1
            for present, channel in zip(
                picture.phase_voltages, (Energy.A14_L1, Energy.A14_L2, Energy.A14_L3), strict=True
            )
        )
        picture = replace(picture, phase_squares=(one, two, three))
    return picture


def _breaker(breaker: Breaker) -> BreakerSymbol:
    if not breaker.fitted:
        return BreakerSymbol.NONE
    if breaker.closed:
        return BreakerSymbol.CLOSED
    return BreakerSymbol.RELEASED if breaker.state_now is BreakerState.RELEASED else BreakerSymbol.OPEN
