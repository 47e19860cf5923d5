"""One row per device."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rules.readings.batch import columns, one_row_per_device
from tests.rules.shipped import T0


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.booleans()), max_size=40))
def test_the_split_keeps_every_row_once_and_in_time_order(
    rows: list[tuple[int, int, bool]],
) -> None:
    slots = np.array([slot for slot, _, _ in rows], np.int64)
    at = np.array([T0 + time for _, time, _ in rows], np.int64)
    row_number = np.arange(len(rows), dtype=np.float64)
    faulty = np.flatnonzero([fault for _, _, fault in rows]).astype(np.int64)
    whole = columns(
        slots, at, np.zeros(len(rows), np.int8), {"room_c": row_number}, faulty, 100 + faulty
    )
    seen: dict[int, list[tuple[int, float]]] = {}
    for part in one_row_per_device(whole):
        assert len(set(part.slots.tolist())) == len(part) > 0
        for slot, time, number in zip(
            part.slots.tolist(), part.at.tolist(), part.quantities["room_c"], strict=True
        ):
            seen.setdefault(slot, []).append((time, float(number)))
        for row, code in zip(part.fault_rows.tolist(), part.fault_codes.tolist(), strict=True):
            assert part.quantities["room_c"][row] == code - 100
    assert sorted(number for held in seen.values() for _, number in held) == row_number.tolist()
    assert all(held == sorted(held) for held in seen.values())
