"""Insertion of readings into `recent`: readings with the same points share one statement.

Most heat pumps have half of all points. Naming only those halves the cost of a row, because a NULL
is bound as slowly as a value (docs/decisions/0014).
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from ingest.store.model import StoredReading, check_points
from ingest.store.sqlite.many_rows import insert_rows

_OF_EVERY_READING: Final = ("device", "at", "gateway", "state", "faults", "epoch", "seq", "bad")


class Alike(NamedTuple):
    """Rows of readings with the same `points`: the values of all columns, row after row."""

    points: tuple[str, ...]
    values: list[object]


def alike(readings: Iterable[StoredReading]) -> list[Alike]:
    """Return `readings` as rows, grouped by their points; a batch has a few such groups."""
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
    """Insert the new rows of `group`; raises sqlite3.Error, and ValueError for an unknown point."""
    width = len(_OF_EVERY_READING) + len(group.points)
    insert_rows(connection, _insertion(group.points), width, group.values)


@lru_cache(maxsize=128)
def _insertion(points: Sequence[str]) -> str:
    check_points(points)
    return f"INSERT OR IGNORE INTO recent ({', '.join((*_OF_EVERY_READING, *points))})"
