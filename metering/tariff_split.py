"""How a stretch of time divides among tariffs: energy and seconds of each, at its end and at any instant inside.

A switch at t takes effect from t on. What ends at t, a period or a captured row, still belongs to the tariff before.
"""

from __future__ import annotations

import numpy as np

from .quantities import TARIFFS, IntArray
from .view import View


class TariffSplit:
    """A view and the switches inside it, in true time; `tariffs` has one more, the first holds from the start."""

    def __init__(self, view: View, switches: IntArray, tariffs: IntArray) -> None:
        self._view = view
        self._switches = switches
        self._tariffs = tariffs

    def tariffs_at(self, times: IntArray) -> IntArray:
        """The tariff that holds until each of these instants in `(start, stop]`."""
        found: IntArray = self._tariffs[self._switches.searchsorted(times, side="left")]
        return found

    def at(self, times: IntArray) -> IntArray:
        """Energy of each flow in mWs and, last, seconds, from the start to each instant: rows by tariffs by times."""
        flows = self._view.flow_integrals(times)
        gained = np.concatenate((flows, (times - self._view.start)[None, :]))
        out = np.zeros((gained.shape[0], TARIFFS, times.size), dtype=np.int64)
        if self._tariffs.size == 1:
            out[:, self._tariffs[0] - 1] = gained
            return out
        begins = np.append(self._view.start, self._switches)
        at_begins = np.concatenate((self._view.flow_integrals(begins), (begins - self._view.start)[None, :]))
        pieces = np.diff(at_begins, axis=1)
        before = np.zeros((gained.shape[0], TARIFFS, begins.size), dtype=np.int64)
        for tariff in np.unique(self._tariffs[:-1]).tolist():
            before[:, tariff - 1, 1:] = np.cumsum(pieces * (self._tariffs[:-1] == tariff), axis=1)
        inside = self._switches.searchsorted(times, side="left")
        out[:] = before[:, :, inside]
        out[:, self._tariffs[inside] - 1, np.arange(times.size)] += gained - at_begins[:, inside]
        return out
