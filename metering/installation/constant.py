"""The same load for ever, and the load that only inputs set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..inputs import NOMINAL_VOLTAGE_MV, Phases
from ..quantities import IntArray
from .model import NOMINAL_FREQUENCY_MILLIHZ, REFERENCE_TEMPERATURE_MILLIDEGC, Ambient, Load, grid_steps


@dataclass(frozen=True, slots=True)
class ConstantInstallation:
    """Draws the same for ever: mW and mvar per phase, import positive, and mV."""

    active_mw: Phases
    reactive_mvar: Phases = (0, 0, 0)
    voltage_mv: Phases = (NOMINAL_VOLTAGE_MV,) * 3
    frequency_millihz: int = NOMINAL_FREQUENCY_MILLIHZ
    temperature_millidegc: int = REFERENCE_TEMPERATURE_MILLIDEGC

    @property
    def grid_s(self) -> int:
        """Nothing changes, so a step may be long: few steps, fast advance."""
        return 86_400

    def load(self, start: int, stop: int) -> Load:
        """The load in every grid step touching `[start, stop)`."""
        _, count = grid_steps(start, stop, self.grid_s)
        return Load(
            _columns(self.active_mw, count), _columns(self.reactive_mvar, count), _columns(self.voltage_mv, count)
        )

    def ambient(self, start: int, stop: int) -> Ambient:
        """The same air and network for ever."""
        _, count = grid_steps(start, stop, self.grid_s)
        return Ambient(np.full(count, self.frequency_millihz), np.full(count, self.temperature_millidegc))

    def identity(self) -> dict[str, object]:
        """The kind and its values."""
        return {
            "kind": "constant",
            "active_mw": list(self.active_mw),
            "reactive_mvar": list(self.reactive_mvar),
            "voltage_mv": list(self.voltage_mv),
            "frequency_millihz": self.frequency_millihz,
            "temperature_millidegc": self.temperature_millidegc,
        }


class LiveInstallation(ConstantInstallation):
    """Premises whose load is set by `SetLoad` inputs; until the first one nothing is drawn."""

    __slots__ = ()

    def __init__(self, voltage_mv: Phases = (NOMINAL_VOLTAGE_MV,) * 3) -> None:
        super().__init__((0, 0, 0), (0, 0, 0), voltage_mv)

    def identity(self) -> dict[str, object]:
        """The kind and its voltage."""
        return {"kind": "live", "voltage_mv": list(self.voltage_mv)}


def _columns(phases: Phases, count: int) -> IntArray:
    return np.repeat(np.array(phases, dtype=np.int64)[:, None], count, axis=1)
