"""The households of a block, drawn village by village, so that blocks may be cut anywhere."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators.physics.arrays import Floats
from simulators.physics.fleet.equipment import Fittings, SimulatedFleet, build_fleet
from simulators.physics.fleet.state import Start
from simulators.registers.brands import MAPS
from simulators.registers.image import UnitReading
from simulators.scenario.scenario import Scenario
from simulators.season.layout import SeasonBlock, Settlement
from wire.points import POINTS

_HOUSES: Final = 205
_BRANDS: Final = 207
_STARTS: Final = 208
_HEIGHTS: Final = 210
OLDEST_KWH: Final = 20_000.0  # on an electricity counter after a few seasons

Draw = Callable[[np.random.Generator, int], Any]


class _House(IntEnum):
    """The columns of the draws for each house."""

    WALLS = 0
    AREA = 1
    TARGET = 2
    FLOOR = 3
    HEATED = 4
    SIZING = 5
    PHASES = 6
    POSITION = 7


@dataclass(frozen=True, slots=True)
class Households:
    """The fixed part of a season: the fleet, its start, and the points and codes of each unit.

    `height_k`: how much warmer than the weather each unit stands. `codes`: the faults that each
    unit can show. `lacks`: the units (by index in the block) without a point.
    """

    fleet: SimulatedFleet
    start: Start
    height_k: Floats
    codes: dict[int, tuple[str, ...]]
    lacks: dict[str, NDArray[np.int64]]

    def shows(self, unit: int, points: Iterable[str]) -> bool:
        """Whether the unit has all of these points."""
        return not any(point in self.lacks and unit in self.lacks[point] for point in points)


def settle(scenario: Scenario, block: SeasonBlock, seed: int) -> Households:
    """The households of `block`; a seed makes the same ones whatever the size of the block."""
    drawn = _draws(scenario, block, seed)
    house = scenario.house
    coldest_c = house.room_target_c - house.target_spread_k
    warmest_c = house.room_target_c + house.target_spread_k
    target_c = _between(drawn.houses[:, _House.TARGET], coldest_c, warmest_c)
    shown = {name: _shows(name) for name in scenario.fleet.profiles}
    codes = {name: tuple(MAPS[name].fault_codes) for name in scenario.fleet.profiles}
    profiles = [str(name) for name in drawn.profiles.tolist()]
    return Households(
        _fleet(scenario, block, drawn.houses),
        Start(target_c, target_c, OLDEST_KWH * drawn.starts[:, 0], drawn.starts[:, 1]),
        _between(drawn.heights, *scenario.fleet.height_k),
        {unit: codes[name] for unit, name in enumerate(profiles)},
        _lacks([shown[name] for name in profiles]),
    )


@dataclass(frozen=True, slots=True)
class _Draws:
    """The draws for every unit, one row each: brand, house, start, and height of its village."""

    profiles: NDArray[Any]
    houses: Floats
    starts: Floats
    heights: Floats


def _draws(scenario: Scenario, block: SeasonBlock, seed: int) -> _Draws:
    def drawn(salt: int, draw: Draw) -> NDArray[Any]:
        return _drawn(block, seed, salt, draw)

    return _Draws(
        profiles=drawn(_BRANDS, partial(_profiles, scenario)),
        houses=drawn(_HOUSES, lambda generator, units: generator.random((units, len(_House)))),
        starts=drawn(_STARTS, lambda generator, units: generator.random((units, 2))),
        heights=drawn(_HEIGHTS, lambda generator, units: np.full(units, generator.random())),
    )


def _drawn(block: SeasonBlock, seed: int, salt: int, draw: Draw) -> NDArray[Any]:
    """The results of `draw` for every village in turn, each from a generator of its own."""
    parts = [
        draw(village_generator(seed, salt, settlement), settlement.units)
        for settlement in block.settlements
    ]
    return np.concatenate(parts)


def village_generator(seed: int, salt: int, settlement: Settlement) -> np.random.Generator:
    """The random generator of one village for one purpose, its `salt`."""
    return np.random.default_rng([seed, salt, settlement.number])


def _profiles(scenario: Scenario, generator: np.random.Generator, units: int) -> NDArray[Any]:
    shares = np.array(list(scenario.fleet.profiles.values()))
    return generator.choice(list(scenario.fleet.profiles), units, p=shares / shares.sum())


def _fleet(scenario: Scenario, block: SeasonBlock, drawn: Floats) -> SimulatedFleet:
    house, mix = scenario.house, scenario.fleet
    firsts = [settlement.first_unit for settlement in block.settlements]
    sizes = [settlement.units for settlement in block.settlements]
    numbers = np.concatenate(
        [np.arange(first, first + count) for first, count in zip(firsts, sizes, strict=True)]
    )
    fittings = Fittings(
        floor=drawn[:, _House.FLOOR] < house.floor,
        heated=_between(drawn[:, _House.HEATED], *house.heated),
        sizing=np.where(drawn[:, _House.SIZING] < mix.undersized, mix.undersized_by, 1.0),
        three_phase=drawn[:, _House.PHASES] < mix.three_phase,
        position=drawn[:, _House.POSITION],
        village=np.repeat(np.arange(len(sizes)), sizes),
        number=numbers,
    )
    area = _between(drawn[:, _House.AREA], *house.area_m2) / 100.0
    return build_fleet(drawn[:, _House.WALLS] < house.uninsulated, area, fittings)


def _between(drawn: Floats, low: float, high: float) -> Floats:
    return low + (high - low) * drawn


def _shows(profile: str) -> frozenset[str]:
    """The points that the registers of a brand hold."""
    middle = {name: max(point.low, 1.0) for name, point in POINTS.items()}
    return frozenset(MAPS[profile].image(UnitReading("heating", (), middle)).values)


def _lacks(shown: Sequence[frozenset[str]]) -> dict[str, NDArray[np.int64]]:
    lacking = {
        point: np.array([unit for unit, own in enumerate(shown) if point not in own], np.int64)
        for point in POINTS
    }
    return {point: units for point, units in lacking.items() if len(units)}
