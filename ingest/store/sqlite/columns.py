"""Columns from `readings.db`: packed hours, unpacked as whole columns, and the newer rows."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from ingest.store.columns import Floats, Ints, ReadingColumns, Runs, assemble
from ingest.store.sqlite.unpacking import unpacked_point, unpacked_whole
from wire.units import HOUR_MS

_SHARED: Final = (
    "d.district",
    "d.town",
    "d.village",
    "r.gateway",
    "r.device",
    "r.state",
    "r.faults",
    "r.epoch",
    "r.bad",
)
_NUMBERS: Final = ("r.at", "r.seq")
_OF_BLOCK: Final = ("r.readings", "r.first", "r.pace")
# The blocks of a device are neighbours, in time order. The block of an hour begins at most an hour
# before `start`.
_BLOCKS: Final = f"""
FROM json_each(:devices) AS asked
CROSS JOIN block AS r ON r.device = asked.value AND r.first > :start - {HOUR_MS} AND r.first < :end
CROSS JOIN device AS d ON d.device = r.device"""
_ROWS: Final = """
FROM recent AS r CROSS JOIN device AS d ON d.device = r.device
WHERE r.at >= :start AND r.at < :end AND r.device IN (SELECT value FROM json_each(:devices))"""

_Column = Sequence[Any]


def read_columns(
    connection: sqlite3.Connection,
    devices: Sequence[str],
    start: int,
    end: int,
    points: Sequence[str],
) -> ReadingColumns:
    """See ingest.store.ReadingStore.columns; raises sqlite3.Error."""
    asked = {"devices": json.dumps(list(devices)), "start": start, "end": end}
    measured = [f"r.{point}" for point in points]

    def select(names: Sequence[str], source: str) -> list[_Column]:
        rows = connection.execute(f"SELECT {', '.join(names)} {source}", asked).fetchall()
        return list(zip(*rows, strict=True)) or [()] * len(names)

    connection.execute("BEGIN")  # one snapshot for both: an hour may be packed meanwhile
    blocks = select([*_SHARED, *_NUMBERS, *_OF_BLOCK, *measured], _BLOCKS)
    rows = select([*_SHARED, *_NUMBERS, *measured], _ROWS)
    return assemble(devices, points, start, end, [_of_blocks(blocks), _of_rows(rows)])


def _of_blocks(columns: Sequence[_Column]) -> Runs:
    shared, (late, numbers, readings, first, pace), values = _parted(
        columns, len(_NUMBERS) + len(_OF_BLOCK)
    )
    lengths = _whole(readings)
    index = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    at = (
        np.repeat(_whole(first), lengths)
        + index * np.repeat(_whole(pace), lengths)
        + unpacked_whole(late, lengths)
    )
    points = [unpacked_point(column, lengths) for column in values]
    return _runs(shared, lengths, at, unpacked_whole(numbers, lengths), points)


def _of_rows(columns: Sequence[_Column]) -> Runs:
    shared, (at, numbers), values = _parted(columns, len(_NUMBERS))
    points = [np.array(column, np.float64) for column in values]
    return _runs(shared, np.ones(len(at), np.int64), _whole(at), _whole(numbers), points)


def _parted(
    columns: Sequence[_Column], numbers: int
) -> tuple[Sequence[_Column], Sequence[_Column], Sequence[_Column]]:
    """Split into the shared columns of runs, `numbers` columns of integers, and the points."""
    points = len(_SHARED) + numbers
    return columns[: len(_SHARED)], columns[len(_SHARED) : points], columns[points:]


def _whole(column: _Column) -> Ints:
    return np.array(column, np.int64)


def _runs(
    shared: Sequence[_Column], lengths: Ints, at: Ints, seq: Ints, points: Sequence[Floats]
) -> Runs:
    *levels, devices, states, faults, epochs, bad = shared
    return Runs(
        list(zip(*levels, strict=True)),
        devices,
        states,
        faults,
        epochs,
        bad,
        lengths,
        at,
        seq,
        points,
    )
