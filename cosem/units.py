"""Physical units (Blue Book, table of the enum `unit`), the ones electricity meters use."""

from __future__ import annotations

from enum import IntEnum


class Unit(IntEnum):
    """Code of a physical unit in `scaler_unit`."""

    YEAR = 1
    MONTH = 2
    WEEK = 3
    DAY = 4
    HOUR = 5
    MINUTE = 6
    SECOND = 7
    DEGREE = 8
    CELSIUS = 9
    W = 27
    VA = 28
    VAR = 29
    WH = 30
    VAH = 31
    VARH = 32
    A = 33
    V = 35
    HZ = 44
    PERCENT = 56
    COUNT = 255

    @property
    def symbol(self) -> str:
        """How people write it."""
        return _SYMBOLS.get(self, self.name)


_SYMBOLS = {
    Unit.YEAR: "a", Unit.MONTH: "mo", Unit.WEEK: "wk", Unit.DAY: "d", Unit.HOUR: "h", Unit.MINUTE: "min",
    Unit.SECOND: "s", Unit.DEGREE: "deg", Unit.CELSIUS: "°C", Unit.VAR: "var", Unit.WH: "Wh", Unit.VAH: "VAh",
    Unit.VARH: "varh", Unit.HZ: "Hz", Unit.PERCENT: "%", Unit.COUNT: "",
}  # fmt: skip
