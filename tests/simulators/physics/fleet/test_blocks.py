"""A fleet is the same however it is cut: a unit depends on its village and its number."""

from dataclasses import replace

import numpy as np

from simulators.physics.disturbance import undisturbed
from simulators.physics.draws import random_words
from simulators.physics.fleet.equipment import Fittings, build_fleet, usual_fittings
from simulators.physics.fleet.measure import measure
from simulators.physics.fleet.state import Start, at_rest
from simulators.physics.fleet.step import step
from simulators.physics.weather.winter import WinterWeather
from tests.simulators.physics.houses import NOVEMBER

VILLAGES, EACH = 4, 15
NUMBERS = np.arange(VILLAGES * EACH)


def uniform(seed: int, purpose: int, numbers: np.ndarray, turn: int = 0) -> np.ndarray:
    """The random words as numbers from 0 to 1."""
    return random_words(seed, purpose, numbers, turn) / 2.0**64


def a_block(villages: range) -> tuple[np.ndarray, Fittings]:
    """The numbers and fittings of the units of some villages."""
    own = NUMBERS[villages.start * EACH : villages.stop * EACH]
    usual = usual_fittings(len(own))
    return own, replace(
        usual, village=own // EACH - villages.start, position=(own % EACH) / EACH, number=own
    )


def passed(villages: range) -> dict[str, np.ndarray]:
    """The readings of a block of villages after some hours."""
    own, fittings = a_block(villages)
    uninsulated = uniform(1, 1, own) < 0.5
    fleet = build_fleet(uninsulated, 0.8 + 0.35 * uniform(1, 2, own), fittings)
    twenty = np.full(len(own), 20.0)
    start = Start(twenty, twenty, 3000.0 * uniform(1, 3, own), uniform(1, 4, own))
    weather, calm = WinterWeather(1), undisturbed(len(own))
    state = at_rest(fleet, start, weather.at(NOVEMBER).outdoor_c)
    for number in range(60):
        now = NOVEMBER + number * 300_000
        state = step(fleet, state, now, 300.0, weather.at(now).shifted(-5.0), calm)
    return measure(fleet, state, now, weather.at(now), calm, seed=9)


def test_a_fleet_shows_the_same_bytes_however_it_is_cut() -> None:
    whole = passed(range(VILLAGES))
    parts = [passed(range(1)), passed(range(1, VILLAGES))]
    for point, column in whole.items():
        assert column.tobytes() == b"".join(part[point].tobytes() for part in parts), point


def test_draws_are_even_and_independent_of_each_other() -> None:
    many = np.arange(20_000)
    draws = [
        uniform(1, 1, many),
        uniform(2, 1, many),
        uniform(1, 2, many),
        uniform(1, 1, many, turn=1),
    ]
    for one in draws:
        assert abs(one.mean() - 0.5) < 0.01
        assert abs(one.std() - 12**-0.5) < 0.01
        assert one.min() >= 0.0
        assert one.max() <= 1.0
    assert np.abs(np.corrcoef(draws) - np.eye(4)).max() < 0.03
    assert abs(np.corrcoef(draws[0][1:], draws[0][:-1])[0, 1]) < 0.03


def test_draws_belong_to_the_number_not_to_the_place() -> None:
    assert (random_words(7, 3, NUMBERS)[10:20] == random_words(7, 3, NUMBERS[10:20])).all()
