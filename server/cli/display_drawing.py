"""A picture of a meter's display for the terminal: seven segments, fields and symbols in a frame, 64 columns wide.

Plain text, so that it can be printed, compared and read over any line. What blinks on the meter is drawn or left out as
`blink` says.
"""

from __future__ import annotations

from typing import Final

from metering.display import BreakerSymbol, Segments
from metering.phase_indicator import PhaseCurrent, PhaseVoltage

WIDTH: Final = 64
_DIGITS: Final = 9
_DARK_DIGIT: Final = ("   ", "   ", "   ")
_SEGMENTS: Final = {
    "0": (" _ ", "| |", "|_|"),
    "1": ("   ", "  |", "  |"),
    "2": (" _ ", " _|", "|_ "),
    "3": (" _ ", " _|", " _|"),
    "4": ("   ", "|_|", "  |"),
    "5": (" _ ", "|_ ", " _|"),
    "6": (" _ ", "|_ ", "|_|"),
    "7": (" _ ", "  |", "  |"),
    "8": (" _ ", "|_|", "|_|"),
    "9": (" _ ", "|_|", " _|"),
    "-": ("   ", " _ ", "   "),
    "A": (" _ ", "|_|", "| |"),
    "C": (" _ ", "|  ", "|_ "),
    "L": ("   ", "|  ", "|_ "),
}
_ARROWS: Final = {PhaseCurrent.NONE: " ", PhaseCurrent.IMPORT: ">", PhaseCurrent.EXPORT: "<"}
_BREAKERS: Final = {
    BreakerSymbol.NONE: "",
    BreakerSymbol.CLOSED: "-o-o-",
    BreakerSymbol.OPEN: "-o o-",
    BreakerSymbol.RELEASED: "-o/o-",
}
_EVERYTHING: Final = Segments(
    lit=True,
    value="8.8.8.8.8.8.8.8.8.",
    unit="kvarh",
    obis="88.88.88.8",
    text="********",
    phase_voltages=(PhaseVoltage.ON,) * 3,
    phase_squares=(True, True, True),
    error=True,
    cover=True,
    breaker=BreakerSymbol.CLOSED,
    prepayment=True,
    radio=True,
    module=True,
)
"""The display test. Quadrants and tariffs are all shown beside it."""


def draw(picture: Segments, *, blink: bool = True) -> str:
    """The picture as lines of text; a dark display is an empty frame."""
    shown = _EVERYTHING if picture.test else picture
    rows = [_upper(shown, picture.test, blink), *_digits(shown), _lower(shown, picture.test)]
    frame = "+" + "-" * (WIDTH - 2) + "+"
    return "\n".join([frame, *(f"|{row:{WIDTH - 2}}|" for row in rows), frame])


def _upper(picture: Segments, test: bool, blink: bool) -> str:
    """Identification field, phases, quadrant, status symbols."""
    phases = "  ".join(
        _phase(number, voltage, current, blink)
        for number, voltage, current in zip((1, 2, 3), picture.phase_voltages, picture.phase_currents, strict=True)
    )
    quadrants = "Q1234" if test else f"Q{picture.quadrant}" if picture.quadrant else ""
    symbols = [
        "".join("#" if lit else "." for lit in picture.phase_squares) if any(picture.phase_squares) else "",
        "(!)" if picture.error else "",
        "[/]" if picture.cover else "",
    ]
    return f" {picture.obis:<11} {phases:<15} {quadrants:<6} {' '.join(filter(None, symbols)):<20}"[: WIDTH - 2]


def _phase(number: int, voltage: PhaseVoltage, current: PhaseCurrent, blink: bool) -> str:
    visible = voltage is PhaseVoltage.ON or (voltage is PhaseVoltage.BLINKING and blink)
    return (f"L{number}" if visible else "  ") + _ARROWS[current]


def _digits(picture: Segments) -> list[str]:
    """The value field in seven segments, and the unit."""
    cells: list[tuple[str, str]] = []
    for character in picture.value:
        if character == "." and cells:
            cells[-1] = (cells[-1][0], ".")
        else:
            cells.append((character, " "))
    lines = []
    for height in range(3):
        drawn = "".join(
            _SEGMENTS.get(digit, _DARK_DIGIT)[height] + (point if height == 2 else " ") for digit, point in cells
        )
        unit = picture.unit if height == 2 else ""
        lines.append(f"  {drawn:>{4 * _DIGITS}}   {unit}")
    return lines


def _lower(picture: Segments, test: bool) -> str:
    """Text field, tariff, breaker, prepayment, radio, module."""
    tariffs = "T1 T2 T3 T4" if test else f"T{picture.tariff}" if picture.tariff else ""
    symbols = [
        _BREAKERS[picture.breaker],
        "PP" if picture.prepayment else "",
        "((.))" if picture.radio else "",
        "[M]" if picture.module else "",
    ]
    return f" {picture.text:<11} {tariffs:<13} {' '.join(filter(None, symbols))}"
