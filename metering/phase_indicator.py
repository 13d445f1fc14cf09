"""What the display says of each phase and of the sum: voltage present, current flowing and which way, the quadrant.

The voltage indicator is lit above 160 V; before the 382M it blinks while the current is below the starting current
(382K and 382L data sheets). The 382M's arrow shows the direction of the current of a phase that draws or feeds more
than 2.3 W.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from .quantities import Instantaneous

MINIMUM_VOLTAGE_MV: Final = 160_000
LEAST_ARROW_MW: Final = 2_300


class PhaseVoltage(Enum):
    """The voltage indicator of a phase."""

    OFF = "off"
    BLINKING = "blinking"
    ON = "on"


class PhaseCurrent(Enum):
    """The current arrow of a phase."""

    NONE = "none"
    IMPORT = "import"
    EXPORT = "export"


def phase_voltages(seen: Instantaneous, starting_ma: int) -> tuple[PhaseVoltage, PhaseVoltage, PhaseVoltage]:
    """The voltage indicators L1, L2, L3; a phase that is not fitted has no voltage. With 0 mA nothing blinks."""
    one, two, three = (
        PhaseVoltage.OFF
        if voltage <= MINIMUM_VOLTAGE_MV
        else PhaseVoltage.ON
        if current >= starting_ma
        else PhaseVoltage.BLINKING
        for voltage, current in zip(seen.voltage_mv, seen.current_ma, strict=True)
    )
    return one, two, three


def phase_currents(seen: Instantaneous) -> tuple[PhaseCurrent, PhaseCurrent, PhaseCurrent]:
    """The current arrows L1, L2, L3."""
    one, two, three = (
        PhaseCurrent.NONE if abs(power) <= LEAST_ARROW_MW else PhaseCurrent.IMPORT if power > 0 else PhaseCurrent.EXPORT
        for power in seen.active_mw
    )
    return one, two, three


def quadrant(seen: Instantaneous) -> int:
    """The quadrant of the momentary load, 1 to 4, of the sum of the phases; 0 while nothing flows."""
    active, reactive = seen.p14_mw - seen.p23_mw, seen.q12_mvar - seen.q34_mvar
    if not active and not reactive:
        return 0
    if active >= 0:
        return 1 if reactive >= 0 else 4
    return 2 if reactive >= 0 else 3
