import numpy as np
import pytest

from simulators.physics.fleet import house
from simulators.physics.fleet.house import Temperatures


def lead_times(uninsulated: bool, outdoor: float) -> dict[int, float]:
    """Hours from a trip until the room falls below each temperature; 20 °C, 45 °C water."""
    one = np.ones(1)
    houses = house.build(np.array([uninsulated]), one, np.array([False]))
    room = 20.0 * one
    now = Temperatures(room, houses.mass_at_rest(room, outdoor * one), 45.0 * one)
    times: dict[int, float] = {}
    dt_s = 10.0
    for step in range(int(24 * 3600 / dt_s)):
        emitted = house.emitted_w(houses, houses.emitter, now.room_c, now.water_c)
        room, mass = house.step(houses, now, emitted + house.GAIN_W, outdoor * one, 0.0 * one, dt_s)
        now = Temperatures(room, mass, now.water_c - emitted * dt_s / houses.water_heat)
        for limit in (19, 18, 16, 14, 5):
            if now.room_c[0] < limit:
                times.setdefault(limit, (step + 1) * dt_s / 3600)
    return times


# physics §20.5 "computed alarm lead times after HP trip".
@pytest.mark.parametrize(
    ("uninsulated", "outdoor", "limit", "hours"),
    [
        (True, -10, 19, 0.5),
        (True, -10, 18, 0.9),
        (True, -10, 16, 2.2),
        (True, -10, 14, 4.9),
        (True, -10, 5, 22.0),
        (True, -20, 18, 0.6),
        (True, -20, 5, 13.6),
        (False, -10, 18, 3.3),
        (False, -10, 16, 10.4),
        (False, -20, 18, 1.9),
    ],
)
def test_lead_time_after_a_trip(
    uninsulated: bool, outdoor: float, limit: int, hours: float
) -> None:
    assert lead_times(uninsulated, outdoor)[limit] == pytest.approx(hours, abs=0.06, rel=0.05)


def test_design_load_is_that_of_the_table() -> None:
    houses = house.build(np.array([True, False]), np.ones(2), np.zeros(2, bool))
    assert houses.loss == pytest.approx([418, 190], abs=1.0)
    assert houses.loss * 30.0 - house.GAIN_W == pytest.approx([12_200, 5_400], rel=0.01)


def test_emitters_follow_their_power_law() -> None:
    # n = 1.3 for radiators and 1.1 for a floor, physics §20.5.
    for floor, exponent in ((False, 1.3), (True, 1.1)):
        houses = house.build(np.array([True]), np.ones(1), np.array([floor]))
        full = houses.emitter[0] * houses.design_k[0]
        for share in (0.5, 0.8, 1.0, 1.5, 2.0):
            given = house.emitted_w(
                houses, houses.emitter, np.array([20.0]), 20.0 + share * houses.design_k
            )
            assert given[0] == pytest.approx(full * share**exponent, rel=0.01)


def test_cold_water_takes_heat_from_the_room() -> None:
    houses = house.build(np.array([True]), np.ones(1), np.array([False]))
    assert house.emitted_w(houses, houses.emitter, np.array([20.0]), np.array([5.0]))[0] < 0.0


def test_the_implicit_step_stays_put_at_rest_and_is_stable_with_everything_open() -> None:
    houses = house.build(np.array([True]), np.ones(1), np.array([False]))
    room, outdoor = np.array([20.0]), np.array([-10.0])
    rest = Temperatures(room, houses.mass_at_rest(room, outdoor), room)
    again = house.step(houses, rest, houses.loss * 30.0, outdoor, np.zeros(1), 300.0)
    assert again[0] == pytest.approx(room)
    assert again[1] == pytest.approx(rest.mass_c)
    opened = house.step(houses, rest, np.zeros(1), outdoor, np.array([20_000.0]), 3600.0)
    assert -10.0 <= opened[0][0] <= 20.0


def test_valves_open_as_the_room_cools() -> None:
    opening = house.opening(np.array([22.0, 20.0, 19.0]), np.full(3, 20.0))
    assert opening.tolist() == [house.LEAST_OPENING, 0.5, 1.0]
