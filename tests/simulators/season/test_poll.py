"""The answers of controllers: broken sensors, lacking points, trips, frozen tables."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulators.physics.disturbance import undisturbed
from simulators.physics.fleet.equipment import build_fleet
from simulators.physics.fleet.measure import measure
from simulators.physics.fleet.state import FleetState, Start, at_rest
from simulators.physics.machine.protection import BIT
from simulators.physics.weather.conditions import Conditions
from simulators.scenario.events import Effects, Event, effects
from simulators.season.poll import Controllers, SeasonPoll
from wire.points import STATES

UNITS = 4
CODES = {0: ("high_pressure:P1", "sensor:E4"), 1: ("other:E9",), 2: (), 3: ("high_pressure:21",)}
FLEET = build_fleet(np.zeros(UNITS, bool), np.ones(UNITS))


def state(**changes: Any) -> FleetState:
    room = np.full(UNITS, 20.0)
    return replace(
        at_rest(FLEET, Start(room, room, np.zeros(UNITS), np.zeros(UNITS)), -8.0), **changes
    )


def poll(
    controllers: Controllers, at: int, active: Effects, now: FleetState | None = None
) -> SeasonPoll:
    now = now or state()
    columns = measure(FLEET, now, at, Conditions(-8.0, 0.5, 0.0), undisturbed(UNITS))
    before = {point: column.copy() for point, column in columns.items()}
    answer = controllers.poll(at, now, columns, active)
    for point, column in before.items():
        assert np.array_equal(columns[point], column, equal_nan=True), (
            point
        )  # the physics is not touched
    return answer


@pytest.fixture
def controllers() -> Controllers:
    return Controllers(CODES, {"room_c": np.array([2])})


def test_a_brand_lacks_a_point_and_a_broken_sensor_is_bad(controllers: Controllers) -> None:
    broken = [
        Event("sensor_open", (unit,), 0, None, point)
        for unit, point in ((0, "supply_c"), (2, "room_c"))
    ]
    answer = poll(controllers, 0, effects(broken, 0))
    assert np.isnan(answer.points["room_c"]).tolist() == [False, False, True, False]
    assert np.isnan(answer.points["supply_c"]).tolist() == [True, False, False, False]
    assert answer.bad == {0: ("supply_c",), 2: ()}


def test_a_drifting_sensor_is_off(controllers: Controllers) -> None:
    day = 86_400_000
    drift = effects([Event("sensor_drift", (1,), 0, None, "supply_c", 0.1)], 10 * day)
    off = (
        poll(controllers, day, drift).points["supply_c"]
        - poll(controllers, day, Effects()).points["supply_c"]
    )
    assert off == pytest.approx([0.0, 1.0, 0.0, 0.0])


def test_a_heat_meter_is_off_with_its_sensors(controllers: Controllers) -> None:
    drift = effects([Event("sensor_drift", (1,), 0, None, "return_c", 0.1)], 10 * 86_400_000)
    answer, sound = poll(controllers, 0, drift).points, poll(controllers, 0, Effects()).points
    kg_s = sound["flow_lpm"][1] / 60.0
    assert answer["heat_w"] - sound["heat_w"] == pytest.approx(
        [0.0, -1.0 * kg_s * 4186.0, 0.0, 0.0]
    )


def test_a_stuck_sensor_goes_on_showing_what_it_showed_and_misleads_the_heat_meter(
    controllers: Controllers,
) -> None:
    stuck = effects([Event("sensor_stuck", (1,), 0, None, "supply_c")], 0)
    first = poll(controllers, 0, stuck).points["supply_c"][1]
    warmer = state()
    warmer = replace(warmer, plate_c=warmer.plate_c + 3.0)
    answer = poll(controllers, 300_000, stuck, warmer).points
    sound = poll(Controllers(CODES, {}), 300_000, Effects(), warmer).points
    assert answer["supply_c"][1] == first
    assert answer["supply_c"][0] == sound["supply_c"][0]
    off_k = first - sound["supply_c"][1]
    assert off_k < -2.0
    assert answer["heat_w"][1] - sound["heat_w"][1] == pytest.approx(
        off_k * sound["flow_lpm"][1] / 60.0 * 4186.0
    )
    free = poll(controllers, 600_000, Effects(), warmer).points["supply_c"][1]
    assert free == pytest.approx(sound["supply_c"][1], abs=0.3)


def test_trips_are_shown_under_the_brands_own_codes(controllers: Controllers) -> None:
    tripped = state()
    shown = np.array(
        [BIT["high_pressure"], BIT["high_pressure"], BIT["high_pressure"], 0], np.uint16
    )
    tripped = replace(tripped, protection=replace(tripped.protection, shown=shown))
    injected = effects([Event("fault", (0,), 0, None, "sensor:E4")], 0)
    assert poll(controllers, 0, injected, tripped).faults == {
        0: ("sensor:E4", "high_pressure:P1"),
        1: ("other:E9",),
        2: (),
    }


def test_a_frozen_controller_answers_with_the_table_it_had(controllers: Controllers) -> None:
    frozen = effects([Event("frozen_values", (0,), 0, None)], 0)
    first = poll(controllers, 0, frozen)
    later = state(running=np.zeros(UNITS, bool), hz=np.zeros(UNITS), power_w=np.full(UNITS, 5.0))
    tripped = effects(
        [
            Event("frozen_values", (0,), 0, None),
            Event("fault", (0, 3), 0, None, "high_pressure:P1"),
        ],
        0,
    )
    answer = poll(controllers, 300_000, tripped, later)
    assert [STATES[code] for code in answer.state.tolist()] == [
        "heating",
        "standby",
        "standby",
        "standby",
    ]
    assert answer.points["power_w"].tolist() == [first.points["power_w"][0], 5.0, 5.0, 5.0]
    assert answer.faults[0] == ()
    assert answer.faults[3] == ("high_pressure:P1",)
    thawed = poll(controllers, 600_000, Effects(), later)
    assert thawed.points["power_w"].tolist() == [5.0] * 4


def test_who_is_silent_is_not_heard_and_who_is_switched_off_says_so(
    controllers: Controllers,
) -> None:
    events = [Event("communication_loss", (1,), 0, None), Event("switched_off", (2,), 0, None)]
    answer = poll(controllers, 0, effects(events, 0))
    assert answer.heard is not None
    assert answer.heard.tolist() == [0, 2, 3]
    assert STATES[answer.state[2]] == "off"
    assert poll(controllers, 300_000, Effects()).heard is None
