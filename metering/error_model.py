"""Measuring errors: how far a real meter of an accuracy class is off, in ppm of what flows.

Every element of a meter has errors of its own, drawn once from the meter's seed: a gain, a part that grows towards
the starting current, one that grows with the heat of a high current, an angle between current and voltage
channel, and coefficients of voltage, frequency and temperature. They follow the load like the typical accuracy
curves of the data sheets (current load, voltage, frequency and temperature variation), and are well inside
the limits of the class (EN 50470-3, IEC 62053-21). Nothing here depends on magnets or direct current: the shunt
does not notice them. Integers throughout, a pure function of load and surroundings.
"""

from __future__ import annotations

from math import isqrt
from typing import Final, NamedTuple

import numpy as np

from .configuration import MeterConfiguration
from .inputs import NOMINAL_VOLTAGE_MV
from .installation import Ambient, Load
from .installation.arithmetic import hashed, uniform
from .installation.model import NOMINAL_FREQUENCY_MILLIHZ, REFERENCE_TEMPERATURE_MILLIDEGC
from .measurement import currents_ma
from .quantities import IntArray

PPM: Final = 1_000_000
_CLASS_PPM: Final = {"A": 20_000, "B": 10_000, "2": 20_000, "1": 10_000}
"""The limit of each class between transition and maximum current, at power factor 1."""
_STREAM: Final = 382

# Largest coefficients in per cent of the class limit.
_GAIN, _LOW_CURRENT, _HEAT, _ANGLE = 20, 15, 10, 10
_PER_TEN_PERCENT_VOLTAGE, _PER_TWO_PERCENT_FREQUENCY, _PER_TEN_KELVIN = 15, 10, 20
_STEEPEST: Final = 10
"""Largest ratio of reactive to active power (or the other way) that the angle error is followed to."""


class ErrorParts(NamedTuple):
    """Errors of active power in ppm, phases by steps, by what causes them."""

    load: IntArray
    voltage: IntArray
    frequency: IntArray
    temperature: IntArray

    def total(self) -> IntArray:
        """What the meter really is off."""
        return self.load + self.voltage + self.frequency + self.temperature

    def composite(self) -> IntArray:
        """The composite error: root of the sum of the squares (EN 50470-3, maximum permissible error)."""
        squares = sum(part.astype(np.float64) ** 2 for part in self)
        return np.sqrt(squares).astype(np.int64)


class Conditions(NamedTuple):
    """What an accuracy curve is drawn at; the reference conditions unless said."""

    power_factor_thousandths: int = 1_000
    """500 is 0.5 lagging, -800 is 0.8 leading."""
    voltage_mv: int = NOMINAL_VOLTAGE_MV
    frequency_millihz: int = NOMINAL_FREQUENCY_MILLIHZ
    temperature_millidegc: int = REFERENCE_TEMPERATURE_MILLIDEGC


class ErrorModel:
    """The errors of one meter; its configuration must have an `error_seed`."""

    def __init__(self, configuration: MeterConfiguration) -> None:
        seed = configuration.error_seed
        assert seed is not None
        self._transition_ma = configuration.basic_current_ma // 10  # Itr of a direct meter, EN 50470-3
        self._maximum_ma = configuration.maximum_current_ma
        limit = _CLASS_PPM[configuration.accuracy_class]

        def drawn(number: int, per_cent: int) -> IntArray:
            """A coefficient of each element, between plus and minus this much of the class limit, in ppm."""
            bits = hashed(seed, _STREAM, np.arange(3, dtype=np.int64) + 3 * number)
            most = limit * per_cent // 100
            return uniform(bits, 0, 20, -most, most + 1)[:, None]

        self._gain = drawn(0, _GAIN)
        self._low_current = drawn(1, _LOW_CURRENT)
        self._heat = drawn(2, _HEAT)
        self._angle = drawn(3, _ANGLE)
        self._voltage = drawn(4, _PER_TEN_PERCENT_VOLTAGE)
        self._frequency = drawn(5, _PER_TWO_PERCENT_FREQUENCY)
        self._temperature = drawn(6, _PER_TEN_KELVIN)

    def parts(self, load: Load, ambient: Ambient) -> ErrorParts:
        """The errors of active power, phase by step."""
        common, influences = self._common(load, ambient)
        angle = -self._angle * _ratio_thousandths(load.reactive_mvar, load.active_mw) // 1000
        return ErrorParts(common + angle, *influences)

    def curve(self, currents: IntArray, at: Conditions) -> ErrorParts:
        """The typical accuracy curves of the data sheets: errors over these currents in mA, the same in all phases."""
        apparent = np.repeat(currents[None, :] * at.voltage_mv // 1000, 3, axis=0)
        cosine = abs(at.power_factor_thousandths)
        sine = isqrt(1_000_000 - cosine * cosine) * (1 if at.power_factor_thousandths > 0 else -1)
        load = Load(apparent * cosine // 1000, apparent * sine // 1000, np.full_like(apparent, at.voltage_mv))
        shape = np.zeros_like(currents)
        return self.parts(load, Ambient(shape + at.frequency_millihz, shape + at.temperature_millidegc))

    def disturbed(self, load: Load, ambient: Ambient) -> Load:
        """The load as this meter measures it. Reactive power has the angle error in the other direction."""
        common, influences = self._common(load, ambient)
        rest = common + sum(influences)
        active, reactive = load.active_mw, load.reactive_mvar
        angle = -self._angle * _ratio_thousandths(reactive, active) // 1000
        across = self._angle * _ratio_thousandths(active, reactive) // 1000
        return Load(
            active + active * (rest + angle) // PPM, reactive + reactive * (rest + across) // PPM, load.voltage_mv
        )

    def _common(self, load: Load, ambient: Ambient) -> tuple[IntArray, tuple[IntArray, IntArray, IntArray]]:
        """What active and reactive power share: gain, low and high current; voltage, frequency, temperature."""
        current = np.maximum(currents_ma(load), self._transition_ma // 5)
        share = np.minimum(current * 1000 // self._maximum_ma, 2_000)
        low = self._low_current * self._transition_ma // current
        heat = self._heat * share * share // PPM
        deviation = (load.voltage_mv - NOMINAL_VOLTAGE_MV) * 1000 // NOMINAL_VOLTAGE_MV
        voltage = self._voltage * np.where(load.voltage_mv > 0, deviation, 0) // 100
        off = (ambient.frequency_millihz - NOMINAL_FREQUENCY_MILLIHZ) * 10_000 // NOMINAL_FREQUENCY_MILLIHZ
        frequency = self._frequency * off // 200
        temperature = self._temperature * (ambient.temperature_millidegc - REFERENCE_TEMPERATURE_MILLIDEGC) // 10_000
        return self._gain + low + heat, (voltage, frequency, temperature)


def _ratio_thousandths(one: IntArray, other: IntArray) -> IntArray:
    """`one` over `other` in thousandths, followed to `_STEEPEST`; 0 where there is nothing."""
    ratio = one * 1000 // np.where(other == 0, 1, other)
    return np.where(other == 0, 0, np.clip(ratio, -1000 * _STEEPEST, 1000 * _STEEPEST))
