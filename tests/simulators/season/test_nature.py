"""The truths of the physics itself, and those of them that demand an alert."""

from dataclasses import replace

import numpy as np
import pytest

from simulators.physics.fleet.equipment import build_fleet
from simulators.physics.fleet.state import Start, at_rest, spread_k
from simulators.physics.weather.conditions import Conditions
from simulators.scenario.events import Effects
from simulators.season.nature import Nature

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("outdoor_c", "supply_c", "cop", "aux_w", "told"),
    [
        (-25.0, 48.0, 1.2, 0.0, [True]),
        (-30.0, 40.0, 1.2, 0.0, [True]),
        (
            -25.0,
            51.0,
            1.2,
            0.0,
            [False],
        ),  # a little warmer than asked: an alert may come, and need not
        (-23.2, 48.0, 1.2, 0.0, [False]),  # at the edge of −25 ± 2 °C
        (-25.0, 48.0, 1.2, 3_000.0, [False]),  # asked of the heat pump alone
        (-25.0, 48.0, 1.4, 0.0, [False]),
        (-25.0, 53.0, 1.2, 0.0, []),
        (-30.0, 48.0, 1.2, 0.0, []),
        (-25.0, 48.0, 1.6, 0.0, []),
    ],
)
def test_weak_is_who_misses_the_cop_that_is_asked_in_such_cold(
    outdoor_c: float, supply_c: float, cop: float, aux_w: float, told: list[bool]
) -> None:
    fleet, one = build_fleet(np.zeros(1, bool), np.ones(1)), np.ones(1)
    state = at_rest(fleet, Start(20.0 * one, 20.0 * one, one, one), outdoor_c)
    state = replace(
        state,
        running=one > 0,
        heat_w=4_000.0 * one,
        power_w=4_000.0 / cop * one,
        aux_w=aux_w * one,
        hz=90.0 * one,
    )
    state = replace(state, plate_c=supply_c - spread_k(state) / 2.0)
    nature = Nature(["a"], {})
    for hour in range(8):
        nature.observe(hour * HOUR_MS, state, Conditions(outdoor_c, 0.4, 0.0), None, Effects())
    weak = [truth for truth in nature.truths(8 * HOUR_MS) if truth.kind == "weak_in_cold"]
    assert [truth.certain for truth in weak] == told
