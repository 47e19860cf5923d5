"""Whole winters, and the coarse steps in which they are passed."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from simulators.physics.disturbance import undisturbed
from simulators.physics.fleet.equipment import build_fleet
from simulators.physics.fleet.state import FleetState, at_rest, supply_c
from simulators.physics.fleet.step import step
from simulators.physics.weather.conditions import Conditions
from simulators.physics.weather.winter import WinterWeather
from tests.simulators.physics import field
from tests.simulators.physics.houses import NOVEMBER, RETROFITTED, UNINSULATED, a_start

SEEDS = range(4)
POLL_S = 300.0
DAY_S = 86_400

BEIJING, MILD = 0, 1
"""Where the houses stand: at home, and where it is as mild, and the water as cool, as at the
systems of `field`."""
MILDER_K = 9.0
COOLER_WATER_C = 36.0
SHAPE = (2, len(SEEDS), 2)
"""Of the houses: climate, seed, construction."""
CLIMATE, SEED, CONSTRUCTION = (axis.ravel() for axis in np.indices(SHAPE))


def weathers(now: int) -> Conditions:
    """The weather of each house."""
    columns = [WinterWeather(seed).at(now) for seed in SEEDS]
    usual = (
        np.array([getattr(one, name) for one in columns])[SEED] for name in Conditions.__slots__
    )
    return Conditions(*usual).shifted(MILDER_K * CLIMATE)


@dataclass(frozen=True)
class Season:
    """The last state of a season, and its steps as (step, climate, seed, construction)."""

    state: FleetState
    heat_j: np.ndarray
    energy_j: np.ndarray
    ran: np.ndarray
    flow_c: np.ndarray
    outdoor_c: np.ndarray

    @property
    def energy_kwh(self) -> np.ndarray:
        return self.energy_j.sum(axis=0) / 3.6e6

    @property
    def performance(self) -> np.ndarray:
        return self.heat_j.sum(axis=0) / self.energy_j.sum(axis=0)

    @property
    def performance_as_in_the_field(self) -> np.ndarray:
        """With the standby of the field: its pumps stop with the compressor (physics §20.5)."""
        running = self.heat_j.sum(axis=0) / (self.energy_j * self.ran).sum(axis=0)
        return running * (1.0 - field.STANDBY_SHARE)

    @property
    def carnot_cop(self) -> np.ndarray:
        """Harmonic mean, weighted by heat."""
        return 1.0 / np.average(
            1.0 / field.carnot_cop(self.flow_c, self.outdoor_c), axis=0, weights=self.heat_j
        )

    @property
    def starts_per_hour(self) -> np.ndarray:
        running_s = self.state.heated_s + self.state.defrosted_s
        return (self.state.starts / (running_s / 3600.0)).reshape(SHAPE)

    def weighted(self, values: np.ndarray) -> np.ndarray:
        """The mean of a column, weighted by heat."""
        return np.average(values, axis=0, weights=self.heat_j)


@pytest.fixture(scope="module")
def season() -> Season:
    """Houses of 100 m² through November to March in four generated winters."""
    units = len(SEED)
    fleet = build_fleet(CONSTRUCTION == UNINSULATED, np.ones(units))
    state = at_rest(fleet, a_start(units), weathers(NOVEMBER).outdoor_c)
    state = replace(
        state, supply_limit_c=np.where(CLIMATE == MILD, COOLER_WATER_C, state.supply_limit_c)
    )
    calm, course = undisturbed(units), []
    for number in range(151 * DAY_S // 300):
        now = NOVEMBER + number * 300_000
        if number % 3 == 0:
            conditions = weathers(now)
        before, state = state, step(fleet, state, now, POLL_S, conditions, calm)
        heat_j, energy_j = state.heat_j - before.heat_j, state.energy_j - before.energy_j
        course.append(
            (
                heat_j,
                energy_j,
                before.running | state.running,
                supply_c(state),
                conditions.outdoor_c,
            )
        )
    return Season(
        state, *(np.array(column).reshape(-1, *SHAPE) for column in zip(*course, strict=True))
    )


def test_a_season_takes_the_energy_of_the_field(season: Season) -> None:
    # physics §20.5: 9,000 kWh just under the cap uninsulated, 3,400 kWh retrofitted.
    energy_kwh = season.energy_kwh[BEIJING]
    assert energy_kwh[:, UNINSULATED] == pytest.approx(9_000, abs=1_500)
    assert energy_kwh[:, RETROFITTED] == pytest.approx(3_400, abs=800)


def test_season_performance_is_that_of_the_field(season: Season) -> None:
    # physics §20.1 field anchors: 2.63 for the system and 3.34 for the unit in Shanxi; physics
    # §20.5 takes 2.7.
    performance = season.performance[BEIJING]
    assert (performance[:, UNINSULATED] >= 2.4).all()
    assert (
        performance[:, RETROFITTED] >= 2.2
    ).all()  # the pump and the controller weigh more in a small house
    assert (performance <= 3.34).all()


def test_the_mild_houses_meet_what_the_fields_systems_meet(season: Season) -> None:
    # Else the comparisons below would not be of like with like.
    outdoor_c = season.weighted(season.outdoor_c)[MILD]
    assert (outdoor_c >= field.OUTDOOR_C[0]).all()
    assert (outdoor_c <= field.OUTDOOR_C[1]).all()


def test_units_start_as_often_as_in_the_field(season: Season) -> None:
    assert (season.starts_per_hour[MILD] >= field.STARTS_PER_HOUR[0]).all()
    assert (season.starts_per_hour[MILD] <= field.STARTS_PER_HOUR[1]).all()


def test_units_seldom_start_where_winters_are_cold(season: Season) -> None:
    # 0.06 to 0.17 an hour, near the least of the field (0.12) and below: a cold house takes more
    # than its machine's lowest speed gives, and keeps it running four fifths of the winter or more.
    # The field's systems have mild autumns and springs, hot water to make, and run two fifths of
    # the year.
    assert (season.starts_per_hour[BEIJING] < 0.5 * season.starts_per_hour[MILD]).all()
    assert (season.state.starts > 100).all()


def test_performance_is_that_of_the_field_at_its_water_and_air(season: Season) -> None:
    lift_k = season.weighted(season.flow_c - season.outdoor_c)[MILD]
    assert (lift_k <= field.WIDEST_LIFT_K).all()
    expected = field.performance_at(lift_k)
    assert season.performance_as_in_the_field[MILD] == pytest.approx(
        expected, abs=field.PREDICTED_WITHIN
    )
    # Uninsulated houses meet it with their own standby too. Retrofitted ones come out 0.75 to 0.87
    # below, since so mild a winter needs them a third of the time, and a fifth of their electricity
    # then goes into pump and controller.
    own = season.performance[MILD][:, UNINSULATED]
    assert own == pytest.approx(expected[:, UNINSULATED], abs=field.PREDICTED_WITHIN)


def test_performance_is_the_fields_share_of_carnots(season: Season) -> None:
    # In Beijing at 48 °C the water is 48 K over the air, wider than in the field. There the
    # straight line of `performance_at` says too little, by 0.7 to 0.9, and the share of Carnot's
    # COP is what carries over.
    mean, deviation = field.SHARE_OF_CARNOT
    share = season.performance_as_in_the_field / season.carnot_cop
    assert share == pytest.approx(mean, abs=2.0 * deviation)
    own = (season.performance / season.carnot_cop)[BEIJING]
    assert own == pytest.approx(mean, abs=2.0 * deviation)


def test_a_season_defrosts_as_much_as_beijings(season: Season) -> None:
    # physics §20.3: mean 1.0 % over the IWEC year by EnergyPlus's fractions.
    share = season.state.defrosted_s / (season.state.defrosted_s + season.state.heated_s)
    assert share.reshape(SHAPE)[BEIJING].mean() == pytest.approx(0.010, abs=0.005)


def test_coarse_steps_agree_with_fine_ones() -> None:
    """Five minutes against ten seconds: energy 3 %, defrost share 10 %, rooms 0.3 K RMS."""
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
                conditions = Conditions(
                    usual.outdoor_c + offsets, max(usual.humidity, 0.85), usual.sun_w_m2
                )
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
