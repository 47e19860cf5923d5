"""Mains voltage in a converted village: one feeder that sinks under what all its houses draw
(physics §20.6)."""

from typing import Final

import numpy as np

from simulators.physics.arrays import Floats, Numbers
from simulators.physics.weather.local_time import local_hour
from wire.units import HOUR_MS

NOMINAL_V: Final = 220.0
OWN_LOAD_PU_PER_KW: Final = 0.45 / NOMINAL_V  # 0.3…0.6 V per kW and house, physics §20.6

# The next three are set so that physics §20.6 comes out of the load: 1.00–1.05 by day, 0.88–0.95
# from 18:00 to 23:00, and 0.80–0.87 at the feeder's end when a cold wave makes every unit run at
# full speed in the evening.
UNLOADED_PU: Final = 1.06
FEEDER_PU_PER_KW: Final = 0.030  # per kW that the mean house draws, at the feeder's end
NEAREST: Final = 0.6  # the share of the feeder's impedance that the first house already sees

# What else a house draws in kW: cooking, light and water in the evening, storage heaters from the
# valley tariff's first hour on (20:00, requirements R11).
_OTHER_H: Final = (0.0, 1.0, 6.0, 17.0, 18.5, 19.99, 20.01, 21.0, 23.0, 24.0)
_OTHER_KW: Final = (0.8, 0.3, 0.3, 0.5, 2.4, 2.4, 3.4, 2.8, 1.8, 0.8)

_SAG_EVERY_MS: Final = 12 * HOUR_MS  # "occasional": one in half a day
_SAG_PU: Final = 0.75
LONGEST_SAG_S: Final = (
    2.0  # physics §20.6; a longer step cannot see one without taking it for a lasting fault
)


def feeder_share(position: Floats) -> Floats:
    """Share of the feeder's impedance before a house, from its place along the line, 0 (first) … 1
    (last)."""
    return NEAREST + (1.0 - NEAREST) * position


def voltage_pu(
    now: int, power_w: Floats, feeder_share: Floats, village: Numbers, houses: Floats
) -> Floats:
    """Voltage at each house over the nominal one, but for sags.

    `power_w` is what each unit draws, `village` (from 0) whose feeder it hangs on, `houses` how
    many hang on each.
    """
    drawn_kw = np.bincount(village, power_w, len(houses)) / houses / 1000.0
    droop = FEEDER_PU_PER_KW * (drawn_kw + other_kw(now))
    return UNLOADED_PU - OWN_LOAD_PU_PER_KW / 1000.0 * power_w - feeder_share * droop[village]


def other_kw(now: int) -> float:
    """What a house draws beside its heat pump, kW."""
    return float(np.interp(local_hour(now), _OTHER_H, _OTHER_KW))


def sag(now: int) -> float:
    """1, or the factor during one of the occasional sags of 0.5–2 s that a fault far off in the
    network makes."""
    turn, within = divmod(now, _SAG_EVERY_MS)
    place = turn * 2_654_435_761 % (_SAG_EVERY_MS - 2_000)
    lasts = 500 + turn * 40_503 % 1_500
    return _SAG_PU if 0 <= within - place < lasts else 1.0
