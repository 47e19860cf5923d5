"""Statistics of the Beijing winter by day of the season (physics §20.4, from the IWEC year)."""

import datetime as dt
from bisect import bisect_right
from dataclasses import astuple, dataclass
from typing import Final

import numpy as np

from simulators.physics.weather.local_time import UTC_OFFSET_MS
from wire.units import SECOND_MS


@dataclass(frozen=True, slots=True)
class Climate:
    """Typical values at one time of the season.

    Temperatures are in °C, humidities 0…1, `sun_kwh` in kWh/m² and day. `low_h` and `high_h` are
    the hours of the coldest and the warmest moment. `deviation` (K) and `memory` are the standard
    deviation of the daily means and their correlation from day to day.
    """

    mean_c: float
    low_c: float
    low_h: float
    high_c: float
    high_h: float
    deviation: float
    memory: float
    humidity_night: float
    humidity_day: float
    sun_kwh: float


_MONTHS: Final = (
    Climate(4.8, 1.0, 6, 10.0, 15, 3.9, 0.85, 0.59, 0.33, 2.17),
    Climate(-0.5, -4.3, 6, 4.1, 15, 2.6, 0.70, 0.48, 0.29, 1.82),
    Climate(-2.9, -6.1, 7, 1.0, 14, 2.5, 0.54, 0.46, 0.26, 2.22),
    Climate(0.0, -3.9, 7, 5.0, 15, 2.3, 0.58, 0.50, 0.26, 2.94),
    Climate(6.1, 1.7, 6, 10.7, 15, 2.5, 0.65, 0.47, 0.28, 3.82),
)
# Of November … March, in days after 1 November.
_MIDDLE_DAY: Final = (15.0, 45.5, 76.5, 106.0, 135.5)
_BEFORE_DAY, _AFTER_DAY = -15.5, 166.0  # the middles of October and April


def season_day(now: int) -> float:
    """Days from the nearest 1 November 0:00 local time; negative before it."""
    local = dt.datetime.fromtimestamp((now + UTC_OFFSET_MS) / SECOND_MS, dt.UTC)
    year = local.year if local.month > 6 else local.year - 1
    return (local - dt.datetime(year, 11, 1, tzinfo=dt.UTC)).total_seconds() / 86_400.0


def climate(day: float) -> Climate:
    """The climate `day` days into the season: straight lines between the middles of the months."""
    index = min(max(bisect_right(_DAYS, day) - 1, 0), len(_DAYS) - 2)
    before, following = _VALUES[index], _VALUES[index + 1]
    share = min(max((day - _DAYS[index]) / (_DAYS[index + 1] - _DAYS[index]), 0.0), 1.0)
    return Climate(*[a + (b - a) * share for a, b in zip(before, following, strict=True)])


def _knots() -> tuple[tuple[float, ...], ...]:
    """Values at the middles of October … April whose lines average to the figures of each month."""
    months = np.array([astuple(month) for month in _MONTHS])
    around = np.vstack([2 * months[0] - months[1], months, 2 * months[-1] - months[-2]])
    bend = np.zeros_like(around)
    bend[1:-1] = (around[:-2] + around[2:] - 2 * around[1:-1]) / 8.0
    corrected = around - bend
    corrected[[0, -1], 1:] = months[
        [0, -1], 1:
    ]  # only the means follow their trend beyond the season
    return tuple(tuple(row) for row in corrected.tolist())


_DAYS: Final = (_BEFORE_DAY, *_MIDDLE_DAY, _AFTER_DAY)
_VALUES: Final = _knots()
