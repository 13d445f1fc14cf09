"""The crystal of the clock: how far it runs wrong, in whole seconds at exact instants.

Within 5 ppm at 23 degrees (data sheets, real time clock), where in that is drawn from the serial number; off that
temperature slower, by the square law of a 32 kHz tuning fork. The error is summed up in parts per billion times
seconds, in integers, over the temperatures that the installation says. Each time it comes to a second the meter's
clock goes forward or back by one, which is a correction like any other below 7 s: nothing is marked, lost or done
twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .clock_setting import slip_clock
from .installation.arithmetic import hashed, uniform
from .quantities import IntArray
from .view import View

if TYPE_CHECKING:
    from .configuration import MeterConfiguration
    from .state import MeterState

SECOND: Final = 10**9
"""A second, in ppb s."""
LIMIT_PPB: Final = 5_000
_TURNOVER_MILLIDEGC: Final = 25_000
_REFERENCE_MILLIDEGC: Final = 23_000
_PPB_PER_SQUARE_DEGREE: Final = 34
_STREAM: Final = 32_768


def error_ppb(configuration: MeterConfiguration) -> int | None:
    """The error at 23 degrees, positive for a clock that is fast; None for one that is right for ever."""
    if not configuration.rtc_drift:
        return None
    bits = hashed(configuration.serial_number, _STREAM, np.zeros(1, dtype=np.int64))
    return int(uniform(bits, 0, 20, -LIMIT_PPB, LIMIT_PPB + 1)[0])


class Crystal:
    """Watches the temperature, with supply or without."""

    def __init__(self, configuration: MeterConfiguration) -> None:
        self._ppb = error_ppb(configuration)
        self.error = 0
        """What it has gained on true time since the last whole second, ppb s."""

    def _rates(self, view: View) -> IntArray:
        """The error by columns, ppb."""
        assert self._ppb is not None
        off = view.temperature_millidegc - _TURNOVER_MILLIDEGC
        at_reference = _PPB_PER_SQUARE_DEGREE * ((_REFERENCE_MILLIDEGC - _TURNOVER_MILLIDEGC) // 1000) ** 2
        rates: IntArray = self._ppb + at_reference - _PPB_PER_SQUARE_DEGREE * off * off // 1_000_000
        return rates[None, :]

    def deadline(self, _: MeterState) -> int | None:
        """None: it depends on temperature."""
        return None

    def first(self, view: View, _: MeterState) -> int | None:
        """When the error comes to a second."""
        if self._ppb is None:
            return None
        rates = self._rates(view)
        error = self.error + view.line.cumulative(rates)[0]
        whole = (np.abs(error) >= SECOND).nonzero()[0]
        if not whole.size:
            return None
        column = int(whole[0]) - 1
        missing, rate = SECOND - abs(int(error[column])), abs(int(rates[0, column]))
        if int(error[column]) * int(rates[0, column]) < 0:  # passes zero on its way
            missing = SECOND + abs(int(error[column]))
        return int(view.line.edges[column]) - -missing // rate

    def carry(self, view: View) -> None:
        """Take this stretch in."""
        if self._ppb is not None:
            self.error += int(view.line.totals(self._rates(view))[0])

    def act(self, state: MeterState) -> None:
        """Let the clock slip, if it is time."""
        if abs(self.error) >= SECOND:
            slip_s = 1 if self.error > 0 else -1
            self.error -= slip_s * SECOND
            slip_clock(state, slip_s)

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {"error": self.error}

    def restore(self, values: dict[str, Any]) -> None:
        """Take over a state that `state` gave."""
        self.error = values["error"]
