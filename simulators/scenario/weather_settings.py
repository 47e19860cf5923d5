"""How a scenario file says what the weather is."""

from typing import Annotated, Final, Literal

from pydantic import Field

from configuration.fields import Duration, Settings
from simulators.physics.weather.spells import (
    Spell,
    Spelled,
    cold_wave,
    defrost_storm,
    drawn_cold_waves,
)
from simulators.physics.weather.winter import SteadyWeather, Weather, WinterWeather
from wire.units import DAY_MS, HOUR_MS

SEASON_DAYS: Final = 151  # 1 November to 31 March, requirements R21

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Temperature = Annotated[float, Field(ge=-60.0, le=60.0)]


class ColdWaveSettings(Settings):
    """A cold wave: from `at` on it takes `onset` to get cold, stays so for `lasts`, and two days to
    recover.

    Its nights reach `coldest_c`; see physics §20.4 for what is usual.
    """

    at: Duration
    onset: Annotated[Duration, Field(gt=0)] = 36 * HOUR_MS
    lasts: Duration = 72 * HOUR_MS
    coldest_c: Temperature = -25.0

    def spell(self, start: int) -> Spell:
        """The wave in a scenario that starts at `start` (UTC ms)."""
        return cold_wave(
            start + self.at, self.coldest_c, self.onset / HOUR_MS, self.lasts / HOUR_MS
        )


class DefrostStormSettings(Settings):
    """Wet snow around 0 °C, in which every coil frosts, for `lasts` from `at` on."""

    at: Duration
    lasts: Duration = DAY_MS

    def spell(self, start: int) -> Spell:
        """The storm in a scenario that starts at `start` (UTC ms)."""
        return defrost_storm(start + self.at, self.lasts / HOUR_MS)


class SpelledSettings(Settings):
    """Cold waves and storms laid over any weather, at times after the scenario's start; and so many
    waves by chance."""

    cold_wave: tuple[ColdWaveSettings, ...] = ()
    defrost_storm: tuple[DefrostStormSettings, ...] = ()
    cold_waves: Annotated[int, Field(ge=0, le=20)] = 0

    def laid_over(self, weather: Weather, seed: int, start: int) -> Weather:
        """`weather` with the spells of a scenario that starts at `start` (UTC ms)."""
        placed = [
            *(one.spell(start) for one in self.cold_wave),
            *(one.spell(start) for one in self.defrost_storm),
        ]
        spells = (*placed, *drawn_cold_waves(seed, start, SEASON_DAYS, self.cold_waves))
        return Spelled(weather, spells) if spells else weather


class SteadySettings(SpelledSettings):
    """The same weather every day; see SteadyWeather."""

    kind: Literal["steady"]
    outdoor_c: Temperature
    humidity: Share = 0.6
    swing_k: Annotated[float, Field(ge=0.0, le=20.0)] = 0.0

    def weather(self, seed: int, start: int) -> Weather:
        """The weather of a scenario that starts at `start` (UTC ms)."""
        return self.laid_over(
            SteadyWeather(self.outdoor_c, self.humidity, self.swing_k), seed, start
        )


class WinterSettings(SpelledSettings):
    """A seeded Beijing winter; see WinterWeather."""

    kind: Literal["winter"]
    offset_k: Annotated[float, Field(ge=-30.0, le=30.0)] = 0.0

    def weather(self, seed: int, start: int) -> Weather:
        """The weather of a scenario that starts at `start` (UTC ms); the same seed makes the same
        winter."""
        return self.laid_over(WinterWeather(seed, self.offset_k), seed, start)
