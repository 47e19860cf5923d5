"""Readings to columns, and one row per device."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rules.batch import STATE_CODES, columns, from_readings, one_row_per_device
from rules.codes import Codes
from tests.rules.shipped import T0, reading


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
    assert batch.state.tolist() == [STATE_CODES["heating"], STATE_CODES["defrost"], STATE_CODES["heating"]]
    np.testing.assert_array_equal(batch.quantities["room_c"], [0.0, np.nan, np.nan])
    assert np.isnan(batch.quantities["supply_c"]).all()
    pairs = zip(batch.fault_rows.tolist(), batch.fault_codes.tolist(), strict=True)
    assert [(row, codes.texts[code]) for row, code in pairs] == [(0, "fan:E8"), (2, "phase:2"), (2, "fan:E8")]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.booleans()), max_size=40))
def test_the_split_keeps_every_row_once_and_in_time_order(rows: list[tuple[int, int, bool]]) -> None:
    slots = np.array([slot for slot, _, _ in rows], np.int64)
    at = np.array([T0 + time for _, time, _ in rows], np.int64)
    row_number = np.arange(len(rows), dtype=np.float64)
    faulty = np.flatnonzero([fault for _, _, fault in rows]).astype(np.int64)
    whole = columns(slots, at, np.zeros(len(rows), np.int8), {"room_c": row_number}, faulty, 100 + faulty)
    seen: dict[int, list[tuple[int, float]]] = {}
    for part in one_row_per_device(whole):
        assert len(set(part.slots.tolist())) == len(part) > 0
        for slot, time, number in zip(part.slots.tolist(), part.at.tolist(), part.quantities["room_c"], strict=True):
            seen.setdefault(slot, []).append((time, float(number)))
        for row, code in zip(part.fault_rows.tolist(), part.fault_codes.tolist(), strict=True):
            assert part.quantities["room_c"][row] == code - 100
    assert sorted(number for held in seen.values() for _, number in held) == row_number.tolist()
    assert all(held == sorted(held) for held in seen.values())
