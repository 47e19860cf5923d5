"""Saturation of R290, the refrigerant of the sample unit in docs/domain/profile-midea-mthermal.md.

At 4 °C outdoors and 32 °C supply that unit shows 430 and 1350 kPa. In this table (absolute
pressures) these are saturation at Te = −3 °C and Tc = 39 °C, which confirms the two approaches of
physics §20.1.
"""

from typing import Final

import numpy as np

from simulators.physics.arrays import Floats

# Saturation temperature in °C and absolute pressure in kPa, rounded from the R290 reference
# equation of state (Lemmon, McLinden and Wagner 2009).
_TEMPERATURE_C: Final = np.arange(-50.0, 75.0, 5.0)
# fmt: off
_PRESSURE_KPA: Final = np.array([
    70.6, 88.8, 111.1, 137.2, 167.8, 203.3, 244.5, 291.5, 345.3, 406.0, 474.5, 551.2, 636.6,
    731.6, 836.6, 952.1, 1079.0, 1218.3, 1369.4, 1534.3, 1713.3, 1907.2, 2117.0, 2343.3, 2587.0,
])
# fmt: on
_LOG_KPA: Final = np.log(_PRESSURE_KPA)


def saturation_bar(temperature_c: Floats) -> Floats:
    """Saturation pressure in bar, log-linear in the table and constant beyond it."""
    logarithm: Floats = np.interp(temperature_c, _TEMPERATURE_C, _LOG_KPA)
    return np.exp(logarithm) / 100.0


def saturation_c(pressure_bar: float) -> float:
    """Saturation temperature in °C at `pressure_bar`, constant beyond the table."""
    return float(np.interp(np.log(max(pressure_bar, 0.01) * 100.0), _LOG_KPA, _TEMPERATURE_C))
