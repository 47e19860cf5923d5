import numpy as np
import pytest

from simulators.physics.fleet.measure import SHOWN, measure
from tests.simulators.physics.houses import a_run
from wire.points import POINTS

SETTINGS = {"defrost_interval_min", "defrost_max_min", "low_ambient_cutoff_c"}
"""Points that a person sets on a controller; no sensor shows them."""


def test_every_measured_point_is_shown_and_plausible() -> None:
    run = a_run(-7, 0.8)
    run.pass_hours(1)
    columns = run.shown()
    assert set(SHOWN) == set(POINTS) - SETTINGS
    for point, column in columns.items():
        assert column.shape == (2,)
        assert all(POINTS[point].plausible(float(value)) for value in column), point


def test_only_what_is_asked_for_is_made_and_unknown_points_are_refused() -> None:
    run = a_run(-7)
    asked = measure(
        run.fleet,
        run.state,
        run.now,
        run.conditions,
        run.disturbance,
        points=("room_c", "flow_lpm"),
    )
    assert list(asked) == ["room_c", "flow_lpm"]
    with pytest.raises(KeyError):
        measure(
            run.fleet, run.state, run.now, run.conditions, run.disturbance, points=("nonsense",)
        )


def test_sensors_stray_a_little_differently_each_time_and_counters_do_not() -> None:
    run = a_run(-7)
    shown = [
        measure(run.fleet, run.state, run.now + at, run.conditions, run.disturbance, seed)
        for seed in (0, 1)
        for at in (0, 1)
    ]
    rooms = np.array([columns["room_c"] for columns in shown])
    assert len(np.unique(rooms)) == rooms.size
    assert np.abs(rooms - 20.0).max() <= 0.05
    assert all((columns["energy_kwh"] == shown[0]["energy_kwh"]).all() for columns in shown)


def test_a_standing_circuit_is_at_the_outdoor_temperature() -> None:
    run = a_run(-5).disturbed(tripped=True)
    run.pass_hours(0.5)
    columns = run.shown()
    assert columns["high_bar"] == pytest.approx(columns["low_bar"])
    assert columns["fan_rpm"].tolist() == columns["exv_steps"].tolist() == [0.0, 0.0]


def test_three_phases_share_the_current() -> None:
    run = a_run(-5)
    single = run.shown()["current_a"]
    run.fleet.machines.three_phase[:] = True
    assert run.shown()["current_a"] == pytest.approx(single / 3.0)
