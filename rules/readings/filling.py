"""Readings, as they come over the wire or out of a store, filled into the columns of a batch."""

from collections.abc import Callable, Mapping, Sequence
from struct import Struct, pack
from typing import Final

import numpy as np

from rules.readings.batch import (
    POINT_NUMBERS,
    STATE_CODES,
    UNKNOWN_STATE,
    Batch,
    StateCodes,
    columns,
)
from rules.readings.columns import Floats, Ints
from wire.messages import Reading

_MISSING: Final = pack("d", np.nan)
_NOWHERE: Final = -(1 << 40)
"""The place of a value that a reading does not have: before all there are, wherever the reading's
own begin."""


def from_readings(
    readings: Sequence[Reading], slots: Ints, points: Sequence[str], number_of: Callable[[str], int]
) -> Batch:
    """One row per reading, in their order, with the columns `points`; `number_of` numbers fault
    codes."""
    by_name = dict(zip(points, _table(readings, points), strict=True))
    state = np.array([STATE_CODES[reading.state] for reading in readings], np.int8)
    at = np.array([reading.at for reading in readings], np.int64)
    numbers: dict[str, int] = {}
    bad: list[tuple[int, int]] = []
    faults: list[tuple[int, int]] = []
    for row in [row for row, reading in enumerate(readings) if reading.bad or reading.faults]:
        bad += [(row, numbers.setdefault(name, len(numbers))) for name in readings[row].bad]
        faults += [(row, number_of(code)) for code in readings[row].faults]
    return from_columns(slots, at, state, by_name, _split(faults), _split(bad), list(numbers))


def from_columns(
    slots: Ints,
    at: Ints,
    state: StateCodes,
    points: Mapping[str, Floats],
    faults: tuple[Ints, Ints],
    bad: tuple[Ints, Ints],
    names: Sequence[str],
) -> Batch:
    """A batch from what readings say; `state` and `points` become its own, and lose what is bad.

    `faults` are pairs of a row and the number of a fault code, `bad` of a row and the index in
    `names` of what it could not read. A reading whose bad are `state` or `faults` says nothing
    certain of these: a register they need was not read.
    """
    bad_rows, which = bad
    faults_known = np.ones(len(slots), bool)
    for index, name in enumerate(names):
        rows = bad_rows[which == index]
        if name in points:
            points[name][rows] = np.nan
        elif name == "state":
            state[rows] = UNKNOWN_STATE
        elif name == "faults":
            faults_known[rows] = False
    numbers = np.array([POINT_NUMBERS.get(name, -1) for name in names], np.int64)[which]
    of_points = numbers >= 0
    return columns(
        slots, at, state, points, *faults, faults_known, (bad_rows[of_points], numbers[of_points])
    )


def _table(readings: Sequence[Reading], points: Sequence[str]) -> Floats:
    """A row for each of `points` and a column for each reading; NaN where a reading has no such
    value.

    Nearly all readings name the same points in the same order. So values are strung together as
    they come, and where in its reading a point stands is looked up once for each order of names
    that there is.
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
