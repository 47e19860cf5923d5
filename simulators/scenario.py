"""Scenarios: weather, houses and what goes wrong, as TOML (config/scenarios/)."""

from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from configuration.fields import Duration, Settings
from configuration.load import load
from simulators.faults import Effect, Event
from simulators.physics.arrays import Flags, Floats
from simulators.physics.weather import SteadyWeather, Weather, WinterWeather
from wire.points import FAULT_KINDS, POINTS

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Temperature = Annotated[float, Field(ge=-60.0, le=60.0)]
UnitNumber = Annotated[int, Field(ge=1)]


class SteadySettings(Settings):
    """The same weather every day; see SteadyWeather."""

    kind: Literal["steady"]
    outdoor_c: Temperature
    humidity: Share = 0.6
    swing_k: Annotated[float, Field(ge=0.0, le=20.0)] = 0.0


class WinterSettings(Settings):
    """A seeded Beijing winter; see WinterWeather."""

    kind: Literal["winter"]
    offset_k: Annotated[float, Field(ge=-30.0, le=30.0)] = 0.0


class HouseSettings(Settings):
    """The mix of houses and their thermostats."""

    uninsulated: Share = 0.5
    room_target_c: Temperature = 20.0


class RoomSettings(Settings):
    """A unit (numbered from 1) whose room starts at, and is set to, another temperature."""

    unit: UnitNumber
    start_c: Temperature
    target_c: Temperature


class EventSettings(Settings):
    """One event: `unit` is its number from 1, or `count` the first so many; `at` and `lasts` are wall time."""

    at: Duration
    lasts: Duration | None = None
    unit: UnitNumber | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    fault: str | None = None
    sensor_open: str | None = None
    window_open: Annotated[float, Field(gt=0.0, le=20_000.0)] | None = None
    silent: bool = False
    frozen: bool = False

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        effects = (self.fault, self.sensor_open, self.window_open, self.silent or None, self.frozen or None)
        if sum(effect is not None for effect in effects) != 1:
            raise ValueError("name exactly one of fault, sensor_open, window_open, silent, frozen")
        if (self.unit is None) == (self.count is None):
            raise ValueError("name either unit or count")
        if self.fault is not None and self.fault.partition(":")[0] not in FAULT_KINDS:
            raise ValueError(f"{self.fault!r} is not a fault; write kind or kind:vendor_code, like high_pressure:P1")
        if self.sensor_open is not None and self.sensor_open not in POINTS:
            raise ValueError(f"{self.sensor_open!r} is not a point")
        return self

    def event(self, units: int) -> Event:
        """The event among `units` units; a number beyond them counts from the first again."""
        return Event(
            effect=self._effect(),
            units=self._units(units),
            begin=self.at,
            end=None if self.lasts is None else self.at + self.lasts,
            detail=self.fault or self.sensor_open or "",
            strength=self.window_open or 0.0,
        )

    def _units(self, units: int) -> tuple[int, ...]:
        if self.unit is not None:
            return ((self.unit - 1) % units,)
        return tuple(range(min(self.count or 0, units)))

    def _effect(self) -> Effect:
        if self.fault is not None:
            return "fault"
        if self.sensor_open is not None:
            return "sensor_open"
        if self.window_open is not None:
            return "window_open"
        return "silent" if self.silent else "frozen"


class Scenario(Settings):
    """One scenario file."""

    name: str
    weather: Annotated[SteadySettings | WinterSettings, Field(discriminator="kind")]
    house: HouseSettings = HouseSettings()
    room: tuple[RoomSettings, ...] = ()
    event: tuple[EventSettings, ...] = ()

    def weather_for(self, seed: int) -> Weather:
        """The scenario's weather; the same seed makes the same winter."""
        if isinstance(self.weather, WinterSettings):
            return WinterWeather(seed, self.weather.offset_k)
        return SteadyWeather(self.weather.outdoor_c, self.weather.humidity, self.weather.swing_k)

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
        """Which houses are uninsulated, and their area over 100 m² (80…115 m² heated)."""
        generator = np.random.default_rng([seed, 205])
        return generator.random(units) < self.house.uninsulated, generator.uniform(0.8, 1.15, units)


QUIET = Scenario(name="quiet", weather=SteadySettings(kind="steady", outdoor_c=-7.0, swing_k=3.0))
"""Nothing happens: what runs where no scenario is named."""


def load_scenario(path: Path) -> Scenario:
    """The scenario in a TOML file; raises ConfigurationError naming file and key."""
    return load(path, Scenario, environment={})
