"""Readings on their way into `recent`: those that give the same points go together, many rows in
one statement.

Most heat pumps give half of the points there are. Naming only those halves what a row costs: to
bind a NULL takes as long as to bind a value. Many rows in one step let go of Python's lock once and
not once for each row, so that the next batch is judged meanwhile (docs/decisions/0014).
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from ingest.store.model import StoredReading, check_points

_OF_EVERY_READING: Final = ("device", "at", "gateway", "state", "faults", "epoch", "seq", "bad")
_ROWS_IN_A_STEP: Final = 50


class Alike(NamedTuple):
    """Rows of readings that give the same `points`: the values of all columns, row after row."""

    points: tuple[str, ...]
    values: list[object]


def alike(readings: Iterable[StoredReading]) -> list[Alike]:
    """`readings` as rows, by the points they give; a batch of a village's readings has a few such
    groups."""
    groups: defaultdict[tuple[str, ...], list[object]] = defaultdict(list)
    for stored in readings:
        reading = stored.reading
        groups[tuple(reading.values)] += (
            reading.device,
            reading.at,
            stored.gateway.gateway,
            reading.state,
            ",".join(reading.faults),
            stored.epoch,
            stored.seq,
            ",".join(reading.bad),
            *reading.values.values(),
        )
    return [Alike(points, values) for points, values in groups.items()]


def insert(connection: sqlite3.Connection, group: Alike) -> None:
    """Insert the rows of `group` that are not there yet; raises sqlite3.Error, and ValueError for
    an unknown point."""
    width = len(_OF_EVERY_READING) + len(group.points)
    step = width * _ROWS_IN_A_STEP
    whole = len(group.values) // step * step
    for begin in range(0, whole, step):
        connection.execute(
            _insertion(group.points, _ROWS_IN_A_STEP), group.values[begin : begin + step]
        )
    rest = (group.values[begin : begin + width] for begin in range(whole, len(group.values), width))
    connection.executemany(_insertion(group.points, 1), rest)


@lru_cache(maxsize=128)
def _insertion(points: Sequence[str], rows: int) -> str:
    check_points(points)
    columns = (*_OF_EVERY_READING, *points)
    one_row = f"({','.join('?' * len(columns))})"
    return (
        f"INSERT OR IGNORE INTO recent ({', '.join(columns)}) VALUES {', '.join([one_row] * rows)}"
    )
