import numpy as np
import pytest

from simulators.physics import house
from simulators.physics.house import Temperatures


def lead_times(uninsulated: bool, outdoor: float) -> dict[int, float]:
    """Hours from a trip at 20 °C, 45 °C water and running pump until the room falls below each temperature."""
    one = np.ones(1)
    houses = house.build(np.array([uninsulated]), one)
    room = 20.0 * one
    now = Temperatures(room, houses.mass_at_rest(room, outdoor * one), 45.0 * one)
    times: dict[int, float] = {}
    dt_s = 10.0
    for step in range(int(24 * 3600 / dt_s)):
        now = house.step(houses, now, 0.0 * one, outdoor * one, 0.0 * one, 0.0 * one, dt_s)
        for limit in (19, 18, 16, 14, 5):
            if now.room_c[0] < limit:
                times.setdefault(limit, (step + 1) * dt_s / 3600)
    return times


# physics.md §20.5 "computed alarm lead times after HP trip".
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
def test_lead_time_after_a_trip(uninsulated: bool, outdoor: float, limit: int, hours: float) -> None:
    assert lead_times(uninsulated, outdoor)[limit] == pytest.approx(hours, abs=0.06, rel=0.05)


def test_design_load_is_that_of_the_table() -> None:
    houses = house.build(np.array([True, False]), np.ones(2))
    assert houses.loss == pytest.approx([418, 190], abs=1.0)
    assert houses.loss * 30.0 - house.GAIN_W == pytest.approx([12_200, 5_400], rel=0.01)


def test_energy_is_conserved() -> None:
    houses = house.build(np.array([True, False]), np.array([1.0, 0.8]))
    two = np.ones(2)
    start = now = Temperatures(20.0 * two, 15.0 * two, 30.0 * two)
    balance = np.zeros(2)
    for step in range(8_640):
        heat, outdoor, sun = 8_000.0 * two * (step % 3), (-10.0 + step % 7) * two, 100.0 * two * (step % 2)
        window = 200.0 * two * (step % 5 == 0)
        lost = (houses.air_to_outdoor + window) * (now.room_c - outdoor)
        lost = lost + houses.mass_to_outdoor * (now.mass_c - outdoor)
        gain = house.GAIN_W + houses.window_m2 * house.SOLAR_TRANSMISSION * sun
        balance += (heat + gain - lost) * 10.0
        now = house.step(houses, now, heat, outdoor, sun, window, 10.0)
    held = houses.air_heat * (now.room_c - start.room_c) + houses.mass_heat * (now.mass_c - start.mass_c)
    held = held + houses.water_heat * (now.water_c - start.water_c)
    assert held == pytest.approx(balance, rel=0.01)
