"""A sound low-ambient heat pump at a reading's outdoor temperature, water temperature and speed.

Rules compare a unit with its own past, so only the course over weather and load matters; the
differences between makes (efficiency, refrigerant, valve) cancel out. All functions are elementwise
over columns.
"""

from typing import Final

import numpy as np

from rules.readings.columns import Floats

TOP_HZ: Final = 90.0
"""Upper end of the speed range (physics §20.1)."""

FULL_BENEFIT_RATIO: Final = 0.33
"""Speed over top speed below which part load no longer raises the COP (physics §20.1)."""

RUNNING_IDLE_W: Final = 150.0
"""Controls, crankcase and pump, which give no heat (physics §20.1: 10–20, 40–70 and 60–120 W)."""

VAPOUR_K: Final = 2_300.0
"""Clausius-Clapeyron slope: latent heat over the gas constant. R32 and R410A lie within a tenth of
it, R290 near 2,100. Chosen here from their latent heats at −20 °C."""

_KELVIN: Final = 273.15
_INJECTION_CAP_C: Final = 105.0


def condensing_c(supply_c: Floats) -> Floats:
    """Condensing temperature, °C, 3 K above the water (physics §20.1)."""
    return supply_c + 3.0


def evaporating_c(outdoor_c: Floats) -> Floats:
    """Evaporating temperature, °C, 7 K below the air (physics §20.1)."""
    return outdoor_c - 7.0


def reference_cop(outdoor_c: Floats, supply_c: Floats, compressor_hz: Floats) -> Floats:
    """COP of the reference unit: η·Tc/(Tc−Te) times its part-load benefit (physics §20.1)."""
    lift = np.maximum(condensing_c(supply_c) - evaporating_c(outdoor_c), 5.0)
    efficiency = np.clip(0.55 - 0.0036 * (lift - 38.0), 0.30, 0.60)
    speed = np.clip(compressor_hz / TOP_HZ, FULL_BENEFIT_RATIO, 1.0)
    return efficiency * (condensing_c(supply_c) + _KELVIN) / lift * (1.0 + 0.30 * (1.0 - speed))


def cop_ratio(
    cop: Floats, power_w: Floats, outdoor_c: Floats, supply_c: Floats, compressor_hz: Floats
) -> Floats:
    """COP from the compressor's power, over the COP of the reference unit.

    NaN where `compressor_w` is NaN.
    """
    drawn = compressor_w(power_w, compressor_hz)
    return cop * power_w / drawn / reference_cop(outdoor_c, supply_c, compressor_hz)


def compressor_w(power_w: Floats, compressor_hz: Floats) -> Floats:
    """The power that the compressor draws, W.

    NaN while it stands, and where power comes in whole kilowatts
    (docs/domain/profile-solareast-oem.md): such a step is half the power of a unit in November, and
    looks like a drift when the power rises in January.
    """
    fine = power_w % 1_000.0 != 0
    known = (compressor_hz > 0) & (power_w > 2.0 * RUNNING_IDLE_W) & fine
    return np.where(known, power_w - RUNNING_IDLE_W, np.nan)


def compressor_w_per_hz(
    power_w: Floats, compressor_hz: Floats, outdoor_c: Floats, supply_c: Floats
) -> Floats:
    """The compressor's power per speed, W/Hz, brought to the conditions of `heat_per_hz`."""
    given_w = compressor_w(power_w, compressor_hz) * reference_cop(
        outdoor_c, supply_c, compressor_hz
    )
    return heat_per_hz(given_w, compressor_hz, outdoor_c, supply_c)


def unmetered_delta_per_hz(
    delta_k: Floats, heat_w: Floats, compressor_hz: Floats, outdoor_c: Floats, supply_c: Floats
) -> Floats:
    """ΔT per compressor speed, K/Hz, brought to the conditions of `heat_per_hz`.

    It stands for the heat at constant water flow; NaN where the heat is known, for then the flow
    may vary.
    """
    return heat_per_hz(
        np.where(np.isnan(heat_w), delta_k, np.nan), compressor_hz, outdoor_c, supply_c
    )


def heat_per_hz(
    heat_w: Floats, compressor_hz: Floats, outdoor_c: Floats, supply_c: Floats
) -> Floats:
    """Heat per compressor speed, W/Hz, brought to −12 °C outdoors and 41 °C water.

    The correction is that of physics §20.1, "Capacity".
    """
    capacity = (1.0 + 0.018 * (outdoor_c + 12.0)) * (1.0 - 0.005 * (supply_c - 41.0))
    return heat_w / np.where(compressor_hz > 0, compressor_hz, np.nan) / np.maximum(capacity, 0.1)


def discharge_excess_k(discharge_c: Floats, outdoor_c: Floats, supply_c: Floats) -> Floats:
    """Discharge gas above the reference unit's, K (physics §20.2); it follows the superheat."""
    lift = condensing_c(supply_c) - evaporating_c(outdoor_c)
    reference = condensing_c(supply_c) + 30.0 + 0.25 * np.maximum(lift - 40.0, 0.0)
    return discharge_c - np.minimum(reference, _INJECTION_CAP_C)


def low_pressure_ratio(low_bar: Floats, outdoor_c: Floats) -> Floats:
    """Suction pressure in bar, brought along the vapour curve to 0 °C evaporating temperature.

    The pressure is absolute: the unit in docs/domain/profile-midea-mthermal.md shows 430 kPa at
    4 °C, the saturation of R290 at −3 °C.
    """
    inverse = 1.0 / (evaporating_c(outdoor_c) + _KELVIN) - 1.0 / _KELVIN
    return low_bar * np.exp(VAPOUR_K * inverse)


def valve_per_hz(exv_steps: Floats, compressor_hz: Floats) -> Floats:
    """Open steps of the expansion valve per compressor speed, 1/Hz.

    A leak of refrigerant drives the valve open (physics §20.7).
    """
    return exv_steps / np.where(compressor_hz > 0, compressor_hz, np.nan)
