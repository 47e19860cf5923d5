"""The effects of faults on the units, one column per cause: their only way into the physics."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators.physics.arrays import Flags, Floats, Kinds

FOUR_WAY_WORKS: Final = 0
FOUR_WAY_NEVER_REVERSES: Final = 1
FOUR_WAY_STUCK_REVERSED: Final = 2

DEFROST_ON_DEMAND: Final = 0
DEFROST_MISSED: Final = 1
DEFROST_OVER_FREQUENT: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class Disturbance:
    """The causes of physics §20.7, one element per unit; the columns are independent.

    Its arrays must not change: `impairment` computes their consequences once.
    """

    tripped: Flags
    """Whether a protection that the physics does not model has stopped the unit."""
    powered: Flags
    """Whether there is electricity. Without it compressor, pump and controller are off."""
    open_window_w_k: Floats
    """Extra heat loss of the room air, W/K."""
    charge: Floats
    """Refrigerant over the nominal charge: 1 is full; at 0.6 the unit does not run."""
    airflow: Floats
    """Air through the coil over the nominal flow: 1 is clean, 0 a stopped fan or a blocked coil."""
    water_flow: Floats
    """Water through the plate over the nominal flow: 1 is clean, 0 a stuck pump."""
    four_way: Kinds
    """FOUR_WAY_WORKS, FOUR_WAY_NEVER_REVERSES or FOUR_WAY_STUCK_REVERSED."""
    defrost: Kinds
    """DEFROST_ON_DEMAND, DEFROST_MISSED (never starts) or DEFROST_OVER_FREQUENT (without frost)."""
    heater_stuck_w: Floats
    """Power of an auxiliary heater that is always on, W."""
    grid_pu: Floats
    """Factor on the voltage of the feeder: 1 leaves it unchanged."""
    phase_missing: Flags
    """Whether one phase is dead; affects three-phase units only."""
    coal_w: Floats
    """Heat of a coal stove in the room, W."""


def undisturbed(units: int) -> Disturbance:
    """No faults in `units` units."""
    return Disturbance(
        tripped=np.zeros(units, bool),
        powered=np.ones(units, bool),
        open_window_w_k=np.zeros(units),
        charge=np.ones(units),
        airflow=np.ones(units),
        water_flow=np.ones(units),
        four_way=np.zeros(units, np.int8),
        defrost=np.zeros(units, np.int8),
        heater_stuck_w=np.zeros(units),
        grid_pu=np.ones(units),
        phase_missing=np.zeros(units, bool),
        coal_w=np.zeros(units),
    )
