"""What a hand can do to the meter: magnet, covers, alarm input, push button, verification seal.

None of it changes a measurement. Magnet, covers and alarm input show in the meter status as long as they last, with a
row in the status logger at both ends, and in the event words until these are cleared (382M DLMS description 3.1). A
meter without supply notices when supply is back, and only what is still there then. A broken verification
seal stays broken, and only a meter whose seal is broken lets its legal data be changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .event_log import EventLog
from .status import MeterStatus

if TYPE_CHECKING:
    from .state import MeterState

LONG_PRESS_S: Final = 6
"""From here on a press is one that does something (382M data sheet, push button)."""
PRESSES_END_S: Final = 120
"""So long after a press the display has forgotten it (382M data sheet, return to the automatic list)."""


class Press(NamedTuple):
    """The button released at true time `at` after so many seconds."""

    at: int
    length_s: int


class Enclosure:
    """The state of the case; inputs change it, `sense` lets the meter notice."""

    def __init__(self) -> None:
        self.magnet = False
        self.cover_open = False
        self.terminal_cover_open = False
        self.alarm_input = False
        self.seal_broken_at: int | None = None
        """True time at which the verification seal was broken; None is intact."""
        self.presses: list[Press] = []
        """The presses that still tell what is on the display, oldest first."""

    def sense(self, state: MeterState) -> None:
        """Bring the meter status up to date, if the meter runs."""
        if not state.supply.powered:
            return
        status, before = state.status, state.status.meter
        status.change(MeterStatus.MAGNET, self.magnet)
        status.change(MeterStatus.COVER_OPEN, self.cover_open or self.terminal_cover_open)
        status.change(MeterStatus.ALARM_INPUT, self.alarm_input)
        if status.meter != before:
            state.log(EventLog.STATUS, int(status.meter))

    def press(self, at: int, length_s: int) -> None:
        """The button was pressed until `at`."""
        if not self.presses or at - self.presses[-1].at >= PRESSES_END_S:
            if length_s >= LONG_PRESS_S:
                return
            self.presses.clear()
        self.presses.append(Press(at, length_s))

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return dict(vars(self))

    def restore(self, values: dict[str, Any]) -> None:
        """Take over a state that `state` gave."""
        vars(self).update(values)
        self.presses = [Press(*press) for press in values["presses"]]
