"""A fleet of heat pumps in their houses: the part that does not change, as a struct of arrays."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators.physics.arrays import Flags, Floats, Numbers
from simulators.physics.fleet import grid, house

FLOW_AT_5_K: Final = 5.0 * house.WATER_J_KG_K  # nominal heat warms the water by 5 K
SIZES_W: Final = (7_000.0, 12_000.0, 16_000.0)  # 3, 5 and 6 HP, physics §20.1
MODEL_SIZE_W: Final = 7_000.0
# Share of the load at −10 °C: gives 100 m² 5 HP uninsulated, 3 HP retrofitted (physics §20.5).
JUST_ENOUGH: Final = 0.95


@dataclass(frozen=True, slots=True)
class Fittings:
    """The installation of each household, one element per unit.

    `floor`: floor heating instead of radiators. `heated`: heated share of the house (60–70 % is
    common, physics §20.5). `sizing`: nominal heat over that of the right machine. `three_phase`:
    supply. `position`: on the feeder, 0 (first) … 1 (last). `village`: from 0 within the fleet; its
    houses share a feeder. `number`: the unit's own number, the key of its random draws.
    """

    floor: Flags
    heated: Floats
    sizing: Floats
    three_phase: Flags
    position: Floats
    village: Numbers
    number: Numbers


def usual_fittings(units: int) -> Fittings:
    """Radiators in fully heated houses with the right single-phase machine, all in one village."""
    return Fittings(
        floor=np.zeros(units, bool),
        heated=np.ones(units),
        sizing=np.ones(units),
        three_phase=np.zeros(units, bool),
        position=np.linspace(0.0, 1.0, units),
        village=np.zeros(units, np.int64),
        number=np.arange(units),
    )


@dataclass(frozen=True, slots=True)
class Machines:
    """The machines, one element per unit.

    `nominal_w`: heat at −12/41 °C. `size`: the scale of the frost model.
    """

    nominal_w: Floats
    flow_kg_s: Floats
    size: Floats
    three_phase: Flags


@dataclass(frozen=True, slots=True)
class Feeder:
    """The mains: impedance share before each unit, its village, and the houses of each village."""

    share: Floats
    village: Numbers
    houses: Floats


@dataclass(frozen=True, slots=True)
class SimulatedFleet:
    """Houses, machines and mains of a fleet, and the numbers of its units."""

    houses: house.Houses
    machines: Machines
    feeder: Feeder
    number: Numbers


def build_fleet(
    uninsulated: Flags, area: Floats, fittings: Fittings | None = None
) -> SimulatedFleet:
    """A fleet of houses of `area` (1 = 100 m²).

    Each gets the smallest machine that holds 20 °C at −10 °C outdoors, times its `sizing`.
    """
    fit = fittings or usual_fittings(len(area))
    houses = house.build(uninsulated, area * fit.heated, fit.floor)
    load = JUST_ENOUGH * (houses.loss * (house.ROOM_C - house.DESIGN_OUTDOOR_C) - house.GAIN_W)
    nominal = np.select([load <= size for size in SIZES_W], SIZES_W, SIZES_W[-1]) * fit.sizing
    machines = Machines(nominal, nominal / FLOW_AT_5_K, nominal / MODEL_SIZE_W, fit.three_phase)
    feeder = Feeder(
        grid.feeder_share(fit.position), fit.village, np.bincount(fit.village).astype(float)
    )
    return SimulatedFleet(houses, machines, feeder, fit.number)
