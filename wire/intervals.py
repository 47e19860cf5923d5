"""The message numbers received from one gateway in one epoch (design §4.2). Pure."""

from bisect import bisect_right
from collections.abc import Iterable


class Intervals:
    """A set of positive integers as sorted closed intervals that neither overlap nor touch."""

    def __init__(self, intervals: Iterable[tuple[int, int]] = ()) -> None:
        """`intervals` are `(first, last)` pairs, in any order, overlapping or not."""
        self._first: list[int] = []
        self._last: list[int] = []
        for first, last in intervals:
            self.add(first, last)

    def add(self, first: int, last: int) -> int:
        """Add every number from `first` to `last`, inclusive; returns how many of them are new."""
        assert 0 < first <= last, "a set of message numbers begins at 1"
        if self._last and first == self._last[-1] + 1:
            self._last[-1] = last
            return last - first + 1
        # Intervals that overlap or touch the new one merge with it.
        begin = bisect_right(self._last, first - 2)
        end = bisect_right(self._first, last + 1)
        known = _size(self._first[begin:end], self._last[begin:end])
        if begin < end:
            first, last = min(first, self._first[begin]), max(last, self._last[end - 1])
        self._first[begin:end] = [first]
        self._last[begin:end] = [last]
        return last - first + 1 - known

    def __contains__(self, number: int) -> bool:
        index = bisect_right(self._first, number) - 1
        return index >= 0 and number <= self._last[index]

    def upto(self) -> int:
        """Return the watermark: the last number of the run that begins at 1, or 0 without 1."""
        return self._last[0] if self._first and self._first[0] == 1 else 0

    def missing(self) -> int:
        """Return how many numbers below the highest are missing."""
        return self._last[-1] - _size(self._first, self._last) if self._last else 0

    def gaps(self) -> tuple[tuple[int, int], ...]:
        """Return the missing ranges below the highest number as `(first, last)`, in order."""
        before = [0, *self._last[:-1]] if self._first else []
        pairs = zip(before, self._first, strict=True)
        return tuple((last + 1, first - 1) for last, first in pairs if first > last + 1)

    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Return the intervals as `(first, last)`, in order."""
        return tuple(zip(self._first, self._last, strict=True))


def _size(firsts: list[int], lasts: list[int]) -> int:
    return sum(lasts) - sum(firsts) + len(firsts)
