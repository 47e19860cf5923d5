"""What lost refrigerant, little air and little water do to a machine (physics.md §20.7; factors fitted to its ranges).

`charge`, `airflow` and `water_flow` are shares of the nominal ones, `frost` the frost over its trigger.
"""

from typing import Final

import numpy as np

from simulators.physics.arrays import Floats

LOWEST_CHARGE: Final = 0.6


def lost(charge: Floats) -> Floats:
    """How far a leak has gone, 0 at the full charge … 1 at 60 %."""
    return np.clip((1.0 - charge) / (1.0 - LOWEST_CHARGE), 0.0, 1.0)


def capacity_factor(charge: Floats, airflow: Floats) -> Floats:
    """What is left of the heat output: up to −30 % by a leak, −60 % without a fan."""
    return (1.0 - 0.30 * lost(charge)) * (0.4 + 0.6 * airflow)


def cop_factor(charge: Floats, airflow: Floats) -> Floats:
    """What is left of the COP: up to −30 % by a leak, and by a blocked coil up to −40 % as by one full of frost."""
    return (1.0 - 0.30 * lost(charge)) * (0.6 + 0.4 * airflow)


def depression_k(charge: Floats, airflow: Floats, frost: Floats) -> Floats:
    """How far the evaporation sinks under a healthy unit's, K.

    5 K by a leak (low pressure −15 %), 10 K without a fan, and some by frost.
    """
    return 5.0 * lost(charge) + 10.0 * (1.0 - airflow) + 2.0 * frost


def superheat_k(charge: Floats) -> Floats:
    """Extra superheat of the discharge gas, K: 5–20 as a leak goes on."""
    return 20.0 * lost(charge)


def approach_k(water_flow: Floats) -> Floats:
    """Condensing over supply temperature, K: 3 in a clean plate, more with the square of the flow it lacks."""
    return 3.0 / np.square(np.maximum(water_flow, 0.2))


def frost_factor(charge: Floats, airflow: Floats) -> Floats:
    """Frost growth over that of a healthy coil: threefold without a fan, more on the colder coil of a leak."""
    return (1.0 + 2.0 * (1.0 - airflow)) * (1.0 + 0.5 * lost(charge))
