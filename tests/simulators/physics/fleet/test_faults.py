"""The signatures of physics §20.7, each from its cause."""

import numpy as np
import pytest

from simulators.physics.fleet import house
from simulators.physics.fleet.equipment import build_fleet, usual_fittings
from simulators.physics.fleet.state import FleetState, at_rest, return_c, supply_c
from simulators.physics.machine.protection import kinds
from tests.simulators.physics.houses import RETROFITTED, UNINSULATED, Run, a_run, a_start


def shows(state: FleetState, unit: int = UNINSULATED) -> set[str]:
    return set(kinds(int(state.protection.shown[unit])))


def ever_shown(run: Run, hours: float, unit: int = UNINSULATED) -> set[str]:
    return set().union(*(shows(state, unit) for state in run.steps(hours)))


def share(state: FleetState) -> np.ndarray:
    return state.defrosted_s / (state.defrosted_s + state.heated_s)


def test_a_healthy_unit_trips_in_no_weather() -> None:
    for outdoor, humidity in [(-30, 0.6), (-20, 0.5), (-7, 0.95), (2, 0.95), (9, 0.5), (16, 0.5)]:
        run = a_run(outdoor, humidity)
        assert ever_shown(run, 6) == set()


def test_a_leak_costs_output_heats_the_gas_opens_the_valve_and_cools_the_coil() -> None:
    healthy, leaking = a_run(-12), a_run(-12).disturbed(charge=0.62)
    healthy.pass_hours(1), leaking.pass_hours(1)
    before, after = healthy.shown(), leaking.shown()
    assert after["heat_w"][0] < 0.9 * before["heat_w"][0]
    performance = (after["heat_w"] / after["power_w"]) / (before["heat_w"] / before["power_w"])
    assert 0.65 <= performance[0] <= 0.98
    assert (
        5.0
        <= after["discharge_c"][0]
        - after["supply_c"][0]
        - before["discharge_c"][0]
        + before["supply_c"][0]
        <= 20.0
    )
    assert after["exv_steps"][0] > before["exv_steps"][0] + 150.0
    assert 0.80 <= after["low_bar"][0] / before["low_bar"][0] <= 0.95
    assert after["coil_c"][0] < before["coil_c"][0] - 3.0
    assert shows(leaking.state) == set()


def test_a_leak_frosts_more() -> None:
    healthy, leaking = (
        a_run(0, 0.8).pass_hours(12, 300.0),
        a_run(0, 0.8).disturbed(charge=0.7).pass_hours(12, 300.0),
    )
    assert (share(leaking) > 1.15 * share(healthy)).all()


def test_below_60_percent_charge_the_low_pressure_switch_trips_and_locks_out() -> None:
    run = a_run(-7).disturbed(charge=0.58)
    assert "low_pressure" in shows(run.pass_hours(0.1))
    assert shows(run.pass_hours(2)) == {"low_pressure", "lockout"}
    assert run.state.heat_w[UNINSULATED] == 0.0


def test_a_stopped_fan_chills_the_coil_and_trips_low_pressure_within_minutes() -> None:
    healthy, still = a_run(-7, 0.8), a_run(-7, 0.8).disturbed(airflow=0.0)
    healthy.pass_hours(0.1), still.pass_hours(0.1)
    assert still.shown()["coil_c"][0] < healthy.shown()["coil_c"][0] - 8.0
    assert still.shown()["fan_rpm"][0] == 0.0
    assert still.shown()["compressor_hz"][0] > 0.0
    assert still.state.frost_kg[0] > 2.0 * healthy.state.frost_kg[0]
    assert "low_pressure" in ever_shown(still, 0.5)


def test_a_stuck_pump_opens_the_flow_switch_at_once() -> None:
    run = a_run(-7).disturbed(water_flow=0.0)
    state = run.pass_hours(15 / 3600, 1.0)  # stops in 2–15 s, physics §20.7
    columns = run.shown()
    assert shows(state) == {"water_flow"}
    assert columns["compressor_hz"][0] == 0.0
    assert columns["pump"][0] == 1.0
    assert columns["flow_lpm"][0] == 0.0


def test_a_blocked_filter_widens_the_spread_raises_the_pressure_and_slows_the_compressor() -> None:
    healthy, blocked = a_run(-10), a_run(-10).disturbed(water_flow=0.42)
    healthy.pass_hours(1)
    spreads, codes = [], []
    for state in blocked.steps(1):
        spreads.append((supply_c(state) - return_c(state))[0])
        codes.append(state.limit_code[0])
    assert max(spreads) > 9.0
    assert max(codes) == 2.0
    assert blocked.shown()["high_bar"][0] > healthy.shown()["high_bar"][0] + 2.0


def test_a_nearly_blocked_filter_trips_high_pressure_until_it_locks_out() -> None:
    run = a_run(-10).disturbed(water_flow=0.36)
    assert ever_shown(run, 3, RETROFITTED) == {"high_pressure", "lockout"}
    run.disturbed(water_flow=1.0).pass_hours(0.5)
    assert shows(run.state, RETROFITTED) == set()
    assert run.state.running[RETROFITTED]


def test_a_four_way_valve_that_never_reverses_defrosts_in_vain() -> None:
    run = a_run(0, 0.9, frosted=0.9).disturbed(four_way=1)
    spreads = [
        (supply_c(state) - return_c(state))[0] for state in run.steps(2) if state.defrosting[0]
    ]
    assert len(spreads) > 15  # it runs into its longest time
    assert min(spreads) >= 0.0
    assert run.state.frost_kg[0] > run.fleet.machines.size[0]


def test_a_valve_stuck_reversed_cools_the_house_until_delta_t_trips() -> None:
    run = a_run(0).disturbed(four_way=2)
    first = next(run.steps(1, 60.0))
    assert first.running[0]
    assert not first.defrosting[0]
    assert (supply_c(first) < return_c(first))[0]
    assert ever_shown(run, 2) == {"delta_t", "lockout"}


def test_a_missed_defrost_grows_the_gap_between_coil_and_air_and_eats_the_output() -> None:
    run = a_run(0, 0.9).disturbed(defrost=1)
    healthy = a_run(0, 0.9)
    missed, usual = run.pass_hours(8), healthy.pass_hours(8)
    assert not missed.defrosted_s.any()
    assert run.shown()["outdoor_c"][0] - run.shown()["coil_c"][0] > 15.0
    assert missed.hz[0] > 1.3 * usual.hz[0]
    assert missed.power_w[0] > 1.3 * usual.power_w[0]


def test_over_frequent_defrosts_come_in_dry_air_and_are_short() -> None:
    dry = a_run(3, 0.3)
    often = a_run(3, 0.3).disturbed(defrost=2)
    assert not dry.pass_hours(8).defrosted_s.any()
    longest = lasted = 0.0
    for state in often.steps(8, 10.0):
        lasted = lasted + 10.0 if state.defrosting[0] else 0.0
        longest = max(longest, lasted)
    assert 60.0 <= longest <= 180.0
    assert 0.06 <= share(often.state)[0] <= 0.15


def test_under_voltage_limits_the_speed_and_then_trips() -> None:
    low, lower = a_run(-7).disturbed(grid_pu=0.82), a_run(-7).disturbed(grid_pu=0.72)
    state = low.pass_hours(1)
    assert state.limit_code[0] == 1.0
    assert state.hz[0] < 80.0
    assert shows(state) == set()
    assert shows(lower.pass_hours(0.1)) == {"voltage"}


def test_a_missing_phase_stops_three_phase_units_only() -> None:
    run = a_run(-7).disturbed(phase_missing=True)
    fittings = usual_fittings(2)
    fittings.three_phase[UNINSULATED] = True
    run.fleet = build_fleet(np.array([True, False]), np.ones(2), fittings)
    state = run.pass_hours(0.1)
    assert shows(state) == {"phase"}
    assert shows(state, RETROFITTED) == set()
    assert state.running.tolist() == [False, True]


def test_without_power_everything_stops_and_the_water_in_the_unit_freezes() -> None:
    run = a_run(-12).disturbed(powered=False)
    first = next(run.steps(1, 60.0))
    assert first.power_w.tolist() == [0.0, 0.0]
    assert run.shown()["voltage_v"].tolist() == [0.0, 0.0]
    state = run.pass_hours(4)
    assert (supply_c(state) < 0.0).all()
    assert (state.temperatures.room_c > 5.0).all()  # physics §20.5: rooms take most of a day
    assert (state.energy_j == first.energy_j).all()


def test_a_stuck_heater_draws_power_that_the_compressor_does_not() -> None:
    healthy, stuck = a_run(0), a_run(0).disturbed(heater_stuck_w=3000.0)
    healthy.pass_hours(3), stuck.pass_hours(3)
    before, after = healthy.shown(), stuck.shown()
    assert after["power_w"][0] > before["power_w"][0] + 1_500.0
    assert after["compressor_hz"][0] <= before["compressor_hz"][0]
    assert (
        after["heat_w"][0] / after["power_w"][0] < 0.8 * before["heat_w"][0] / before["power_w"][0]
    )
    assert after["aux_heater"][0] == 1.0
    assert before["aux_heater"][0] == 0.0


def test_a_coal_stove_keeps_the_room_warm_while_the_unit_rests() -> None:
    state = a_run(0).disturbed(coal_w=15_000.0).pass_hours(4)
    assert not state.running[0]
    assert state.temperatures.room_c[0] > 21.0


def test_an_undersized_unit_runs_flat_out_and_lets_the_room_sink() -> None:
    fittings = usual_fittings(2)
    fittings.sizing[:] = 0.6
    fleet = build_fleet(np.array([True, False]), np.ones(2), fittings)
    run = a_run(-9)
    run.fleet, run.state = fleet, at_rest(fleet, a_start(2), -9.0)
    state = run.pass_hours(20, 300.0)
    assert state.hz[0] == pytest.approx(90.0)
    assert state.temperatures.room_c[0] < 18.0
    assert shows(state) == set()


def test_a_half_heated_house_needs_half_the_heat() -> None:
    fittings = usual_fittings(2)
    fittings.heated[1] = 0.6
    fleet = build_fleet(np.array([True, True]), np.ones(2), fittings)
    assert fleet.houses.loss[1] == pytest.approx(0.6 * fleet.houses.loss[0])
    assert fleet.machines.nominal_w.tolist() == [12_000.0, 7_000.0]


def test_floor_heating_runs_cooler_and_better() -> None:
    fittings = usual_fittings(2)
    fittings.floor[1] = True
    fleet = build_fleet(np.array([True, True]), np.ones(2), fittings)
    run = a_run(0)
    run.fleet, run.state = fleet, at_rest(fleet, a_start(2), 0.0)
    state = run.pass_hours(24, 300.0)
    assert supply_c(state)[1] < supply_c(state)[0] - 8.0
    assert abs(state.temperatures.room_c[1] - 20.0) < 1.0
    performance = (state.heat_j - 3000 * 2.8 * 3.6e6) / (state.energy_j - 3000 * 3.6e6)
    assert performance[1] > 1.15 * performance[0]
    assert house.FLOOR_DESIGN_K < house.RADIATOR_DESIGN_K
