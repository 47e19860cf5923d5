"""Which readings are their device's first in an hour, whether a batch lies in one hour or in
many."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rules.readings.batch import columns
from rules.readings.columns import NEVER
from rules.readings.season import Season
from wire.units import HOUR_MS, MINUTE_MS

MINUTES = st.integers(0, 60 * 24 * 3)


@given(st.lists(st.tuples(MINUTES, st.none() | st.integers(1, 200)), max_size=30))
def test_the_first_of_an_hour_is_that_whose_reading_before_lay_in_another(
    pairs: list[tuple[int, int | None]],
) -> None:
    at = np.array([MINUTE_MS * minute for minute, _ in pairs], np.int64)
    before = [NEVER if gap is None else max(MINUTE_MS * (minute - gap), 0) for minute, gap in pairs]
    none = np.zeros(len(at), np.int8)
    bare = columns(np.arange(len(at)), at, none, {})
    batch = bare.following(np.array(before, np.int64), none, at, none.astype(np.int32), Season())
    expected = [
        now // HOUR_MS != last // HOUR_MS for now, last in zip(at.tolist(), before, strict=True)
    ]
    assert batch.new_hour().tolist() == expected
    assert batch.first_of_hour().slots.tolist() == np.flatnonzero(expected).tolist()
