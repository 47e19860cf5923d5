"""Readings from the wire or from a store, filled into the columns of a batch."""

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
"""The position of a value that a reading lacks: before the first value, whatever is added."""


def from_readings(
    readings: Sequence[Reading], slots: Ints, points: Sequence[str], number_of: Callable[[str], int]
) -> Batch:
    """A batch with a row per reading, in their order, and a column per name in `points`.

    `number_of` numbers fault codes.
    """
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
    """A batch from columns of readings; it takes over `state` and `points` and clears bad values.

    `faults` are pairs of a row and the number of a fault code. `bad` are pairs of a row and an
    index into `names`: a point, or `state` or `faults`, which are unknown when a register that they
    need was not read.
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
    """A row per name in `points` and a column per reading; NaN where a reading lacks the point.

    Nearly all readings name the same points in the same order. The values are therefore strung
    together as they come, and the position of a point in its reading is looked up once for each
    order of names.
    """
    numbers: dict[tuple[str, ...], int] = {}
    values = [reading.values for reading in readings]
    order = [numbers.setdefault(names, len(numbers)) for names in map(tuple, values)]
    packed = [Struct(f"{len(names)}d").pack for names in numbers]
    strung = [packed[number](*each.values()) for number, each in zip(order, values, strict=True)]
    orders = np.array(order, np.int64)
    sizes = np.array([len(names) for names in numbers], np.int64)[orders]
    begins = 1 + np.cumsum(sizes) - sizes
    positions = _positions(list(numbers), points).take(orders, axis=0) + begins[:, None]
    # With "clip" every position before the first value means the NaN put there.
    table = np.frombuffer(b"".join([_MISSING, *strung])).take(positions, mode="clip")
    return np.ascontiguousarray(table.T)


def _positions(orders: Sequence[tuple[str, ...]], points: Sequence[str]) -> Ints:
    """The position of each point (columns) in each order of names (rows)."""
    tables = [{name: position for position, name in enumerate(names)} for names in orders]
    positions = [[table.get(point, _NOWHERE) for point in points] for table in tables]
    return np.array(positions, np.int64).reshape(len(orders), len(points))


def _split(pairs: list[tuple[int, int]]) -> tuple[Ints, Ints]:
    both = np.array(pairs, np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]
