"""Performance of a low-ambient, vapour-injected heat pump (physics §20.1 and §20.2).

All functions are elementwise over numpy arrays of any one shape.
"""

from typing import Final

import numpy as np

from simulators.physics.arrays import Flags, Floats

MAX_HZ: Final = 90.0
MIN_HZ: Final = 25.0  # speed ratio 0.28, inside the 0.25–0.33 of physics §20.1
RAMP_HZ_PER_S: Final = 1.5  # 1–2 Hz/s, physics §20.1
FULL_BENEFIT_RATIO: Final = 0.33  # below it the part-load benefit falls again, physics §20.1

CONTROL_W: Final = 15.0  # standby figures of physics §20.1
CRANKCASE_W: Final = 55.0
CRANKCASE_BELOW_C: Final = 5.0
PUMP_W: Final = 90.0
POWER_FACTOR: Final = 0.97  # 0.96–0.99 with correction, physics §20.2


def condensing_c(supply_c: Floats) -> Floats:
    """Condensing temperature at a supply water temperature, °C (3 K approach, physics §20.1)."""
    return supply_c + 3.0


def evaporating_c(outdoor_c: Floats) -> Floats:
    """Evaporating temperature at an outdoor temperature, °C (7 K approach, physics §20.1)."""
    return outdoor_c - 7.0


def full_load_cop(outdoor_c: Floats, supply_c: Floats) -> Floats:
    """Heat out per electricity in at full speed: η·Tc/(Tc−Te).

    η = 0.55 − 0.0036·(lift − 38), within 0.30…0.60, fits the table of physics §20.1.
    """
    lift_k = np.maximum(condensing_c(supply_c) - evaporating_c(outdoor_c), 5.0)
    efficiency = np.minimum(np.maximum(0.6868 - 0.0036 * lift_k, 0.30), 0.60)
    return efficiency * (condensing_c(supply_c) + 273.15) / lift_k


def part_load_factor(ratio: Floats) -> Floats:
    """Factor on COP at speed `ratio` (1 = full): 1+0.30·(1−r) to 0.33, then less.

    Source: physics §20.1.
    """
    # Vaillant's 5 kW table loses about a tenth from 40 to 30 rps (physics §20.1).
    beneficial = np.maximum(ratio, FULL_BENEFIT_RATIO)
    below = np.minimum(beneficial - ratio, 0.25 * FULL_BENEFIT_RATIO)
    return (1.30 - 0.30 * beneficial) * (1.0 - 0.11 / (0.25 * FULL_BENEFIT_RATIO) * below)


def capacity_fraction(outdoor_c: Floats, supply_c: Floats) -> Floats:
    """Full-speed heat output over the nominal one at −12/41 °C (physics §20.1)."""
    return outdoor_capacity(outdoor_c) * supply_capacity(supply_c)


def outdoor_capacity(outdoor_c: Floats) -> Floats:
    """The factor of the outdoor air in `capacity_fraction`."""
    return np.maximum(1.0 + 0.018 * (outdoor_c + 12.0), 0.1)


def supply_capacity(supply_c: Floats) -> Floats:
    """The factor of the water in `capacity_fraction`: linear, valid below 100 °C."""
    return 1.205 - 0.005 * supply_c


def discharge_c(outdoor_c: Floats, supply_c: Floats) -> Floats:
    """Discharge gas temperature, °C; vapour injection limits it to about 105 (physics §20.2)."""
    lift = condensing_c(supply_c) - evaporating_c(outdoor_c)
    return np.minimum(condensing_c(supply_c) + 25.0 + 0.25 * np.maximum(lift - 40.0, 0.0), 105.0)


def idle_w(outdoor_c: Floats, pumping: Flags) -> Floats:
    """Electricity drawn beside the compressor, W.

    It is that of controller, pump and, in the cold, crankcase heater (physics §20.1).
    """
    return CONTROL_W + PUMP_W * pumping + CRANKCASE_W * (outdoor_c < CRANKCASE_BELOW_C)
