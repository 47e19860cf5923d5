"""Settings of a scenario file for its weather."""

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
    """A cold wave: from `at` it sets in during `onset`, holds for `lasts`, and fades in two days.

    Its nights reach `coldest_c`; physics §20.4 gives the usual values.
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
    """Wet snow around 0 °C, which frosts every coil, for `lasts` from `at` on."""

    at: Duration
    lasts: Duration = DAY_MS

    def spell(self, start: int) -> Spell:
        """The storm in a scenario that starts at `start` (UTC ms)."""
        return defrost_storm(start + self.at, self.lasts / HOUR_MS)


class SpelledSettings(Settings):
    """Cold waves and storms over any weather, at times after the start of the scenario.

    `cold_waves` more of them come at random times.
    """

    cold_wave: tuple[ColdWaveSettings, ...] = ()
    defrost_storm: tuple[DefrostStormSettings, ...] = ()
    cold_waves: Annotated[int, Field(ge=0, le=20)] = 0

    def laid_over(self, weather: Weather, seed: int, start: int) -> Weather:
        """`weather` with the spells of a scenario that starts at `start` (UTC ms)."""
        placed = [
            *(wave.spell(start) for wave in self.cold_wave),
            *(storm.spell(start) for storm in self.defrost_storm),
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
        steady = SteadyWeather(self.outdoor_c, self.humidity, self.swing_k)
        return self.laid_over(steady, seed, start)


class WinterSettings(SpelledSettings):
    """A seeded Beijing winter; see WinterWeather."""

    kind: Literal["winter"]
    offset_k: Annotated[float, Field(ge=-30.0, le=30.0)] = 0.0

    def weather(self, seed: int, start: int) -> Weather:
        """The weather of a scenario that starts at `start` (UTC ms), one winter for each `seed`."""
        return self.laid_over(WinterWeather(seed, self.offset_k), seed, start)
