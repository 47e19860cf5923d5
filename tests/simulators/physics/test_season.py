"""Whole winters, and the coarse steps in which they are passed."""

from dataclasses import dataclass

import numpy as np
import pytest

from simulators.physics.conditions import Conditions
from simulators.physics.disturbance import undisturbed
from simulators.physics.fleet import build_fleet
from simulators.physics.state import FleetState, at_rest
from simulators.physics.step import step
from simulators.physics.weather import WinterWeather
from tests.simulators.physics.houses import NOVEMBER, UNINSULATED, a_start

SEEDS = range(4)
POLL_S = 300.0
DAY_S = 86_400


def weathers(now: int) -> Conditions:
    """The weather of each seed, twice: for an uninsulated and for a retrofitted house."""
    columns = [WinterWeather(seed).at(now) for seed in SEEDS for _ in range(2)]
    return Conditions(*(np.array([getattr(one, name) for one in columns]) for name in Conditions.__slots__))


@dataclass
class Season:
    """What a season left: the last state, and the mean heat in and electricity of each house, kWh."""

    state: FleetState
    energy_kwh: np.ndarray
    heat_kwh: np.ndarray


@pytest.fixture(scope="module")
def season() -> Season:
    """Houses of 100 m² through November to March in four generated winters; (seed, construction)."""
    units = 2 * len(SEEDS)
    fleet = build_fleet(np.arange(units) % 2 == UNINSULATED, np.ones(units))
    state = start = at_rest(fleet, a_start(units), weathers(NOVEMBER).outdoor_c)
    calm = undisturbed(units)
    for number in range(151 * DAY_S // 300):
        now = NOVEMBER + number * 300_000
        if number % 3 == 0:
            conditions = weathers(now)
        state = step(fleet, state, now, POLL_S, conditions, calm)
    energy = (state.energy_j - start.energy_j) / 3.6e6
    heat = (state.heat_j - start.heat_j) / 3.6e6
    return Season(state, energy.reshape(-1, 2), heat.reshape(-1, 2))


def test_a_season_takes_the_energy_of_the_field(season: Season) -> None:
    # physics.md §20.5: 9,000 kWh just under the cap uninsulated, 3,400 kWh retrofitted.
    assert season.energy_kwh[:, 0] == pytest.approx(9_000, abs=1_500)
    assert season.energy_kwh[:, 1] == pytest.approx(3_400, abs=800)


def test_season_performance_is_that_of_the_field(season: Season) -> None:
    # physics.md §20.1 field anchors: 2.63 for the system and 3.34 for the unit in Shanxi; §20.5 takes 2.7.
    performance = season.heat_kwh / season.energy_kwh
    assert (performance[:, 0] >= 2.4).all()
    assert (performance[:, 1] >= 2.2).all()  # the pump and the controller weigh more in a small house
    assert (performance <= 3.34).all()


def test_units_start_seldom(season: Season) -> None:
    # Fewer than 3 an hour: physics.md §20.1's shortest run and stop would allow 6.7.
    per_hour = season.state.starts / (season.state.heated_s / 3600.0)
    assert (per_hour < 3.0).all()
    assert (season.state.starts > 100).all()


def test_a_season_defrosts_as_much_as_beijings(season: Season) -> None:
    # physics.md §20.3: mean 1.0 % over the IWEC year by EnergyPlus's fractions.
    share = season.state.defrosted_s / (season.state.defrosted_s + season.state.heated_s)
    assert share.mean() == pytest.approx(0.010, abs=0.005)


def test_coarse_steps_agree_with_fine_ones() -> None:
    """Five minutes against ten seconds: energy within 3 %, defrost share within 10 %, rooms within 0.3 K RMS."""
    offsets = np.repeat([-14.0, -9.0, -5.0, -2.0, 0.0, 3.0], 2)
    fleet = build_fleet(np.arange(12) % 2 == UNINSULATED, np.ones(12))
    weather, calm, begin = WinterWeather(3), undisturbed(12), NOVEMBER + 24 * DAY_S * 1000
    ends, rooms = [], []
    for dt_s in (300, 10):
        state = at_rest(fleet, a_start(12, frosted=0.5), weather.at(begin).outdoor_c + offsets)
        course = []
        for now in range(begin, begin + 3 * DAY_S * 1000, dt_s * 1000):
            if (now - begin) % 300_000 == 0:
                usual = weather.at(now)
                conditions = Conditions(usual.outdoor_c + offsets, max(usual.humidity, 0.85), usual.sun_w_m2)
                course.append(state.temperatures.room_c)
            state = step(fleet, state, now, float(dt_s), conditions, calm)
        ends.append(state)
        rooms.append(np.array(course))
    coarse, fine = ends
    before = 3000.0 * 3.6e6
    assert coarse.energy_j - before == pytest.approx(fine.energy_j - before, rel=0.03)
    shares = [end.defrosted_s.sum() / (end.defrosted_s + end.heated_s).sum() for end in ends]
    assert shares[0] == pytest.approx(shares[1], rel=0.1)
    assert shares[1] > 0.02
    assert (np.sqrt(((rooms[0] - rooms[1]) ** 2).mean(axis=0)) < 0.3).all()
