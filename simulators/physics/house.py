"""A house as two heat stores and a radiator circuit: the 2R2C model of physics.md §20.5."""

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from simulators.physics.arrays import Flags, Floats

WATER_J_KG_K: Final = 4186.0
GAIN_W: Final = 300.0  # people and appliances, physics.md §20.5
SOLAR_TRANSMISSION: Final = 0.6  # SHGC, physics.md §20.5
DESIGN_OUTDOOR_C: Final = -10.0  # the loads of the table in physics.md §20.5
DESIGN_WATER_C: Final = 45.0
ROOM_C: Final = 20.0


@dataclass(frozen=True, slots=True)
class Construction:
    """One row of the table in physics.md §20.5, for 100 m² on one storey; W/K, J/K, m²."""

    air_to_outdoor: float
    mass_to_outdoor: float
    air_to_mass: float
    air_heat: float
    mass_heat: float
    water_heat: float
    window_m2: float


# Water content 110 L of 60–150 L: with it the alarm lead times of physics.md §20.5 come out.
UNINSULATED: Final = Construction(190.0, 247.0, 3000.0, 9e6, 45e6, 0.46e6, 12.0)
RETROFITTED: Final = Construction(95.0, 98.0, 3000.0, 9e6, 55e6, 0.46e6, 12.0)


@dataclass(frozen=True, slots=True)
class Houses:
    """Conductances in W/K, heat stores in J/K and windows in m², one element per house."""

    air_to_outdoor: Floats
    mass_to_outdoor: Floats
    air_to_mass: Floats
    air_heat: Floats
    mass_heat: Floats
    water_heat: Floats
    window_m2: Floats
    radiator: Floats

    @property
    def loss(self) -> Floats:
        """Steady heat loss per kelvin between room and outdoors, W/K."""
        through_mass = self.air_to_mass * self.mass_to_outdoor / (self.air_to_mass + self.mass_to_outdoor)
        loss: Floats = self.air_to_outdoor + through_mass
        return loss

    def mass_at_rest(self, room_c: Floats, outdoor_c: Floats) -> Floats:
        """Temperature the walls settle at, °C."""
        weight = self.air_to_mass + self.mass_to_outdoor
        at_rest: Floats = (self.air_to_mass * room_c + self.mass_to_outdoor * outdoor_c) / weight
        return at_rest


@dataclass(frozen=True, slots=True)
class Temperatures:
    """Room air, building mass and heating water, °C."""

    room_c: Floats
    mass_c: Floats
    water_c: Floats


def build(uninsulated: Flags, area: Floats) -> Houses:
    """Houses of the two constructions, scaled by `area` (1 = 100 m²); radiators carry the design load at 45 °C."""

    names = [column.name for column in fields(Construction)]
    columns = {
        name: np.where(uninsulated, getattr(UNINSULATED, name), getattr(RETROFITTED, name)) * area for name in names
    }
    bare = Houses(**columns, radiator=np.ones_like(area))
    load = bare.loss * (ROOM_C - DESIGN_OUTDOOR_C) - GAIN_W
    return replace(bare, radiator=load / (DESIGN_WATER_C - ROOM_C))


def step(
    houses: Houses,
    now: Temperatures,
    heat_w: Floats,
    outdoor_c: Floats,
    sun_w_m2: Floats,
    open_window_w_k: Floats,
    dt_s: float,
) -> Temperatures:
    """Temperatures `dt_s` later; `heat_w` enters the water, `open_window_w_k` is an extra loss of the room air."""
    radiated = houses.radiator * (now.water_c - now.room_c)
    gain = GAIN_W + houses.window_m2 * SOLAR_TRANSMISSION * sun_w_m2
    into_mass = houses.air_to_mass * (now.room_c - now.mass_c)
    room = radiated + gain - into_mass + (houses.air_to_outdoor + open_window_w_k) * (outdoor_c - now.room_c)
    mass = into_mass + houses.mass_to_outdoor * (outdoor_c - now.mass_c)
    return Temperatures(
        now.room_c + room * dt_s / houses.air_heat,
        now.mass_c + mass * dt_s / houses.mass_heat,
        now.water_c + (heat_w - radiated) * dt_s / houses.water_heat,
    )
