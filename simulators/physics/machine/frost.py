"""Frost and defrosting: a mass balance of the coil (physics §20.3).

The model follows heatpumpmonitor's frost.md, with the coil temperature of EnergyPlus. Quantities
scale with `size`: nominal heat over that of the 7 kW unit of the original model.
"""

from typing import Final

import numpy as np

from simulators.physics.arrays import Flags, Floats

AIR_FLOW_M3_S: Final = 3500.0 / 3600.0
DEPOSIT_SHARE: Final = 0.20
TRIGGER_KG: Final = 1.0
MOST_KG: Final = 3.0  # a coil never cleared: a block of ice that air does not reach
HEAT_FROM_WATER_W: Final = 4000.0
DEFROST_POWER_W: Final = 1000.0
MELT_EFFICIENCY: Final = 0.6
FUSION_J_KG: Final = 334_000.0
MELT_KG_S: Final = MELT_EFFICIENCY * (HEAT_FROM_WATER_W + DEFROST_POWER_W) / FUSION_J_KG
LONGEST_S: Final = 20 * 60.0
# "D02 heating time before defrost", docs/domain/profile-phnix.md
MINIMUM_HEATING_S: Final = 26 * 60.0
DEFROST_HZ: Final = 70.0  # "D20 defrost Hz", docs/domain/profile-phnix.md
# The compressor slows while the four-way valve moves, physics §20.3 "cycle shape".
SWITCH_HZ: Final = 20.0
SWITCHING_S: Final = 45.0
# A unit shows "defrost" from 1 min before to 1.5 min after the reversed flow, physics §20.3 "flag
# timing".
AROUND_S: Final = 150.0
CLEAR_COIL_S: Final = 75.0  # at the end of a defrost, while the clean coil warms up


def saturated_humidity(temperature_c: Floats) -> Floats:
    """Humidity ratio of saturated air at sea level, kg/kg (Magnus; over ice below 0 °C)."""
    freezing = temperature_c < 0.0
    factor, shift = np.where(freezing, 22.452, 17.62), np.where(freezing, 272.55, 243.12)
    pressure = 611.2 * np.exp(factor * temperature_c / (shift + temperature_c))
    return 0.622 * pressure / (101_325.0 - pressure)


def frosting_coil_c(outdoor_c: Floats) -> Floats:
    """Surface temperature of a coil at full load, °C (EnergyPlus, physics §20.3)."""
    return 0.82 * outdoor_c - 8.589


def growth_kg_s(outdoor_c: Floats, humidity: Floats, size: Floats) -> Floats:
    """Frost on the coil of a unit that heats at full load, kg/s; `humidity` is relative, 0…1.

    It fades out between 5 °C, the limit of EnergyPlus, and 8 °C, above the mildest measurement of
    physics §20.3.
    """
    coil_c = frosting_coil_c(outdoor_c)
    excess = humidity * saturated_humidity(outdoor_c) - saturated_humidity(coil_c)
    density = 353.0 / (outdoor_c + 273.15)  # dry air at sea level, kg/m³
    grown = AIR_FLOW_M3_S * DEPOSIT_SHARE * density * np.maximum(excess, 0.0) * size
    return grown * np.clip((8.0 - outdoor_c) / 3.0, 0.0, 1.0)


def load_share(ratio: Floats) -> Floats:
    """Growth at speed `ratio` over that at full load: a slower compressor cools the coil less."""
    return 0.4 + 0.6 * ratio


def lasts_s(frost: Floats, melts: Flags) -> Floats:
    """Duration in s of a defrost that begins with `frost` over the trigger.

    A defrost that does not melt anything runs into its limit.
    """
    melting_s = np.minimum(AROUND_S + TRIGGER_KG / MELT_KG_S * frost, LONGEST_S)
    return np.where(melts, melting_s, LONGEST_S)


def output_factor(frost: Floats) -> Floats:
    """The share of heat output and COP that remains under `frost` (over its trigger).

    At the trigger a tenth is lost, on a coil that is never cleared 43 %. The mal-defrost
    measurements of physics §20.3 lost 43.4 % of capacity and 40.4 % of COP.
    """
    return 1.0 + 0.067 * np.minimum(frost, 1.0) - 0.167 * frost


def coil_below_air_k(ratio: Floats, frost: Floats) -> Floats:
    """The difference between air and coil of a heating unit, K: 5…9 clean, 12…18 frosted.

    `ratio` is the speed ratio, `frost` the frost over its trigger; each trigger beyond the first
    adds 4 K (physics §20.2).
    """
    return 5.0 + 4.0 * (ratio + frost) + 3.0 * np.minimum(frost, 1.0)
