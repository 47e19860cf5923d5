"""Mains voltage in a converted village (physics.md §20.6)."""

from typing import Final

import numpy as np

from simulators.physics.arrays import Floats

NOMINAL_V: Final = 220.0
DAY_PU: Final = 1.03  # 1.00–1.05 by day
EVENING_PU: Final = 0.93  # 0.88–0.95 from 18:00 to 23:00
OWN_LOAD_V_PER_KW: Final = 0.45  # 0.3…0.6 V per kW and house
SHANGHAI_MS: Final = 8 * 3_600_000  # UTC+8 all year
_EVENING_H: Final = (17.0, 18.5, 22.5, 23.5)


def local_hour(now: int) -> float:
    """Hour of the day in Asia/Shanghai, 0…24, at UTC milliseconds `now`."""
    return (now + SHANGHAI_MS) % 86_400_000 / 3_600_000


def voltage_v(now: int, power_w: Floats) -> Floats:
    """Voltage at each house that draws `power_w`: evening droop of the feeder, and the house's own drop."""
    evening = float(np.interp(local_hour(now), _EVENING_H, (0.0, 1.0, 1.0, 0.0)))
    feeder = NOMINAL_V * (DAY_PU + (EVENING_PU - DAY_PU) * evening)
    return feeder - OWN_LOAD_V_PER_KW * power_w / 1000.0
