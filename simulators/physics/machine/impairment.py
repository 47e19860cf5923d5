"""The effect of lost refrigerant, little air, little water and stuck parts on a machine.

The factors are fitted to the ranges of physics §20.7.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from simulators.physics.arrays import Flags, Floats
from simulators.physics.disturbance import (
    DEFROST_MISSED,
    DEFROST_OVER_FREQUENT,
    FOUR_WAY_NEVER_REVERSES,
    FOUR_WAY_STUCK_REVERSED,
    FOUR_WAY_WORKS,
    Disturbance,
)

LOWEST_CHARGE: Final = 0.6
# A unit whose valve stays in heating gives heat while it "defrosts", instead of taking it.
NEVER_REVERSED_SHARE: Final = -0.3
FROST_DEPRESSION_K: Final = 2.0  # fall of the evaporation by frost of one trigger
MENDED: Final = 0.9  # share of the nominal at which a cause counts as repaired


@dataclass(frozen=True, slots=True)
class Impairment:
    """The consequences of a disturbance, one element per unit.

    `leak`: 0 if full, 1 at 60 %. `capacity` and `cop`: the shares that remain; a leak takes 30 % of
    both, a stopped fan 60 and 40 %, as a coil full of frost does. `depression_k`: fall of the
    evaporation beside that by frost; 5 K by a leak (low pressure −15 %), 10 K without a fan.
    `superheat_k`: additional superheat of the discharge gas, 5–20 K as a leak grows. `approach_k`:
    condensing over supply, 3 K in a clean plate and more with the square of the missing flow.
    `frosting`: growth over that of a healthy coil, threefold without a fan. `reversal`: heat that a
    defrost takes over that of a healthy one. `mended`: nothing is wrong that could lock a unit out.
    """

    leak: Floats
    capacity: Floats
    cop: Floats
    depression_k: Floats
    superheat_k: Floats
    approach_k: Floats
    frosting: Floats
    reversal: Floats
    melts: Flags
    never_defrosts: Flags
    over_frequent: Flags
    backwards: Floats
    mended: Flags


@lru_cache(maxsize=8)
def impairment(disturbance: Disturbance) -> Impairment:
    """The impairment by `disturbance`; computed once, since a disturbance lasts over many steps."""
    airflow, water_flow = disturbance.airflow, disturbance.water_flow
    four_way = disturbance.four_way
    leak = np.clip((1.0 - disturbance.charge) / (1.0 - LOWEST_CHARGE), 0.0, 1.0)
    melts = four_way != FOUR_WAY_NEVER_REVERSES
    return Impairment(
        leak=leak,
        capacity=(1.0 - 0.30 * leak) * (0.4 + 0.6 * airflow),
        cop=(1.0 - 0.30 * leak) * (0.6 + 0.4 * airflow),
        depression_k=5.0 * leak + 10.0 * (1.0 - airflow),
        superheat_k=20.0 * leak,
        approach_k=3.0 / np.square(np.maximum(water_flow, 0.2)),
        frosting=(1.0 + 2.0 * (1.0 - airflow)) * (1.0 + 0.5 * leak),
        reversal=np.where(melts, 1.0, NEVER_REVERSED_SHARE),
        melts=melts,
        never_defrosts=disturbance.defrost == DEFROST_MISSED,
        over_frequent=disturbance.defrost == DEFROST_OVER_FREQUENT,
        backwards=(four_way == FOUR_WAY_STUCK_REVERSED).astype(np.float64),
        mended=_mended(disturbance),
    )


def _mended(disturbance: Disturbance) -> Flags:
    shares = np.minimum(np.minimum(disturbance.charge, disturbance.airflow), disturbance.water_flow)
    works = (disturbance.four_way == FOUR_WAY_WORKS) & ~disturbance.phase_missing
    mended: Flags = works & (np.minimum(shares, disturbance.grid_pu) > MENDED)
    return mended
