"""Outdoor conditions over time: a constant cold for demonstrations, or a random Beijing winter."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

import numpy as np

from simulators.physics.arrays import Floats
from simulators.physics.weather.climate import Climate, climate, season_day
from simulators.physics.weather.conditions import Conditions
from simulators.physics.weather.local_time import afternoon_share, local_hour
from wire.units import DAY_MS

DAYS: Final = 368  # of one generated year, from 1 July on, with one to spare at either end
FIRST_DAY: Final = -124  # 1 July and a day, counted from 1 November
HUMID_DAY_CHANCE: Final = 5 / 30  # about five humid spells a month, physics §20.4
HUMID_H: Final = (6.0, 18.0)  # how long they last, physics §20.4
HUMIDITY: Final = (0.80, 0.95)  # and their relative humidity
HUMID_SUN: Final = 0.3  # share of the sun that reaches the ground through their cloud
ONSET_H: Final = 2.0  # of a humid spell, engineering assumption
# Of the days: puts 10 and 90 % of the hours near the 13 and 78 % of physics §20.4.
HUMIDITY_DEVIATION: Final = 0.20
DRIEST, DAMPEST = 0.08, 0.97
# Share of the sun that the spells leave on average.
MEAN_SUN: Final = 1.0 - (1.0 - HUMID_SUN) * HUMID_DAY_CHANCE * sum(HUMID_H) / 48.0


class Weather(Protocol):
    """Any weather: the conditions at UTC milliseconds `now`."""

    def at(self, now: int) -> Conditions: ...


@dataclass(frozen=True, slots=True)
class SteadyWeather:
    """One temperature with a daily swing, and one humidity; no sun."""

    outdoor_c: float
    humidity: float
    swing_k: float = 0.0

    def at(self, now: int) -> Conditions:
        """Conditions at UTC milliseconds `now`; warmest at 15:00 local time."""
        swing_k = self.swing_k * afternoon_share(now)
        return Conditions(self.outdoor_c + swing_k, self.humidity, 0.0)


@dataclass(frozen=True, slots=True)
class WinterWeather:
    """A seeded heating season, different each year.

    Before November and after March it continues as at their ends. `offset_k` shifts every
    temperature (mountain villages −4…−6 K, physics §20.4).
    """

    seed: int
    offset_k: float = 0.0

    def at(self, now: int) -> Conditions:
        """Conditions at UTC milliseconds `now`, continuous in time."""
        day, hour = season_day(now), local_hour(now)
        typical = climate(day)
        year = _year(self.seed, round((now / DAY_MS - day) / 365.2425))
        warmth = _warmth(hour, typical)
        swing_k = (typical.high_c - typical.low_c) / 2.0 * warmth
        usual = (
            typical.humidity_day
            + (typical.humidity_night - typical.humidity_day) * (1.0 - warmth) / 2.0
        )
        dry = min(max(usual + _between_noons(year.damper, day), DRIEST), DAMPEST)
        spell, humidity = year.humid(day)
        return Conditions(
            typical.mean_c + swing_k + _between_noons(year.warmer_k, day) + self.offset_k,
            dry + (humidity - dry) * spell,
            sun_w_m2(typical.sun_kwh / MEAN_SUN, hour) * (1.0 - (1.0 - HUMID_SUN) * spell),
        )


@dataclass(frozen=True, slots=True)
class _Year:
    """The random course of one year.

    For each day from FIRST_DAY on, how much its noon is warmer (K) and damper than usual. For each
    humid spell, begin and end in days from 1 November, and its humidity.
    """

    warmer_k: Sequence[float]
    damper: Sequence[float]
    begin: Sequence[float]
    end: Sequence[float]
    humidity: Sequence[float]

    def humid(self, day: float) -> tuple[float, float]:
        """The share 0…1 of a humid spell that is in effect on `day`, and its humidity."""
        index = bisect_right(self.begin, day) - 1
        if index < 0:
            return 0.0, 0.0
        inside = min(day - self.begin[index], self.end[index] - day) * 24.0 / ONSET_H
        return min(max(inside, 0.0), 1.0), self.humidity[index]


@lru_cache(maxsize=64)
def _year(seed: int, number: int) -> _Year:
    generator = np.random.default_rng([seed, 204, number])
    days = np.arange(FIRST_DAY, FIRST_DAY + DAYS, dtype=float)
    typical = [climate(day) for day in days]
    memory = [_noon_memory(day.memory) for day in typical]
    evened = np.array([_smoothing(day) for day in memory])
    warmer, damper = (
        _correlated(generator.standard_normal(DAYS), memory) / evened for _ in range(2)
    )
    happens = generator.random(DAYS) < HUMID_DAY_CHANCE
    begin = days + generator.random(DAYS) * 0.25  # early enough to end before the next
    end = begin + generator.uniform(*HUMID_H, DAYS) / 24.0
    return _Year(
        (warmer * [day.deviation for day in typical]).tolist(),
        (damper * HUMIDITY_DEVIATION).tolist(),
        begin[happens].tolist(),
        end[happens].tolist(),
        generator.uniform(*HUMIDITY, DAYS)[happens].tolist(),
    )


def _between_noons(values: Sequence[float], day: float) -> float:
    """The value on `day` of straight lines through the noons of days from FIRST_DAY on."""
    position = min(max(day - 0.5 - FIRST_DAY, 0.0), len(values) - 1.001)
    index = int(position)
    return values[index] + (values[index + 1] - values[index]) * (position - index)


def _correlated(noise: Floats, memory: Sequence[float]) -> Floats:
    """Daily values of unit variance, each with a memory of the day before."""
    values = noise.copy()
    for day in range(1, len(noise)):
        values[day] = memory[day] * values[day - 1] + (1.0 - memory[day] ** 2) ** 0.5 * noise[day]
    return values


def _noon_memory(memory: float) -> float:
    """Correlation of noon values that gives daily means their own (fitted at 0.54 and 0.85)."""
    return 1.45 * memory - 0.483


def _smoothing(memory: float) -> float:
    """Standard deviation of the daily mean of lines through noon values of unit variance."""
    own, beside = 0.75, 0.125
    return float(
        (own**2 + 2 * beside**2 + 4 * own * beside * memory + 2 * (beside * memory) ** 2) ** 0.5
    )


def _warmth(hour: float, typical: Climate) -> float:
    """The course of the day, −1 at its coldest hour and 1 at its warmest: two half cosines."""
    since = (hour - typical.high_h) % 24.0
    falling = (typical.low_h - typical.high_h) % 24.0
    if since < falling:
        return float(np.cos(np.pi * since / falling))
    return float(-np.cos(np.pi * (since - falling) / (24.0 - falling)))


def sun_w_m2(day_kwh: float, hour: float) -> float:
    """Sun at `hour`, W/m²: a half sine from 7:30 to 17:00 that adds up to `day_kwh`."""
    first, last = 7.5, 17.0
    if not first < hour < last:
        return 0.0
    peak = day_kwh * 1000.0 * np.pi / (2.0 * (last - first))
    return float(peak * np.sin(np.pi * (hour - first) / (last - first)))
