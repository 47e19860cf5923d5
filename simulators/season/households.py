"""The houses, machines and brands of a block, drawn village by village, so that blocks may be cut anywhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators.physics.arrays import Floats
from simulators.physics.fleet import Fleet, build_fleet
from simulators.physics.state import Start
from simulators.registers import MAPS
from simulators.registers.image import UnitReading
from simulators.scenario import Scenario
from simulators.season.layout import Block, Settlement
from wire.points import POINTS

_HOUSES: Final = 205
_BRANDS: Final = 207
_STARTS: Final = 208

Draw = Callable[[np.random.Generator, int], Any]


@dataclass(frozen=True, slots=True)
class Households:
    """What does not change over a season: the fleet, how it is found, and what each unit's brand shows.

    `lacks` are the units (by index in the block) that have no such point.
    """

    fleet: Fleet
    start: Start
    codes: dict[int, tuple[str, ...]]
    lacks: dict[str, NDArray[np.int64]]


def settle(scenario: Scenario, block: Block, seed: int) -> Households:
    """Everybody in `block`; the same seed makes the same households, whatever the block's size."""
    profiles = _drawn(block, seed, _BRANDS, lambda generator, units: _profiles(scenario, generator, units))
    houses = _drawn(block, seed, _HOUSES, lambda generator, units: generator.random((units, 4)))
    starts = _drawn(block, seed, _STARTS, lambda generator, units: generator.random((units, 2)))
    fleet = _fleet(scenario, houses)
    target = scenario.house.room_target_c + scenario.house.target_spread_k * (2.0 * houses[:, 3] - 1.0)
    start = Start(target, target, np.zeros(len(target)) + 20_000.0 * starts[:, 0], starts[:, 1])
    shown = {name: _shows(name) for name in scenario.fleet.profiles}
    names = [str(name) for name in profiles.tolist()]
    return Households(
        fleet,
        start,
        {unit: tuple(MAPS[name]().fault_codes) for unit, name in enumerate(names)},
        _lacks([shown[name] for name in names]),
    )


def _drawn(block: Block, seed: int, salt: int, draw: Draw) -> NDArray[Any]:
    """`draw` for every village from a generator of its own, one after the other."""
    parts = [draw(village_generator(seed, salt, one), one.units) for one in block.settlements]
    return np.concatenate(parts)


def village_generator(seed: int, salt: int, settlement: Settlement) -> np.random.Generator:
    """The random numbers of one village for one purpose."""
    return np.random.default_rng([seed, salt, settlement.number])


def _profiles(scenario: Scenario, generator: np.random.Generator, units: int) -> NDArray[Any]:
    shares = np.array(list(scenario.fleet.profiles.values()))
    return generator.choice(list(scenario.fleet.profiles), units, p=shares / shares.sum())


def _fleet(scenario: Scenario, houses: Floats) -> Fleet:
    low, high = scenario.house.area_m2
    return build_fleet(houses[:, 0] < scenario.house.uninsulated, (low + (high - low) * houses[:, 1]) / 100.0)


def _shows(profile: str) -> frozenset[str]:
    """The points that a brand's registers hold."""
    middle = {name: max(point.low, 1.0) for name, point in POINTS.items()}
    return frozenset(MAPS[profile]().image(UnitReading("heating", (), middle)).values)


def _lacks(shown: Sequence[frozenset[str]]) -> dict[str, NDArray[np.int64]]:
    found = {
        point: np.array([unit for unit, own in enumerate(shown) if point not in own], np.int64) for point in POINTS
    }
    return {point: units for point, units in found.items() if len(units)}
