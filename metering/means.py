"""Quantities of single phases that are averaged over a period: voltages, currents and the six kinds of power."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from .quantities import IntArray

if TYPE_CHECKING:
    from .installation import Load


class Mean(IntEnum):
    """Averages of a period, per phase: mV, mA, mW, mvar, mVA (382M DLMS description, registers x.25.0)."""

    U_L1 = 0
    U_L2 = 1
    U_L3 = 2
    I_L1 = 3
    I_L2 = 4
    I_L3 = 5
    P14_L1 = 6
    P14_L2 = 7
    P14_L3 = 8
    P23_L1 = 9
    P23_L2 = 10
    P23_L3 = 11
    Q12_L1 = 12
    Q12_L2 = 13
    Q12_L3 = 14
    Q34_L1 = 15
    Q34_L2 = 16
    Q34_L3 = 17
    S14_L1 = 18
    S14_L2 = 19
    S14_L3 = 20
    S23_L1 = 21
    S23_L2 = 22
    S23_L3 = 23


def apparent_mva(active_mw: IntArray, reactive_mvar: IntArray) -> IntArray:
    """Apparent power, rounded down; never below the magnitude of the active power.

    Square roots are correctly rounded in IEEE 754, so the result is the same on every machine.
    """
    active, reactive = active_mw.astype(np.float64), reactive_mvar.astype(np.float64)
    return np.floor(np.sqrt(active * active + reactive * reactive)).astype(np.int64)


def mean_rates(load: Load, currents_ma: IntArray) -> IntArray:
    """What `Mean` averages, in each step: means by steps."""
    out = np.empty((len(Mean), load.active_mw.shape[1]), dtype=np.int64)
    out[Mean.U_L1 : Mean.I_L1] = load.voltage_mv
    out[Mean.I_L1 : Mean.P14_L1] = currents_ma
    np.maximum(load.active_mw, 0, out=out[Mean.P14_L1 : Mean.P23_L1])
    np.subtract(out[Mean.P14_L1 : Mean.P23_L1], load.active_mw, out=out[Mean.P23_L1 : Mean.Q12_L1])
    np.maximum(load.reactive_mvar, 0, out=out[Mean.Q12_L1 : Mean.Q34_L1])
    np.subtract(out[Mean.Q12_L1 : Mean.Q34_L1], load.reactive_mvar, out=out[Mean.Q34_L1 : Mean.S14_L1])
    apparent = apparent_mva(load.active_mw, load.reactive_mvar)
    np.multiply(apparent, load.active_mw >= 0, out=out[Mean.S14_L1 : Mean.S23_L1])
    np.subtract(apparent, out[Mean.S14_L1 : Mean.S23_L1], out=out[Mean.S23_L1 :])
    return out
