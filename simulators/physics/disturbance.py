"""What faults do to the units, as columns: the door through which everything that goes wrong enters
the physics."""

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
    """The causes of physics §20.7, one element per unit; every column is independent of the others.

    Its arrays are never written to once it is made: what follows from it is worked out once.
    """

    tripped: Flags
    """Stopped by a protection of its own that the physics does not model."""
    powered: Flags
    """False: no electricity at all; compressor, pump and controller are off."""
    open_window_w_k: Floats
    """Extra heat loss of the room air, W/K."""
    charge: Floats
    """Refrigerant in the circuit over the nominal charge: 1 is full, at 0.6 nothing runs."""
    airflow: Floats
    """Air through the coil over the nominal flow: 1 is clean, 0 a stopped fan or a blocked coil."""
    water_flow: Floats
    """Water through the plate over the nominal flow: 1 is clean, 0 a stuck pump."""
    four_way: Kinds
    """FOUR_WAY_WORKS, FOUR_WAY_NEVER_REVERSES or FOUR_WAY_STUCK_REVERSED."""
    defrost: Kinds
    """DEFROST_ON_DEMAND, DEFROST_MISSED (never starts) or DEFROST_OVER_FREQUENT (whatever the
    frost)."""
    heater_stuck_w: Floats
    """Auxiliary heater that is on whatever the need, W."""
    grid_pu: Floats
    """Factor on the feeder's voltage: 1 leaves it as it is."""
    phase_missing: Flags
    """One phase is dead; concerns three-phase units only."""
    coal_w: Floats
    """Heat of a coal stove into the room, W."""


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
