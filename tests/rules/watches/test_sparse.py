"""The sparse table against a plain dictionary: whatever is put, taken and forgotten."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rules.readings.columns import Columns, Ints, column
from rules.watches.sparse import Sparse

CAPACITY = 12


@dataclass
class _Pair(Columns):
    number: Ints = column(np.int64, -1)
    both: Ints = column(np.int64, -1, 2)


slots = st.lists(st.integers(0, CAPACITY - 1), unique=True, min_size=1)
steps = st.lists(
    st.tuples(slots, st.lists(st.booleans(), min_size=CAPACITY, max_size=CAPACITY), st.booleans())
)


def _numbers(sparse: Sparse[_Pair]) -> dict[int, int]:
    taken = sparse.take(np.arange(CAPACITY))
    assert (taken.both == taken.number[:, None]).all()
    held = sparse.holds(np.arange(CAPACITY))
    return {slot: int(taken.number[slot]) for slot in np.flatnonzero(held).tolist()}


@given(steps)
def test_it_holds_what_a_dictionary_would(steps: list[tuple[list[int], list[bool], bool]]) -> None:
    sparse, plain = Sparse(_Pair), dict[int, int]()
    sparse.resize(CAPACITY)
    for turn, (touched, kept, forgets) in enumerate(steps):
        wanted = np.array(touched)
        if forgets:
            sparse.forget(wanted)
        else:
            rows = sparse.take(wanted)
            rows.number[:], rows.both[:] = turn, turn
            sparse.put(wanted, rows, np.array(kept[: len(touched)]))
        for slot, keep in zip(touched, kept, strict=False):
            plain.pop(slot, None)
            if keep and not forgets:
                plain[slot] = turn
        assert _numbers(sparse) == plain
        assert sparse.slots.tolist() == sorted(plain)


def test_what_is_not_held_is_as_if_nothing_were_known() -> None:
    sparse = Sparse(_Pair)
    sparse.resize(CAPACITY)
    assert sparse.take(np.array([3])).number.tolist() == [-1]


def test_a_snapshot_moves_with_its_slots_and_one_that_does_not_fit_is_ignored() -> None:
    sparse, other = Sparse(_Pair), Sparse(_Pair)
    for one in (sparse, other):
        one.resize(CAPACITY)
    rows = sparse.take(np.array([2, 5]))
    rows.number[:], rows.both[:] = 7, 7
    sparse.put(np.array([5, 2]), rows, np.array([True, True]))
    other.restore({"slot": np.array([0])}, np.arange(CAPACITY))
    assert _numbers(other) == {}
    other.restore(sparse.snapshot(), np.arange(CAPACITY)[::-1].copy())
    assert _numbers(other) == {CAPACITY - 1 - 2: 7, CAPACITY - 1 - 5: 7}
