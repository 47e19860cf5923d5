"""Scenario files (config/scenarios/): weather, houses, the fleet, and events, as TOML."""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, field_validator

from configuration.fields import Settings
from configuration.load import load
from simulators.physics.arrays import Flags, Floats
from simulators.physics.weather.winter import Weather
from simulators.registers.brands import MAPS
from simulators.scenario.event_settings import EventSettings, RandomSettings, UnitNumber
from simulators.scenario.events import Event
from simulators.scenario.weather_settings import Share, SteadySettings, Temperature, WinterSettings

Offset = Annotated[float, Field(ge=-20.0, le=20.0)]
Area = Annotated[float, Field(ge=20.0, le=400.0)]


class HouseSettings(Settings):
    """The mix of houses: areas in m², thermostats at `room_target_c` ± `target_spread_k`.

    `uninsulated` and `floor` (floor heating) are shares of the houses. The heated share of each
    house lies between the two of `heated`.
    """

    uninsulated: Share = 0.5
    room_target_c: Temperature = 20.0
    target_spread_k: Annotated[float, Field(ge=0.0, le=5.0)] = 0.0
    area_m2: tuple[Area, Area] = (80.0, 115.0)
    floor: Share = 0.0
    heated: tuple[Share, Share] = (1.0, 1.0)


class RoomSettings(Settings):
    """A unit (numbered from 1) whose room starts at one temperature and is set to another."""

    unit: UnitNumber
    start_c: Temperature
    target_c: Temperature


class FleetSettings(Settings):
    """The fleet: gateways of each village, units of each gateway, and the shares of brands.

    `undersized` units have `undersized_by` of the nominal heat of the right machine. `three_phase`
    is the share of units on three phases. `height_k` limits how much colder or warmer than the
    weather a village is.
    """

    gateways_per_village: Annotated[int, Field(ge=1, le=100)] = 8
    units_per_gateway: Annotated[int, Field(ge=1, le=247)] = 30
    profiles: dict[str, Annotated[float, Field(gt=0.0)]] = Field(default={"midea-mthermal": 1.0})
    three_phase: Share = 0.0
    height_k: tuple[Offset, Offset] = (0.0, 0.0)
    undersized: Share = 0.0
    undersized_by: Annotated[float, Field(gt=0.1, lt=1.0)] = 0.55

    @field_validator("profiles")
    @classmethod
    def _simulated(cls, profiles: dict[str, float]) -> dict[str, float]:
        unknown = sorted(profiles.keys() - MAPS.keys())
        if unknown or not profiles:
            raise ValueError(f"{unknown} cannot be simulated; there are {', '.join(sorted(MAPS))}")
        return profiles


class Scenario(Settings):
    """One scenario file."""

    name: str
    weather: Annotated[SteadySettings | WinterSettings, Field(discriminator="kind")]
    house: HouseSettings = HouseSettings()
    room: tuple[RoomSettings, ...] = ()
    fleet: FleetSettings = FleetSettings()
    event: tuple[EventSettings, ...] = ()
    random: tuple[RandomSettings, ...] = ()

    def weather_for(self, seed: int, start: int) -> Weather:
        """The weather from `start` (UTC ms) on, one winter for each `seed`."""
        return self.weather.weather(seed, start)

    def events(self, units: int) -> tuple[Event, ...]:
        """The events among `units` units."""
        return tuple(settings.event(units) for settings in self.event)

    def rooms(self, units: int) -> tuple[Floats, Floats]:
        """Room temperatures at the start and as set, °C, one element per unit."""
        start = np.full(units, self.house.room_target_c)
        target = start.copy()
        for room in self.room:
            start[(room.unit - 1) % units] = room.start_c
            target[(room.unit - 1) % units] = room.target_c
        return start, target

    def houses(self, units: int, seed: int) -> tuple[Flags, Floats]:
        """Whether each house is uninsulated, and its heated area over 100 m²."""
        generator = np.random.default_rng([seed, 205])
        uninsulated = generator.random(units) < self.house.uninsulated
        smallest, largest = (area / 100.0 for area in self.house.area_m2)
        return uninsulated, generator.uniform(smallest, largest, units)


QUIET = Scenario(name="quiet", weather=SteadySettings(kind="steady", outdoor_c=-7.0, swing_k=3.0))
"""The default scenario: nothing happens."""


def load_scenario(path: Path) -> Scenario:
    """The scenario in a TOML file; raises ConfigurationError naming file and key."""
    return load(path, Scenario, environment={})
