"""A house as two heat stores, its heating circuit as a third: the 2R2C model of physics §20.5."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from simulators.physics.arrays import Flags, Floats

WATER_J_KG_K: Final = 4186.0
GAIN_W: Final = 300.0  # people and appliances, physics §20.5
SOLAR_TRANSMISSION: Final = 0.6  # SHGC, physics §20.5
DESIGN_OUTDOOR_C: Final = -10.0  # the loads of the table in physics §20.5
ROOM_C: Final = 20.0

RADIATOR_EXPONENT: Final = 1.3  # physics §20.5, as the next
FLOOR_EXPONENT: Final = 1.1
RADIATOR_DESIGN_K: Final = 25.0  # the mean water of 45 °C over the room, physics §20.5 "lead times"
FLOOR_DESIGN_K: Final = 13.0  # mean water of 33 °C
SCREED_J_K: Final = 10e6  # 100 m² × 0.05 m, physics §20.5

# The valves of a household: closed in a room that is warm enough, open in one half a kelvin too
# cold. The pipes always give off some heat.
VALVE_BAND_K: Final = 1.0
LEAST_OPENING: Final = 0.05


@dataclass(frozen=True, slots=True)
class Construction:
    """One row of the table in physics §20.5, for 100 m² on one storey; W/K, J/K, m²."""

    air_to_outdoor: float
    mass_to_outdoor: float
    air_to_mass: float
    air_heat: float
    mass_heat: float
    water_heat: float
    window_m2: float


# Water content 110 L of 60–150 L: reproduces the alarm lead times of physics §20.5.
UNINSULATED: Final = Construction(190.0, 247.0, 3000.0, 9e6, 45e6, 0.46e6, 12.0)
RETROFITTED: Final = Construction(95.0, 98.0, 3000.0, 9e6, 55e6, 0.46e6, 12.0)


@dataclass(frozen=True, slots=True)
class Houses:
    """Conductances in W/K, heat stores in J/K and windows in m², one element per house.

    `emitter` is the conductance of radiators or floor at `design_k` between mean water and room. It
    grows with that difference by the exponent n − 1. `steepness` is n/(2−n), and `steep_design_k`
    its product with `design_k`.
    """

    air_to_outdoor: Floats
    mass_to_outdoor: Floats
    air_to_mass: Floats
    air_heat: Floats
    mass_heat: Floats
    water_heat: Floats
    window_m2: Floats
    emitter: Floats
    design_k: Floats
    steepness: Floats
    steep_design_k: Floats

    @property
    def loss(self) -> Floats:
        """Steady heat loss per kelvin between room and outdoors, W/K."""
        return _loss(self.air_to_outdoor, self.mass_to_outdoor, self.air_to_mass)

    def mass_at_rest(self, room_c: Floats, outdoor_c: Floats) -> Floats:
        """Temperature of the walls in equilibrium, °C."""
        weight = self.air_to_mass + self.mass_to_outdoor
        at_rest: Floats = (self.air_to_mass * room_c + self.mass_to_outdoor * outdoor_c) / weight
        return at_rest


@dataclass(frozen=True, slots=True)
class Temperatures:
    """Room air, building mass and heating water, °C."""

    room_c: Floats
    mass_c: Floats
    water_c: Floats


def build(uninsulated: Flags, area: Floats, floor: Flags) -> Houses:
    """Houses of the two constructions, scaled by heated `area` (1 = 100 m²).

    Radiators, or heating in the `floor`, carry the load of the table at their design temperature.
    """
    names = [column.name for column in fields(Construction)]
    columns = {
        name: np.where(uninsulated, getattr(UNINSULATED, name), getattr(RETROFITTED, name)) * area
        for name in names
    }
    columns["water_heat"] = columns["water_heat"] + np.where(floor, SCREED_J_K, 0.0) * area
    loss = _loss(columns["air_to_outdoor"], columns["mass_to_outdoor"], columns["air_to_mass"])
    design_k = np.where(floor, FLOOR_DESIGN_K, RADIATOR_DESIGN_K)
    exponent = np.where(floor, FLOOR_EXPONENT, RADIATOR_EXPONENT)
    steepness = exponent / (2.0 - exponent)
    return Houses(
        **columns,
        emitter=(loss * (ROOM_C - DESIGN_OUTDOOR_C) - GAIN_W) / design_k,
        design_k=design_k,
        steepness=steepness,
        steep_design_k=steepness * design_k,
    )


def _loss(air_to_outdoor: Floats, mass_to_outdoor: Floats, air_to_mass: Floats) -> Floats:
    return air_to_outdoor + air_to_mass * mass_to_outdoor / (air_to_mass + mass_to_outdoor)


def opening(room_c: Floats, target_c: Floats) -> Floats:
    """Opening of the valves, 0…1: half at the target, full half a kelvin below it."""
    return np.minimum(np.maximum((target_c - room_c) / VALVE_BAND_K + 0.5, LEAST_OPENING), 1.0)


def emitted_w(houses: Houses, opened_w_k: Floats, room_c: Floats, water_c: Floats) -> Floats:
    """Heat from the emitters to the room, W; negative if the water is colder than the room.

    `opened_w_k` is the part of `houses.emitter` with open valves. The law (ΔT/design)^(n−1) is
    replaced by its Padé approximant with n/(2−n), accurate to 1 % from a half to twice the design
    difference.
    """
    difference = water_c - room_c
    warmer = np.maximum(difference, 0.0)
    strength = (houses.steepness * warmer + houses.design_k) / (warmer + houses.steep_design_k)
    return opened_w_k * difference * strength


def sun_and_people_w(houses: Houses, sun_w_m2: float | Floats) -> Floats:
    """Heat gains of the room air beside the heating, W."""
    return GAIN_W + houses.window_m2 * SOLAR_TRANSMISSION * sun_w_m2


def step(
    houses: Houses,
    now: Temperatures,
    heat_w: Floats,
    outdoor_c: Floats,
    open_window_w_k: Floats,
    dt_s: float,
) -> tuple[Floats, Floats]:
    """Room and mass temperatures `dt_s` later, °C, with `heat_w` into the room air.

    `open_window_w_k` is an additional loss of the room air, W/K. The step is implicit and stable at
    any `dt_s`.
    """
    to_outdoor = houses.air_to_outdoor + open_window_w_k
    air, mass = houses.air_heat / dt_s, houses.mass_heat / dt_s
    own_air = air + houses.air_to_mass + to_outdoor
    own_mass = mass + houses.air_to_mass + houses.mass_to_outdoor
    into_air = air * now.room_c + heat_w + to_outdoor * outdoor_c
    into_mass = mass * now.mass_c + houses.mass_to_outdoor * outdoor_c
    share = houses.air_to_mass / own_mass
    room_c = (into_air + share * into_mass) / (own_air - share * houses.air_to_mass)
    return room_c, (into_mass + houses.air_to_mass * room_c) / own_mass
