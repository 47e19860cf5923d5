"""Readings as they come over the wire, filled into the columns of a batch."""

from collections.abc import Callable, Sequence
from struct import Struct, pack
from typing import Final

import numpy as np

from rules.batch import POINT_NUMBERS, STATE_CODES, UNKNOWN_STATE, Batch, columns
from rules.columns import Floats, Ints
from wire.messages import Reading

_MISSING: Final = pack("d", np.nan)
_NOWHERE: Final = -(1 << 40)
"""The place of a value that a reading does not have: before all there are, wherever the reading's own begin."""


def from_readings(
    readings: Sequence[Reading], slots: Ints, points: Sequence[str], number_of: Callable[[str], int]
) -> Batch:
    """One row per reading, in their order, with the columns `points`; `number_of` numbers fault codes.

    A reading whose `bad` names `state` or `faults` says nothing certain of these: a register they need was not read.
    """
    by_name = dict(zip(points, _table(readings, points), strict=True))
    state = np.array([STATE_CODES[reading.state] for reading in readings], np.int8)
    at = np.array([reading.at for reading in readings], np.int64)
    faults_known = np.ones(len(readings), bool)
    bad: list[tuple[int, int]] = []
    faults: list[tuple[int, int]] = []
    for row in [row for row, reading in enumerate(readings) if reading.bad or reading.faults]:
        unread = readings[row].bad
        for name in by_name.keys() & unread:
            by_name[name][row] = np.nan
        if "state" in unread:
            state[row] = UNKNOWN_STATE
        faults_known[row] = "faults" not in unread
        bad += [(row, POINT_NUMBERS[name]) for name in unread if name in POINT_NUMBERS]
        faults += [(row, number_of(code)) for code in readings[row].faults]
    return columns(slots, at, state, by_name, *_split(faults), faults_known, _split(bad))


def _table(readings: Sequence[Reading], points: Sequence[str]) -> Floats:
    """A row for each of `points` and a column for each reading; NaN where a reading has no such value.

    Nearly all readings name the same points in the same order. So values are strung together as they come, and where
    in its reading a point stands is looked up once for each order of names that there is.
    """
    numbers: dict[tuple[str, ...], int] = {}
    values = [reading.values for reading in readings]
    order = [numbers.setdefault(names, len(numbers)) for names in map(tuple, values)]
    packed = [Struct(f"{len(names)}d").pack for names in numbers]
    strung = [packed[number](*each.values()) for number, each in zip(order, values, strict=True)]
    orders = np.array(order, np.int64)
    sizes = np.array([len(names) for names in numbers], np.int64)[orders]
    begins = 1 + np.cumsum(sizes) - sizes
    places = _places(list(numbers), points).take(orders, axis=0) + begins[:, None]
    # With "clip" every place before the first value is that of the NaN put there.
    table = np.frombuffer(b"".join([_MISSING, *strung])).take(places, mode="clip")
    return np.ascontiguousarray(table.T)


def _places(orders: Sequence[tuple[str, ...]], points: Sequence[str]) -> Ints:
    """Where each of `points` (columns) stands in each order of names (rows)."""
    place_in = [{name: place for place, name in enumerate(names)} for names in orders]
    places = [[place.get(point, _NOWHERE) for point in points] for place in place_in]
    return np.array(places, np.int64).reshape(len(orders), len(points))


def _split(pairs: list[tuple[int, int]]) -> tuple[Ints, Ints]:
    both = np.array(pairs, np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]
