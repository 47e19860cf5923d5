"""Exceptional weather: cold waves, and damp spells that frost every coil (physics §20.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators.physics.weather.conditions import Conditions
from simulators.physics.weather.local_time import afternoon_share
from simulators.physics.weather.winter import Weather
from wire.units import DAY_MS, HOUR_MS

_NIGHT_TO_DAY_K: Final = 6.0


@dataclass(frozen=True, slots=True)
class Spell:
    """A spell that sets in from `begin` (UTC ms) within `onset_h`, holds, and fades in `fade_h`.

    While it holds, the nights reach `coldest_c` (°C) and the days 6 K more. `humidity` is 0…1; None
    leaves it unchanged. `sun` is the remaining share of the sun.
    """

    begin: int
    onset_h: float
    hold_h: float
    fade_h: float
    coldest_c: float
    humidity: float | None = None
    sun: float = 1.0

    def share(self, now: int) -> float:
        """The share of the spell that is in effect at `now`, 0…1."""
        hours = (now - self.begin) / HOUR_MS
        rising = hours / self.onset_h
        falling = (self.onset_h + self.hold_h + self.fade_h - hours) / self.fade_h
        return min(max(min(rising, falling), 0.0), 1.0)


def cold_wave(
    begin: int, coldest_c: float = -25.0, onset_h: float = 36.0, hold_h: float = 72.0
) -> Spell:
    """A cold wave: 24–48 h of cooling, 48–96 h at −20…−30 °C, and two days of recovery.

    Source: physics §20.4.
    """
    return Spell(begin, onset_h, hold_h, 48.0, coldest_c)


def defrost_storm(begin: int, hold_h: float = 24.0) -> Spell:
    """Wet snow around 0 °C: 95 % humidity without sun, where units defrost most (physics §20.3)."""
    return Spell(begin, 3.0, hold_h, 6.0, -2.0, humidity=0.95, sun=0.1)


def drawn_cold_waves(seed: int, season_begin: int, days: int, count: int) -> tuple[Spell, ...]:
    """`count` cold waves within `days` of `season_begin` (UTC ms), each in its own part of them."""
    generator = np.random.default_rng([seed, 207])
    part = days * DAY_MS / max(count, 1)
    return tuple(
        cold_wave(
            begin=season_begin + int(part * (number + 0.5 * generator.random())),
            coldest_c=-generator.uniform(26.0, 30.0),
            onset_h=generator.uniform(24.0, 48.0),
            hold_h=generator.uniform(48.0, 96.0),
        )
        for number in range(count)
    )


@dataclass(frozen=True, slots=True)
class Spelled:
    """Any weather with spells laid over it."""

    weather: Weather
    spells: Sequence[Spell]

    def at(self, now: int) -> Conditions:
        """Conditions at UTC milliseconds `now`, continuous in time."""
        conditions = self.weather.at(now)
        for spell in self.spells:
            conditions = _laid_over(conditions, spell, now)
        return conditions


def _laid_over(usual: Conditions, spell: Spell, now: int) -> Conditions:
    share = spell.share(now)
    warmth = (1.0 + afternoon_share(now)) / 2.0
    held_c = spell.coldest_c + _NIGHT_TO_DAY_K * warmth
    humidity = usual.humidity if spell.humidity is None else spell.humidity
    return Conditions(
        usual.outdoor_c + (held_c - usual.outdoor_c) * share,
        usual.humidity + (humidity - usual.humidity) * share,
        usual.sun_w_m2 * (1.0 - (1.0 - spell.sun) * share),
    )
