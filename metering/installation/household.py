"""A synthetic Danish home: seeded, a pure function of time, about 4000 kWh a year.

Each appliance is a few whole-array operations on the minutes asked for. What happens once a day (dinner,
washing, charging) is drawn once per day; what wavers is a hash of the minute. Everything is integer
arithmetic: the same seed gives the same home to the last milliwatt on every machine.

Phases: L1 kitchen and living room, L2 laundry and fridge, L3 light and standby; the three-phase appliances
(car charger, heat pump, inverter) load all.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..clock import DST_S, in_summer
from ..quantities import IntArray
from .arithmetic import CIRCLE, UNIT, bit_field, cosine, hashed, uniform
from .model import Ambient, Load, grid_steps
from .sun import STEP_S, irradiance

_MINUTES: Final = 1_440
_GMT_OFFSET_MIN: Final = 60

_HOURS: Final = {
    False: (30, 25, 25, 25, 30, 60, 150, 190, 120, 80, 70, 75, 90, 80, 75, 90, 160, 260, 300, 290, 270, 230, 150, 70),
    True: (
        50,
        35,
        25,
        25,
        25,
        30,
        60,
        99,
        170,
        190,
        180,
        180,
        190,
        180,
        170,
        170,
        200,
        280,
        300,
        280,
        270,
        250,
        190,
        99,
    ),
}
"""Light, cooking odds and ends, entertainment by hour of the day, in W in an average season: working day, weekend."""

_DRAWN_KWH: Final = 3_290
"""What the shapes and appliances below add up to in a year; `annual_kwh` scales it."""

# Streams of random numbers, one per thing that wavers.
_QUARTER, _MINUTE, _DINNER, _LAUNDRY, _CAR, _SKY, _CLOUD, _NETWORK, _HOME, _FREQUENCY = range(1, 11)


class _Days(NamedTuple):
    """Which local days a stretch touches: their numbers, and for each grid step its index into them."""

    numbers: IntArray
    of_step: IntArray


@dataclass(frozen=True, slots=True)
class HouseholdInstallation:
    """One home; `annual_kwh` is what it uses without car charger and heat pump, about.

    `pv_peak_w` is the size of a photovoltaic array, 0 for none. `grid_s` is 60 (each minute of its own) or 900.
    Raises `ValueError` where a value is not allowed.
    """

    seed: int = 1
    annual_kwh: int = 4_000
    pv_peak_w: int = 0
    car_charger: bool = False
    heat_pump: bool = False
    grid_s: int = 60
    latitude_deg: int = 56

    def __post_init__(self) -> None:
        """Check the values."""
        for name, value, allowed, text in (
            ("grid_s", self.grid_s, (60, 900), "60, 900"),
            ("annual_kwh", self.annual_kwh, range(500, 50_001), "500..50000"),
            ("pv_peak_w", self.pv_peak_w, range(100_001), "0..100000"),
            ("seed", self.seed, range(2**64), "0..2^64-1"),
            ("latitude_deg", self.latitude_deg, range(-60, 61), "-60..60"),
        ):
            if value not in allowed:
                raise ValueError(f"{name} is {value!r}; allowed: {text}")

    def identity(self) -> dict[str, object]:
        """The kind and its parameters; `version` changes whenever the same parameters give another load."""
        return {"kind": "household", "version": 1} | asdict(self)

    def load(self, start: int, stop: int) -> Load:
        """The load in every grid step touching `[start, stop)`."""
        first, count = grid_steps(start, stop, self.grid_s)
        utc = (first + np.arange(count, dtype=np.int64)) * self.grid_s
        minute = utc // 60
        local = minute + _GMT_OFFSET_MIN + in_summer(utc) * np.int64(DST_S // 60)
        day = local // _MINUTES
        of_day = local - day * _MINUTES
        days = _days(day)
        noise = hashed(self.seed, _MINUTE, minute)

        active = np.empty((3, count), dtype=np.int64)  # in W until the home's size is applied
        reactive = np.empty((3, count), dtype=np.int64)
        plugs = self._plugs(minute, of_day, days, noise)
        fridge = self._fridge(minute)
        dinner = self._dinner(of_day, days, noise)
        laundry = self._laundry(of_day, days)
        np.add(plugs >> 1, dinner, out=active[0])
        np.add(fridge, laundry, out=active[1])
        np.subtract(plugs, plugs >> 1, out=active[2])
        active[2] += 90
        active *= self.annual_kwh * 1000 // _DRAWN_KWH
        # compressors and drums lag, electronics lead a little
        np.right_shift(active[0], 4, out=reactive[0])
        np.multiply(active[1], 3, out=reactive[1])
        reactive[1] >>= 3
        np.right_shift(active[2], 3, out=reactive[2])
        np.subtract(20_000, reactive[2], out=reactive[2])
        if self.car_charger:
            active += self._car(local)
        if self.heat_pump:
            heating = self._heat_pump(minute, days)
            active += heating
            reactive += heating >> 2
        if self.pv_peak_w:
            active -= self._sun(minute, utc, days)
        return Load(active, reactive, self._voltage(minute, active, noise))

    def ambient(self, start: int, stop: int) -> Ambient:
        """A network that wavers by some 0.03 Hz; a meter cupboard at 7 degrees C in January and 23 in July."""
        first, count = grid_steps(start, stop, self.grid_s)
        minute = (first + np.arange(count, dtype=np.int64)) * self.grid_s // 60
        frequency = uniform(hashed(0, _FREQUENCY, minute), 0, 16, 49_970, 50_031)
        days = _days(minute // _MINUTES)
        warmth = 15_000 - 8_000 * cosine((_day_of_year(days.numbers) - 15) * CIRCLE // 365) // UNIT
        return Ambient(frequency, warmth[days.of_step])

    def _plugs(self, minute: IntArray, of_day: IntArray, days: _Days, noise: NDArray[np.uint64]) -> IntArray:
        """Light and everything plugged in: the day's shape, more in winter, wavering by quarter and by minute."""
        shape = _SHAPES[(((days.numbers + 3) % 7) >= 5).astype(np.int64)[days.of_step], of_day]
        season = _season(days.numbers)
        quarter = minute // 15
        low = int(quarter[0])
        quarters = np.arange(low, int(quarter[-1]) + 1, dtype=np.int64)
        wavering = uniform(hashed(self.seed, _QUARTER, quarters), 0, 10, 614, 1_434)
        level: IntArray = shape * season[days.of_step]
        level >>= 10
        level *= wavering[quarter - low]
        level >>= 10
        level += bit_field(noise, 0, 5)
        return level

    def _fridge(self, minute: IntArray) -> IntArray:
        """A fridge and a freezer, their compressors cycling each in its own rhythm."""
        own = _own(self.seed)
        fridge = (minute + own[0] % 45) % 45 < 15
        freezer = (minute + own[1] % 62) % 62 < 24
        return fridge * np.int64(95) + freezer * np.int64(110)

    def _dinner(self, of_day: IntArray, days: _Days, noise: NDArray[np.uint64]) -> IntArray:
        """An hour of hob and oven on most evenings; thermostats switch it within the minute."""
        bits = hashed(self.seed, _DINNER, days.numbers)
        begin = uniform(bits, 0, 8, 16 * 60 + 45, 18 * 60 + 45)
        length = np.where(bit_field(bits, 8, 8) < 220, uniform(bits, 16, 8, 35, 75), 0)
        power = uniform(bits, 24, 8, 1_500, 3_000)
        return _once_a_day(of_day, days, begin, length, power) * uniform(noise, 8, 8, 90, 256) >> 8

    def _laundry(self, of_day: IntArray, days: _Days) -> IntArray:
        """A wash or a dishwasher on some days: heating first, then the drum turns."""
        bits = hashed(self.seed, _LAUNDRY, days.numbers)
        begin = uniform(bits, 0, 8, 9 * 60, 21 * 60)
        runs = bit_field(bits, 8, 8) < 120
        heating = _once_a_day(of_day, days, begin, np.where(runs, 20, 0), np.full(runs.shape, 2_000))
        return heating + _once_a_day(of_day, days, begin + 20, np.where(runs, 60, 0), np.full(runs.shape, 180))

    def _car(self, local: IntArray) -> IntArray:
        """11 kW over three phases for some hours from late evening on, on two nights in three; mW per phase.

        Charging runs past midnight, so nights are counted from noon to noon.
        """
        shifted = local + _MINUTES // 2
        night = shifted // _MINUTES
        nights = _days(night)
        bits = hashed(self.seed, _CAR, nights.numbers)
        begin = uniform(bits, 0, 8, 10 * 60, 13 * 60)
        length = np.where(bit_field(bits, 8, 8) < 170, uniform(bits, 16, 8, 40, 150), 0)
        power = np.full(length.shape, 3_680_000)
        return _once_a_day(shifted - night * _MINUTES, nights, begin, length, power)

    def _heat_pump(self, minute: IntArray, days: _Days) -> IntArray:
        """A compressor that runs more of each half hour the colder the season; mW per phase."""
        cold = _season(days.numbers) - 480
        runs = np.maximum(cold, 40) * 30 // 1_100
        return ((minute + _own(self.seed)[2] % 30) % 30 < runs[days.of_step]) * np.int64(750_000)

    def _sun(self, minute: IntArray, utc: IntArray, days: _Days) -> IntArray:
        """What the array feeds in, mW per phase: the sun's height, the day's sky and its passing clouds.

        Solar noon is taken as 11:20 UTC, ten degrees east.
        """
        solar = utc + 40 * 60
        solar_day = solar // 86_400
        low = int(solar_day[0])
        numbers = np.arange(low, int(solar_day[-1]) + 1, dtype=np.int64)
        table = irradiance(self.latitude_deg * 100)
        light = table[_day_of_year(numbers)[solar_day - low], (solar - solar_day * 86_400) // STEP_S]
        clear = uniform(hashed(self.seed, _SKY, days.numbers), 0, 10, 250, 1_024)[days.of_step]
        spell = minute // 10
        first = int(spell[0])
        spells = np.arange(first, int(spell[-1]) + 1, dtype=np.int64)
        clouds = uniform(hashed(self.seed, _CLOUD, spells), 0, 10, 0, 1_024)[spell - first]
        passing = np.where(clouds > clear, clear >> 1, clear)
        fed: IntArray = light * passing * (self.pv_peak_w * 1000 // 3) >> 20
        return fed

    def _voltage(self, minute: IntArray, active: IntArray, noise: NDArray[np.uint64]) -> IntArray:
        """230 V, drifting by the hour, wavering by the minute, and 0.2 ohm of supply cable: mV."""
        hour = minute // 60
        low = int(hour[0])
        hours = np.arange(low, int(hour[-1]) + 1, dtype=np.int64)
        drift = uniform(hashed(self.seed, _NETWORK, hours), 0, 12, 228_000, 233_000)
        level = drift[hour - low]
        level += bit_field(noise, 16, 10)
        return level - (active * 57 >> 16)


def _own(seed: int) -> list[int]:
    """Numbers that are this home's for ever."""
    return [int(bits) for bits in hashed(seed, _HOME, np.arange(3, dtype=np.int64))]


def _days(day: IntArray) -> _Days:
    low = int(day.min())
    return _Days(np.arange(low, int(day.max()) + 1, dtype=np.int64), day - low)


def _once_a_day(of_day: IntArray, days: _Days, begin: IntArray, length: IntArray, power: IntArray) -> IntArray:
    """`power` from minute `begin` of each day for `length` minutes, else nothing."""
    into = of_day - begin[days.of_step]
    running = into.view(np.uint64) < length.astype(np.uint64)[days.of_step]
    drawn: IntArray = running * power[days.of_step]
    return drawn


def _day_of_year(days: IntArray) -> IntArray:
    dates = days.astype("datetime64[D]")
    number: IntArray = (dates - dates.astype("datetime64[Y]")).astype(np.int64)
    return number


def _season(days: IntArray) -> IntArray:
    """How much light and heat the season asks for in 1/1024: 1.35 in mid January, 0.65 in mid July."""
    return 1_024 + 358 * cosine((_day_of_year(days) - 15) * CIRCLE // 365) // UNIT


def _shape(hours: tuple[int, ...]) -> list[int]:
    """Hourly values as minutes, in straight lines from the middle of one hour to that of the next."""
    minutes = []
    for minute in range(_MINUTES):
        hour, into = divmod(minute - 30, 60)
        minutes.append((hours[hour % 24] * (60 - into) + hours[(hour + 1) % 24] * into) // 60)
    return minutes


_SHAPES: Final[IntArray] = np.array([_shape(_HOURS[False]), _shape(_HOURS[True])], dtype=np.int64)
