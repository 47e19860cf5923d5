"""Scenarios: weather, houses and what goes wrong, as TOML (config/scenarios/)."""

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
    """The mix of houses and their thermostats: `room_target_c` give or take `target_spread_k`,
    areas in m².

    `floor` is the share with floor heating; of every house a part between the two of `heated` is
    heated.
    """

    uninsulated: Share = 0.5
    room_target_c: Temperature = 20.0
    target_spread_k: Annotated[float, Field(ge=0.0, le=5.0)] = 0.0
    area_m2: tuple[Area, Area] = (80.0, 115.0)
    floor: Share = 0.0
    heated: tuple[Share, Share] = (1.0, 1.0)


class RoomSettings(Settings):
    """A unit (numbered from 1) whose room starts at, and is set to, another temperature."""

    unit: UnitNumber
    start_c: Temperature
    target_c: Temperature


class FleetSettings(Settings):
    """Who stands where: villages of so many gateways with so many units each, and the brands'
    shares.

    `undersized` is the share of units that have `undersized_by` of the nominal heat of the right
    machine, `three_phase` the share of units on three phases. Villages lie up to `height_k` colder
    or warmer than the weather says.
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
        """The scenario's weather from `start` (UTC ms) on; the same seed makes the same winter."""
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
        """Which houses are uninsulated, and their heated area over 100 m²."""
        generator = np.random.default_rng([seed, 205])
        return generator.random(units) < self.house.uninsulated, generator.uniform(
            self.house.area_m2[0] / 100.0, self.house.area_m2[1] / 100.0, units
        )


QUIET = Scenario(name="quiet", weather=SteadySettings(kind="steady", outdoor_c=-7.0, swing_k=3.0))
"""Nothing happens: what runs where no scenario is named."""


def load_scenario(path: Path) -> Scenario:
    """The scenario in a TOML file; raises ConfigurationError naming file and key."""
    return load(path, Scenario, environment={})
