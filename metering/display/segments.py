"""The picture on the display, as a value: what each field shows and which symbols are lit.

It says what can be read, not how it is drawn; `server/cli/display.py` draws it in a terminal. A generation without a
field leaves it empty.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum

from ..phase_indicator import PhaseCurrent, PhaseVoltage

_DARK = (PhaseVoltage.OFF,) * 3
_STILL = (PhaseCurrent.NONE,) * 3


class BreakerSymbol(Enum):
    """The position of the breaker; meters without one show nothing (382M data sheet)."""

    NONE = "none"
    CLOSED = "closed"
    OPEN = "open"
    RELEASED = "released"
    """Open, and the push button may close it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """One picture. `Segments()` is a dark display."""

    lit: bool = False
    """Whether anything is shown at all."""
    test: bool = False
    """Every segment is lit: the display test."""
    value: str = ""
    """The value field, digits and points, as wide as it is filled."""
    unit: str = ""
    obis: str = ""
    """The identification field: C.D.E, at most 7 characters without the points."""
    text: str = ""
    quadrant: int = 0
    """Quadrant of the momentary load, 0 for none."""
    tariff: int = 0
    """The tariff counted in, 0 where the meter has none."""
    phase_voltages: tuple[PhaseVoltage, PhaseVoltage, PhaseVoltage] = _DARK
    phase_currents: tuple[PhaseCurrent, PhaseCurrent, PhaseCurrent] = _STILL
    phase_squares: tuple[bool, bool, bool] = (False, False, False)
    """The classic's squares, one step for each Wh of a phase."""
    error: bool = False
    """A critical internal fault, or a magnetic field."""
    cover: bool = False
    """The cover has been opened."""
    breaker: BreakerSymbol = BreakerSymbol.NONE
    prepayment: bool = False
    radio: bool = False
    module: bool = False

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
