"""Frost growth and defrosting: the dynamic model of heatpumpmonitor's frost.md (physics.md §20.3).

Quantities scale with the machine: `size` is its nominal heat over that of the 7 kW unit the model was written for.
"""

from typing import Final

import numpy as np

from simulators.physics.arrays import Flags, Floats

AIR_FLOW_M3_S: Final = 3500.0 / 3600.0
DEPOSIT_SHARE: Final = 0.20
COIL_BELOW_AIR_K: Final = 6.0
TRIGGER_KG: Final = 1.0
HEAT_FROM_WATER_W: Final = 4000.0
DEFROST_POWER_W: Final = 1000.0
MELT_EFFICIENCY: Final = 0.6
FUSION_J_KG: Final = 334_000.0
LONGEST_S: Final = 20 * 60.0
MINIMUM_HEATING_S: Final = 26 * 60.0  # "D02 heating time before defrost", profile-phnix.md
EXIT_COIL_C: Final = 13.0  # "D17 exit coil T", profile-phnix.md
DEFROST_HZ: Final = 70.0  # "D20 defrost Hz", profile-phnix.md
SWITCH_HZ: Final = 20.0  # the compressor slows while the four-way valve turns, physics.md §20.3 "cycle shape"


def saturated_humidity(temperature_c: Floats) -> Floats:
    """Humidity ratio of saturated air, kg/kg, at sea level (Magnus over ice below 0 °C, over water above)."""
    ice = 611.15 * np.exp(22.452 * temperature_c / (272.55 + temperature_c))
    water = 611.2 * np.exp(17.62 * temperature_c / (243.12 + temperature_c))
    pressure = np.where(temperature_c < 0.0, ice, water)
    return 0.622 * pressure / (101_325.0 - pressure)


def growth_kg_s(outdoor_c: Floats, humidity: Floats, size: Floats) -> Floats:
    """Frost per second on the coil of a heating unit; `humidity` is relative, 0…1. Nothing sticks above 0 °C."""
    coil_c = outdoor_c - COIL_BELOW_AIR_K
    excess = humidity * saturated_humidity(outdoor_c) - saturated_humidity(coil_c)
    density = 353.0 / (outdoor_c + 273.15)  # dry air at sea level, kg/m³
    grown = AIR_FLOW_M3_S * density * np.maximum(excess, 0.0) * DEPOSIT_SHARE * size
    return np.where(coil_c < 0.0, grown, 0.0)


def melt_kg_s(hz: Floats, size: Floats) -> Floats:
    """Frost melted per second while defrosting at compressor speed `hz`."""
    return MELT_EFFICIENCY * (HEAT_FROM_WATER_W + DEFROST_POWER_W) * size * hz / DEFROST_HZ / FUSION_J_KG


def must_start(frost_kg: Floats, size: Floats, heating_s: Floats) -> Flags:
    """Whether a heating unit turns to defrosting: enough frost, and heated long enough since the last time."""
    return (frost_kg >= TRIGGER_KG * size) & (heating_s >= MINIMUM_HEATING_S)


def may_end(frost_kg: Floats, coil_c: Floats, defrost_s: Floats) -> Flags:
    """Whether a defrost ends: the coil is warm and clean, or the longest time has passed."""
    return ((frost_kg <= 0.0) & (coil_c >= EXIT_COIL_C)) | (defrost_s >= LONGEST_S)


def coil_target_c(outdoor_c: Floats, load: Floats, frost: Floats) -> Floats:
    """Where the coil of a heating unit settles, °C: 5…9 K under the air when clean, 12…18 K when frosted (§20.2).

    `load` is the speed ratio and `frost` the frost over its trigger, both 0…1.
    """
    return outdoor_c - 5.0 - 4.0 * load - 8.0 * np.clip(frost, 0.0, 1.0)
