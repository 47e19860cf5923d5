"""Readings filled into columns."""

from math import nan

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rules.readings.batch import STATE_CODES
from rules.readings.codes import Codes
from rules.readings.filling import from_readings
from tests.rules.shipped import T0, reading
from wire.messages import Reading
from wire.points import POINT_NAMES

ASKED = ("supply_c", "room_c", "outdoor_c", "pump")
names = st.sampled_from([*ASKED, "return_c", "voltage_v", "not_a_point"])


@st.composite
def readings(draw: st.DrawFn) -> list[Reading]:
    """Readings whose values come in any order; many alike, as from one village."""
    orders = draw(st.lists(st.lists(names, unique=True), min_size=1, max_size=3))
    made = []
    for row in range(draw(st.integers(0, 12))):
        values = {name: draw(st.floats(-60, 60)) for name in draw(st.sampled_from(orders))}
        made.append(
            Reading("pump-1", T0 + row, "heating", [], values, draw(st.lists(names, max_size=2)))
        )
    return made


@given(readings())
def test_every_value_is_where_its_reading_and_point_say(made: list[Reading]) -> None:
    batch = from_readings(made, np.arange(len(made)), ASKED, Codes().number)
    for name in ASKED:
        plain = [nan if name in one.bad else one.values.get(name, nan) for one in made]
        np.testing.assert_array_equal(batch.quantities[name], plain)
    reported = [
        (row, POINT_NAMES[point])
        for row, point in zip(batch.bad_rows, batch.bad_points, strict=True)
    ]
    assert reported == [
        (row, name) for row, one in enumerate(made) for name in one.bad if name in POINT_NAMES
    ]


def test_a_register_that_was_not_read_leaves_state_and_faults_open() -> None:
    made = [reading(T0, 20.0, bad=bad)[1] for bad in ((), ("state",), ("faults",))]
    batch = from_readings(made, np.arange(3), ASKED, Codes().number)
    assert batch.state.tolist() == [STATE_CODES["heating"], -1, STATE_CODES["heating"]]
    assert batch.faults_known.tolist() == [True, True, False]


def test_readings_become_columns() -> None:
    codes = Codes()
    readings = [
        reading(T0, 0.0, faults=("fan:E8",)),
        reading(T0 + 1, None, state="defrost"),
        reading(T0 + 2, 19.5, bad=("room_c",), faults=("phase:2", "fan:E8")),
    ]
    bare = [one for _, one in readings]
    batch = from_readings(bare, np.array([4, 2, 0]), ("room_c", "supply_c"), codes.number)
    assert batch.slots.tolist() == [4, 2, 0]
    assert batch.at.tolist() == [T0, T0 + 1, T0 + 2]
    assert batch.state.tolist() == [
        STATE_CODES["heating"],
        STATE_CODES["defrost"],
        STATE_CODES["heating"],
    ]
    np.testing.assert_array_equal(batch.quantities["room_c"], [0.0, np.nan, np.nan])
    assert np.isnan(batch.quantities["supply_c"]).all()
    pairs = zip(batch.fault_rows.tolist(), batch.fault_codes.tolist(), strict=True)
    assert [(row, codes.texts[code]) for row, code in pairs] == [
        (0, "fan:E8"),
        (2, "phase:2"),
        (2, "fan:E8"),
    ]
