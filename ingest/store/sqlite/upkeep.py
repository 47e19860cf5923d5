"""Upkeep of `readings.db`: pack, unpack, forget. Raises sqlite3.Error.

Each transaction does a bounded part of the work, so that the writer never waits long.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

from ingest.store.hours import hour_of, hour_summary
from ingest.store.model import PointSummary
from ingest.store.sqlite.packing import Row, blocks
from ingest.store.sqlite.schema import BLOCK_COLUMNS, COLUMNS, HOURLY_COLUMNS
from wire.units import HOUR_MS

_DEVICES_AT_ONCE: Final = 100  # 12,000 readings at a reading every 30 s: about a tenth of a second
_ROWS_AT_ONCE: Final = 1_000
_PAGES_AT_ONCE: Final = 1_000
# The next hours need free space again: up to this part of the file stays free (1 in 4).
_FREE_SHARE: Final = 4

_ROWS: Final = ", ".join(COLUMNS)
_BLOCK: Final = (
    f"INSERT INTO block ({', '.join(BLOCK_COLUMNS)}) VALUES ({','.join('?' * len(BLOCK_COLUMNS))})"
)
_HOURLY: Final = f"""
INSERT OR REPLACE INTO hourly (device, hour, {", ".join(HOURLY_COLUMNS)})
VALUES (?, ?, {",".join("?" * len(HOURLY_COLUMNS))})"""
_BLOCKS_OF_HOUR: Final = f"device = :device AND first >= :hour AND first < :hour + {HOUR_MS}"
_UNPACK_HOUR: Final = f"""
INSERT OR IGNORE INTO recent ({_ROWS}) SELECT {_ROWS} FROM reading WHERE {_BLOCKS_OF_HOUR}"""


def pack_finished_hours(
    connection: sqlite3.Connection, before: int, stopped: Callable[[], bool]
) -> None:
    """Pack each hour of `recent` that ended by `before` (UTC ms), and aggregate it.

    Both happen in one transaction. It ends early once `stopped()` is true.
    """
    sql = f"""
    SELECT DISTINCT at / {HOUR_MS} * {HOUR_MS} AS hour, device FROM recent WHERE at < ?
    ORDER BY hour, device"""
    finished = connection.execute(sql, (before,)).fetchall()
    for hour, pairs in groupby(finished, itemgetter(0)):
        devices = [device for _, device in pairs]
        for begin in range(0, len(devices), _DEVICES_AT_ONCE):
            if stopped():
                return
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                _pack(connection, hour, devices[begin : begin + _DEVICES_AT_ONCE])


def unpack_hours(connection: sqlite3.Connection, readings: Iterable[tuple[str, int]]) -> None:
    """Turn the packed hours of `readings` (device, at) into plain rows, so that these can be added.

    This is part of the caller's transaction. The primary key of `recent` then keeps one row per
    device and time.
    """
    (newest,) = connection.execute("SELECT max(first) FROM block").fetchone()
    if newest is None:
        return
    packed_until = hour_of(newest) + HOUR_MS
    for device, hour in {(device, hour_of(at)) for device, at in readings if at < packed_until}:
        where = {"device": device, "hour": hour}
        if (
            connection.execute(f"SELECT 1 FROM block WHERE {_BLOCKS_OF_HOUR}", where).fetchone()
            is not None
        ):
            connection.execute(_UNPACK_HOUR, where)
            connection.execute(f"DELETE FROM block WHERE {_BLOCKS_OF_HOUR}", where)


def forget(
    connection: sqlite3.Connection, readings_before: int | None, hours_before: int | None
) -> None:
    """Delete packed readings and hourly aggregates before these times (UTC ms); None: none."""
    if readings_before is not None:
        some = f"SELECT rowid FROM block WHERE first < ? LIMIT {_ROWS_AT_ONCE}"
        _repeat(connection, f"DELETE FROM block WHERE rowid IN ({some})", (readings_before,))
    if hours_before is not None:
        for (device,) in connection.execute("SELECT device FROM device").fetchall():
            with connection:
                connection.execute(
                    "DELETE FROM hourly WHERE device = ? AND hour < ?", (device, hours_before)
                )


def give_back_space(connection: sqlite3.Connection) -> None:
    """Shorten a file that is largely free: a shorter retention makes a smaller file."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    if free * _FREE_SHARE > pages:
        # `execute` runs one step of this statement: one page.
        connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")


def _repeat(connection: sqlite3.Connection, sql: str, values: tuple[object, ...]) -> None:
    """Repeat a bounded deletion, each in its own transaction, until it deletes nothing."""
    deleted = 1
    while deleted:
        with connection:
            deleted = connection.execute(sql, values).rowcount


def _pack(connection: sqlite3.Connection, hour: int, devices: Sequence[str]) -> None:
    where = f"at >= ? AND at < ? AND device IN ({','.join('?' * len(devices))})"
    values = (hour, hour + HOUR_MS, *devices)
    by_device: dict[str, list[Row]] = {device: [] for device in devices}
    # This is the order of the table. Sorting by device would make SQLite copy every row.
    for row in connection.execute(f"SELECT {_ROWS} FROM recent WHERE {where} ORDER BY at", values):
        by_device[row[0]].append(row)
    connection.executemany(_BLOCK, [block for own in by_device.values() for block in blocks(own)])
    connection.executemany(
        _HOURLY, [(device, hour, *_statistics(hour, own)) for device, own in by_device.items()]
    )
    connection.execute(f"DELETE FROM recent WHERE {where}", values)


def _statistics(hour: int, rows: Sequence[Row]) -> Iterator[float | None]:
    """Yield four numbers per point, in the order of HOURLY_COLUMNS; None for an unread point."""
    for values in list(zip(*rows, strict=True))[7:-1]:
        yield from _columns(hour_summary(hour, values))


def _columns(entry: PointSummary) -> tuple[float | None, ...]:
    return (entry.count or None, entry.mean, entry.minimum, entry.maximum)
