from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wire.intervals import Intervals

ranges = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 12)).map(lambda pair: (pair[0], sum(pair))),
    max_size=25,
)


@given(ranges)
def test_intervals_are_the_set_of_their_numbers(added: list[tuple[int, int]]) -> None:
    intervals, numbers = Intervals(), set[int]()
    for first, last in added:
        new = set(range(first, last + 1)) - numbers
        assert intervals.add(first, last) == len(new)
        numbers |= new
    assert {number for number in range(100) if number in intervals} == numbers
    assert intervals.upto() == next(number for number in range(100) if number + 1 not in numbers)
    assert intervals.missing() == max(numbers, default=0) - len(numbers)
    missing = [number for first, last in intervals.gaps() for number in range(first, last + 1)]
    assert missing == [
        number for number in range(1, max(numbers, default=0)) if number not in numbers
    ]


@given(ranges)
def test_pairs_neither_overlap_nor_touch_and_make_the_same_set_again(
    added: list[tuple[int, int]],
) -> None:
    pairs = Intervals(added).pairs()
    assert all(before[1] + 1 < after[0] for before, after in pairwise(pairs))
    assert Intervals(reversed(pairs)).pairs() == pairs


def test_the_watermark_needs_number_one() -> None:
    assert Intervals([(2, 9)]).upto() == 0
    assert Intervals([(2, 9), (1, 1)]).upto() == 9
