"""The measuring system: which part of what flows through the premises the meter measures.

One shunt and one divider per fitted phase (data sheets, "Measuring principle"). What a phase without one draws is not
seen, and its voltage is not either. Below the starting current nothing is counted. With an `error_seed` the
elements err as `error_model.py` says; without, they are exact. A magnetic field or direct current is no argument
of anything here, so it cannot change a result.

Three wires, two elements (Aron, 3x230 V). The load's rows are what lies between the lines L1-L2, L2-L3 and L3-L1.
Element 1 has the voltage u12 and the current of line 1, element 3 has u32 and the current of line 3, and by
Blondel's theorem S = u12 i1* + u32 i3* is all that flows, active and reactive. Single elements mean little:
each is 30 degrees off even with a resistive load, so one of them shows reactive power of its own, and below
power factor 0.5 runs backwards. The meter has no values for L2, and only the sum (vector summation) counts.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .configuration import MeterConfiguration
from .error_model import ErrorModel
from .installation import Ambient, Load
from .quantities import IntArray

_HALF_ROOT_3_PPM: Final = 866_025


class MeasuringSystem:
    """The measuring system of one meter."""

    def __init__(self, configuration: MeterConfiguration) -> None:
        self._aron = configuration.connection == "aron"
        fitted = np.zeros((3, 1), dtype=np.int64)
        fitted[configuration.phases] = 1
        self._mask: IntArray | None = None if fitted.all() else fitted
        self._starting_ma = configuration.starts_at_ma
        self._errors = None if configuration.error_seed is None else ErrorModel(configuration)

    @property
    def exact(self) -> bool:
        """Whether it measures without errors, and so without asking for the surroundings."""
        return self._errors is None

    def measured(self, load: Load, ambient: Ambient | None) -> Load:
        """What the elements measure of a load; a system that is not `exact` asks for `ambient`, in the same steps."""
        if self._aron:
            load = _two_elements(load)
        elif self._mask is not None:
            load = Load(load.active_mw * self._mask, load.reactive_mvar * self._mask, load.voltage_mv * self._mask)
        load = self._started(load)
        if self._errors is None:
            return load
        assert ambient is not None
        return self._errors.disturbed(load, ambient)

    def _started(self, load: Load) -> Load:
        """The load without the phases whose current is below the starting current."""
        if not self._starting_ma:
            return load
        least_mva = load.voltage_mv * self._starting_ma // 1000
        active, reactive = load.active_mw, load.reactive_mvar
        runs = active * active + reactive * reactive >= least_mva * least_mva
        return load if runs.all() else Load(active * runs, reactive * runs, load.voltage_mv)


def _two_elements(load: Load) -> Load:
    """Powers of the elements (u12, i1) and (u32, i3), in the rows of L1 and L3; their voltages are u12 and u32.

    With i1 = i12 - i31: S1 = S12 - (u12 / u31) S31, the lines 120 degrees apart; the rest is element 3's.
    """
    p12, p23, p31 = load.active_mw
    q12, q23, q31 = load.reactive_mvar
    u12, u23, u31 = load.voltage_mv
    scale = np.maximum(u31, 1)
    p, q = p31 * u12 // scale, q31 * u12 // scale
    active, reactive, voltage = np.zeros_like(load.active_mw), np.zeros_like(load.active_mw), load.voltage_mv.copy()
    active[0] = p12 + p // 2 - q * _HALF_ROOT_3_PPM // 1_000_000
    reactive[0] = q12 + q // 2 + p * _HALF_ROOT_3_PPM // 1_000_000
    active[2] = p12 + p23 + p31 - active[0]
    reactive[2] = q12 + q23 + q31 - reactive[0]
    voltage[1] = 0
    voltage[2] = u23
    return Load(active, reactive, voltage)
