"""Mains voltage of a converted village: one feeder that drops under its load (physics §20.6)."""

from typing import Final

import numpy as np

from simulators.physics.arrays import Floats, Numbers
from simulators.physics.weather.local_time import local_hour
from wire.units import HOUR_MS, SECOND_MS

NOMINAL_V: Final = 220.0
OWN_LOAD_PU_PER_KW: Final = 0.45 / NOMINAL_V  # 0.3…0.6 V per kW and house, physics §20.6

# The next three reproduce physics §20.6: 1.00–1.05 by day, 0.88–0.95 from 18:00 to 23:00, and
# 0.80–0.87 at the end of the feeder when every unit runs at full speed on the evening of a cold
# wave.
UNLOADED_PU: Final = 1.06
FEEDER_PU_PER_KW: Final = 0.030  # drop at the end of the feeder per kW of the mean house
NEAREST: Final = 0.6  # share of the impedance of the feeder before its first house

# Other load of a house in kW: cooking, light and water in the evening, storage heaters from the
# first hour of the valley tariff on (20:00, requirements R11).
_OTHER_H: Final = (0.0, 1.0, 6.0, 17.0, 18.5, 19.99, 20.01, 21.0, 23.0, 24.0)
_OTHER_KW: Final = (0.8, 0.3, 0.3, 0.5, 2.4, 2.4, 3.4, 2.8, 1.8, 0.8)

_SAG_EVERY_MS: Final = 12 * HOUR_MS  # "occasional", physics §20.6: one in half a day
_SAG_PU: Final = 0.75
LONGEST_SAG_S: Final = 2.0  # physics §20.6; a longer step would make a lasting fault of a sag


def feeder_share(position: Floats) -> Floats:
    """Share of the impedance of the feeder before a house at `position`, 0 (first) … 1 (last)."""
    return NEAREST + (1.0 - NEAREST) * position


def voltage_pu(
    now: int, power_w: Floats, feeder_share: Floats, village: Numbers, houses: Floats
) -> Floats:
    """Voltage at each house over the nominal one, without sags.

    `power_w` is the load of each unit, `village` (from 0) its feeder, `houses` the number of houses
    on each feeder.
    """
    drawn_kw = np.bincount(village, power_w, len(houses)) / houses / 1000.0
    droop = FEEDER_PU_PER_KW * (drawn_kw + other_kw(now))
    return UNLOADED_PU - OWN_LOAD_PU_PER_KW / 1000.0 * power_w - feeder_share * droop[village]


def other_kw(now: int) -> float:
    """Load of a house beside its heat pump, kW."""
    return float(np.interp(local_hour(now), _OTHER_H, _OTHER_KW))


def sag(now: int) -> float:
    """The voltage factor of a distant fault in the network: 1, or less during a sag of 0.5–2 s."""
    half_day, within = divmod(now, _SAG_EVERY_MS)
    begin = half_day * 2_654_435_761 % (_SAG_EVERY_MS - 2 * SECOND_MS)
    lasts = 500 + half_day * 40_503 % 1_500
    return _SAG_PU if 0 <= within - begin < lasts else 1.0
