"""Outdoor conditions: a steady cold for demonstrations, or a Beijing winter from its statistics (physics.md §20.4)."""

import datetime as dt
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from simulators.physics.arrays import Floats
from simulators.physics.grid import SHANGHAI_MS, local_hour

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Conditions:
    """Air temperature in °C, relative humidity 0…1, and sun on a horizontal square metre in W/m²."""

    outdoor_c: float
    humidity: float
    sun_w_m2: float


class Weather(Protocol):
    """Anything that knows the conditions at UTC milliseconds `now`."""

    def at(self, now: int) -> Conditions: ...


@dataclass(frozen=True, slots=True)
class SteadyWeather:
    """One temperature with a daily swing around it, and one humidity; without sun."""

    outdoor_c: float
    humidity: float
    swing_k: float = 0.0

    def at(self, now: int) -> Conditions:
        """Conditions at `now`; warmest at 15:00 local time."""
        swing = self.swing_k * float(np.cos((local_hour(now) - 15.0) * np.pi / 12.0))
        return Conditions(self.outdoor_c + swing, self.humidity, 0.0)


@dataclass(frozen=True, slots=True)
class _Month:
    mean: float
    low: float
    high: float
    deviation: float
    humidity_night: float
    humidity_day: float
    sun_kwh: float


# physics.md §20.4, derived statistics of the Beijing IWEC year.
_MONTHS: Final = {
    11: _Month(4.8, 1.0, 10.0, 3.9, 0.59, 0.33, 2.17),
    12: _Month(-0.5, -4.3, 4.1, 2.6, 0.48, 0.29, 1.82),
    1: _Month(-2.9, -6.1, 1.0, 2.5, 0.46, 0.26, 2.22),
    2: _Month(0.0, -3.9, 5.0, 2.3, 0.50, 0.26, 2.94),
    3: _Month(6.1, 1.7, 10.7, 2.5, 0.47, 0.28, 3.82),
}
_MEMORY: Final = 0.66  # AC1 of daily means is .54–.85 by month, physics.md §20.4
_HUMID_DAY_CHANCE: Final = 5 / 30  # about five humid spells a month, physics.md §20.4
_HUMID: Final = 0.87  # 80–95 % in a spell


class WinterWeather:
    """A seeded heating season; days outside November to March are taken as the nearest of those months."""

    def __init__(self, seed: int, offset_k: float = 0.0, days: int = 366) -> None:
        """`offset_k` shifts every temperature (mountain villages −4…−6, physics.md §20.4); repeats after `days`."""
        generator = np.random.default_rng([seed, 204])
        self._anomaly = _correlated(generator.standard_normal(days))
        self._humid = (generator.random(days) < _HUMID_DAY_CHANCE).astype(float)
        self._offset_k = offset_k

    def at(self, now: int) -> Conditions:
        """Conditions at UTC milliseconds `now`; continuous in time, warmest at 15:00 local time."""
        month = _month(now)
        warmth = float(np.cos((local_hour(now) - 15.0) * np.pi / 12.0))
        swing = (month.high - month.low) / 2.0
        temperature = month.mean + swing * warmth + month.deviation * _daily(self._anomaly, now) + self._offset_k
        dry = month.humidity_day + (month.humidity_night - month.humidity_day) * (1.0 - warmth) / 2.0
        spell = _daily(self._humid, now)
        return Conditions(temperature, dry + (_HUMID - dry) * spell, _sun_w_m2(month, now))


def _correlated(noise: Floats) -> Floats:
    """Unit-variance day-to-day anomalies that remember the day before."""
    anomaly = noise.copy()
    for day in range(1, len(noise)):
        anomaly[day] = _MEMORY * anomaly[day - 1] + (1.0 - _MEMORY**2) ** 0.5 * noise[day]
    return anomaly


def _daily(values: Floats, now: int) -> float:
    """One value a day, joined by straight lines."""
    days, rest = divmod(now + SHANGHAI_MS, DAY_MS)
    here, after = values[days % len(values)], values[(days + 1) % len(values)]
    return float(here + (after - here) * rest / DAY_MS)


def _month(now: int) -> _Month:
    month = dt.datetime.fromtimestamp((now + SHANGHAI_MS) / 1000, dt.UTC).month
    return _MONTHS.get(month, _MONTHS[3] if 4 <= month <= 7 else _MONTHS[11])


def _sun_w_m2(month: _Month, now: int) -> float:
    """A half sine from 7:30 to 17:00 that carries the month's mean daily sum."""
    first, last = 7.5, 17.0
    hour = local_hour(now)
    if not first < hour < last:
        return 0.0
    peak = month.sun_kwh * 1000.0 * np.pi / (2.0 * (last - first))
    return float(peak * np.sin(np.pi * (hour - first) / (last - first)))
