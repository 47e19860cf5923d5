"""Under any fault in any weather: values finite and bounded, counters never backwards."""

from dataclasses import fields

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.physics.disturbance import Disturbance
from simulators.physics.fleet.equipment import build_fleet, usual_fittings
from simulators.physics.fleet.measure import measure
from simulators.physics.fleet.state import FleetState, at_rest
from simulators.physics.fleet.step import step
from simulators.physics.weather.conditions import Conditions
from tests.simulators.physics.houses import NOON, a_start
from wire.points import POINTS

share = st.floats(0.0, 1.0)
disturbances = st.builds(
    dict,
    tripped=st.booleans(),
    powered=st.booleans(),
    open_window_w_k=st.floats(0.0, 20_000.0),
    charge=share,
    airflow=share,
    water_flow=share,
    four_way=st.sampled_from([0, 1, 2]),
    defrost=st.sampled_from([0, 1, 2]),
    heater_stuck_w=st.floats(0.0, 6_000.0),
    grid_pu=st.floats(0.5, 1.2),
    phase_missing=st.booleans(),
    coal_w=st.floats(0.0, 15_000.0),
)
moments = st.tuples(
    st.lists(disturbances, min_size=4, max_size=4),
    st.floats(-40.0, 25.0),
    share,
    st.floats(0.0, 900.0),
    st.sampled_from([1.0, 30.0, 60.0, 300.0, 1_000.0]),
)
TYPES = {
    "four_way": np.int8,
    "defrost": np.int8,
    "tripped": bool,
    "powered": bool,
    "phase_missing": bool,
}


def a_disturbance(units: list[dict[str, float]]) -> Disturbance:
    return Disturbance(
        **{
            column.name: np.array(
                [unit[column.name] for unit in units], TYPES.get(column.name, np.float64)
            )
            for column in fields(Disturbance)
        }
    )


def check(state: FleetState, before: FleetState) -> None:
    for name in ("heat_j", "energy_j", "heated_s", "defrosted_s", "starts"):
        assert (getattr(state, name) >= getattr(before, name)).all(), name
    for column in (
        state.temperatures.room_c,
        state.temperatures.mass_c,
        state.plate_c,
        state.temperatures.water_c,
    ):
        assert ((column >= -45.0) & (column <= 120.0)).all()
    assert ((state.frost_kg >= 0.0) & (state.frost_kg <= 3.0 * 16_000 / 7_000)).all()
    assert ((state.hz >= 0.0) & (state.hz <= 90.0)).all()
    assert (state.power_w >= 0.0).all()
    assert (state.defrost_left_s >= 0.0).all()


@settings(max_examples=40)
@given(st.lists(moments, min_size=1, max_size=6))
def test_nothing_ever_runs_away(
    story: list[tuple[list[dict[str, float]], float, float, float, float]],
) -> None:
    fittings = usual_fittings(4)
    fittings.floor[1] = fittings.three_phase[2] = True
    fleet = build_fleet(np.arange(4) % 2 == 0, np.linspace(0.5, 2.0, 4), fittings)
    state, now = at_rest(fleet, a_start(4, frosted=0.5), story[0][1]), NOON
    for units, outdoor_c, humidity, sun, dt_s in story:
        struck, conditions = a_disturbance(units), Conditions(outdoor_c, humidity, sun)
        for _ in range(4):
            before, state = state, step(fleet, state, now, dt_s, conditions, struck)
            now += int(dt_s * 1000)
            check(state, before)
        for point, column in measure(fleet, state, now, conditions, struck).items():
            assert np.isfinite(column).all(), point
        assert all(POINTS["room_c"].plausible(float(room)) for room in state.temperatures.room_c)
