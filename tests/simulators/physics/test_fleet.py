from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from simulators.physics import heat_pump
from simulators.physics.disturbance import Disturbance, undisturbed
from simulators.physics.fleet import (
    Fleet,
    FleetState,
    Start,
    at_rest,
    build_fleet,
    return_c,
    step,
    supply_c,
)
from simulators.physics.measure import measure
from simulators.physics.weather import Conditions

UNITS = 6
UNIT = 5  # a retrofitted house whose unit has much to do


@dataclass
class Run:
    """A small fleet under steady weather."""

    conditions: Conditions
    fleet: Fleet
    state: FleetState

    def steps(self, hours: float, dt_s: float = 10.0, disturbance: Disturbance | None = None) -> Iterator[FleetState]:
        for _ in range(int(hours * 3600 / dt_s)):
            self.state = step(self.fleet, self.state, dt_s, self.conditions, disturbance or undisturbed(UNITS))
            yield self.state

    def pass_hours(self, hours: float, disturbance: Disturbance | None = None) -> None:
        for _ in self.steps(hours, disturbance=disturbance):
            pass


def a_run(outdoor: float, humidity: float) -> Run:
    half = np.arange(UNITS) < UNITS // 2
    fleet = build_fleet(half, np.linspace(0.8, 1.0, UNITS))
    twenty = np.full(UNITS, 20.0)
    start = Start(twenty, twenty, np.full(UNITS, 3000.0), np.linspace(0.0, 0.9, UNITS))
    return Run(Conditions(outdoor, humidity, 0.0), fleet, at_rest(fleet, start, outdoor))


@pytest.mark.parametrize(("outdoor", "humidity"), [(-12, 0.5), (-7, 0.95), (2, 0.95), (4, 0.6)])
def test_healthy_houses_stay_warm(outdoor: float, humidity: float) -> None:
    run = a_run(outdoor, humidity)
    rooms = np.array([state.temperatures.room_c for state in run.steps(16)])
    assert rooms.min() >= 18.6
    assert rooms.max() <= 21.0


@pytest.mark.parametrize(
    ("outdoor", "humidity", "low", "high"),
    # Upper ends: the shares of the EnergyPlus model in physics.md §20.3, for the same weather.
    [(-7, 0.3, 0.0, 0.0), (-7, 0.95, 0.01, 0.057), (0, 0.8, 0.01, 0.067), (2, 0.95, 0.02, 0.116)],
)
def test_defrost_share_is_plausible(outdoor: float, humidity: float, low: float, high: float) -> None:
    run = a_run(outdoor, humidity)
    run.state = at_rest(run.fleet, Start(*(np.full(UNITS, value) for value in (20.0, 20.0, 0.0, 0.5))), outdoor)
    heating, defrosting = np.zeros(UNITS), np.zeros(UNITS)
    for state in run.steps(16):
        heating += state.running & ~state.defrosting
        defrosting += state.defrosting
    share = defrosting / (heating + defrosting)
    assert (share >= low).all()
    assert (share <= high).all()


def test_a_defrost_shows_its_signature() -> None:
    """physics.md §20.3 "cycle shape": supply below return, coil warms, no fan, power far below heating's, 2–10 min."""
    run = a_run(-7.0, 0.95)
    spread, coil, power, lasted, longest = [], [], [], 0.0, 0.0
    heating_power = []
    for state in run.steps(6):
        defrosts = bool(state.defrosting[UNIT])
        if defrosts:
            spread.append((supply_c(run.fleet, state) - return_c(run.fleet, state))[UNIT])
            coil.append(state.coil_c[UNIT])
            power.append(state.power_w[UNIT])
            columns = measure(run.fleet, state, run.conditions, 0)
            assert columns["fan_rpm"][UNIT] == 0.0
            assert columns["four_way"][UNIT] == 0.0
        elif state.hz[UNIT] > heat_pump.MIN_HZ:
            heating_power.append(state.power_w[UNIT])
        lasted = lasted + 10.0 if defrosts else 0.0
        longest = max(longest, lasted)
    assert -8.0 <= min(spread) <= -2.0
    assert min(coil) < -5.0
    assert max(coil) > 10.0
    assert 0.4 <= max(power) / np.mean(heating_power) <= 0.7
    assert min(power) < 0.6 * max(power)  # the dip while the valve turns
    assert 120 <= longest <= 600


def test_compressor_keeps_its_minimum_times_and_its_range() -> None:
    run = a_run(9.0, 0.3)  # so mild that every unit must cycle
    since = np.full(UNITS, np.inf)
    before = run.state
    starts = 0
    for state in run.steps(12):
        changed = state.running != before.running
        starts += int((changed & state.running).sum())
        assert (since[changed] >= 240.0).all()
        since = np.where(changed, 10.0, since + 10.0)
        assert ((state.hz == 0.0) | ((state.hz > 0.0) & (state.hz <= heat_pump.MAX_HZ))).all()
        before = state
    assert starts > UNITS


def test_counters_add_up_to_the_powers() -> None:
    run = a_run(-5.0, 0.9)
    before = run.state
    heat, energy = np.zeros(UNITS), np.zeros(UNITS)
    for state in run.steps(6):
        heat += state.heat_w * 10.0
        energy += state.power_w * 10.0
    assert run.state.heat_j - before.heat_j == pytest.approx(heat, rel=1e-9)
    assert run.state.energy_j - before.energy_j == pytest.approx(energy, rel=1e-9)
    assert ((heat / energy > 1.5) & (heat / energy < 4.5)).all()


def test_a_trip_stops_the_compressor_at_once_and_cools_the_house() -> None:
    run = a_run(-10.0, 0.5)
    tripped = np.arange(UNITS) == 0
    after = next(run.steps(1, 1.0, replace(undisturbed(UNITS), tripped=tripped)))
    assert after.hz[0] == 0.0
    assert after.heat_w[0] == 0.0
    assert (after.hz[1:] > 0.0).all()
    run.pass_hours(1.5, replace(undisturbed(UNITS), tripped=tripped))
    assert run.state.temperatures.room_c[0] < 18.0
    assert (run.state.temperatures.room_c[1:] > 19.0).all()


def test_open_windows_cool_one_house_only() -> None:
    run = a_run(-10.0, 0.5)
    window = np.where(np.arange(UNITS) == 2, 4000.0, 0.0)
    run.pass_hours(0.05, replace(undisturbed(UNITS), open_window_w_k=window))
    assert run.state.temperatures.room_c[2] < 19.0
    assert (np.delete(run.state.temperatures.room_c, 2) > 19.5).all()


def test_the_same_start_makes_the_same_bytes() -> None:
    runs = [a_run(-4.0, 0.9), a_run(-4.0, 0.9)]
    for run in runs:
        run.pass_hours(3)
    columns = [measure(run.fleet, run.state, run.conditions, 1_795_302_812_000) for run in runs]
    assert all(columns[0][name].tobytes() == columns[1][name].tobytes() for name in columns[0])
