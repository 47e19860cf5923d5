"""The embedded reading store: one SQLite file, written by ingest and readable by anyone at the same time."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from ingest.store.model import (
    Prepared,
    RefusedReading,
    Series,
    StoredReading,
    StoreUnavailable,
    bucketed,
    check_points,
    raw_series,
)
from ingest.store.sqlite_file import BUSY_S, advice, open_database
from wire.messages import Reading
from wire.points import POINT_NAMES
from wire.topics import Place

# CONTRACT §5, with `bad` after it. Clustered by device and time, the way readings are asked for; a second index
# serves catch-up in event time. Points have no declared type affinity but REAL, so that they never change type.
_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS device (
  device TEXT PRIMARY KEY, district TEXT NOT NULL, town TEXT NOT NULL, village TEXT NOT NULL, gateway TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reading (
  device TEXT NOT NULL, at INTEGER NOT NULL, gateway TEXT NOT NULL, state TEXT NOT NULL, faults TEXT NOT NULL,
  epoch TEXT NOT NULL, seq INTEGER NOT NULL, {", ".join(f"{name} REAL" for name in POINT_NAMES)}, bad TEXT NOT NULL,
  PRIMARY KEY (device, at)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS reading_at ON reading (at);
"""

_COLUMNS: Final = ("device", "at", "gateway", "state", "faults", "epoch", "seq", *POINT_NAMES, "bad")
INSERT: Final = f"INSERT OR IGNORE INTO reading VALUES ({','.join('?' * len(_COLUMNS))})"
_PLACE: Final = """
INSERT INTO device VALUES (?, ?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET
  district = excluded.district, town = excluded.town, village = excluded.village, gateway = excluded.gateway
"""
_SELECT: Final = f"""
SELECT d.district, d.town, d.village, {", ".join(f"r.{name}" for name in _COLUMNS)}
FROM reading AS r JOIN device AS d ON d.device = r.device
"""


class SqliteStore:
    """A ReadingStore in one file, in WAL mode; every read opens its own connection."""

    writers = 1

    def __init__(self, path: Path) -> None:
        """Open `path`, making it where it is missing; raises ConfigurationError where it cannot be used."""
        self._path = path
        self._places: dict[str, Place] = {}
        self._writer = open_database(path, _SCHEMA)

    def write(self, readings: Sequence[StoredReading]) -> list[RefusedReading]:
        """See ReadingStore."""
        return self.write_prepared(self.prepare(readings))

    def prepare(self, readings: Sequence[StoredReading]) -> Prepared:
        """See ReadingStore."""
        return Prepared(readings, [row(stored) for stored in readings])

    def write_prepared(self, prepared: Prepared) -> list[RefusedReading]:
        """See ReadingStore. SQLite refuses nothing; a full disk or a lock is StoreUnavailable."""
        readings = prepared.readings
        moved = {r.reading.device: r.place for r in readings if self._places.get(r.reading.device) is not r.place}
        with self._translated(), self._writer:
            self._writer.executemany(_PLACE, [(device, *_levels(place)) for device, place in moved.items()])
            self._writer.executemany(INSERT, prepared.forms)
        self._places.update(moved)
        return []

    def since(self, at: int, limit: int | None = None) -> Iterator[StoredReading]:
        """See ReadingStore."""
        everything = -1  # SQLite's way to say no limit
        sql = f"{_SELECT} WHERE r.at > ? ORDER BY r.at, r.device LIMIT ?"
        yield from self._read(sql, (at, everything if limit is None else limit))

    def latest(self) -> dict[str, StoredReading]:
        """See ReadingStore."""
        sql = f"{_SELECT} WHERE r.at = (SELECT max(at) FROM reading WHERE device = d.device)"
        return {stored.reading.device: stored for stored in self._read(sql, ())}

    def window(self, device: str, start: int, end: int, points: Sequence[str], step: int | None) -> dict[str, Series]:
        """See ReadingStore."""
        check_points(points)
        if step is None:
            return raw_series(self.history(device, start, end), points)
        means = ", ".join(f"avg({point})" for point in points)
        sql = (
            f"SELECT at / ? * ? AS bucket, {means} FROM reading WHERE device = ? AND at >= ? AND at < ? GROUP BY bucket"
        )
        rows = list(self._rows(sql, (step, step, device, start, end)))
        return {
            point: bucketed({r[0]: r[column] for r in rows}, start, end, step)
            for column, point in enumerate(points, start=1)
        }

    def history(self, device: str, start: int, end: int) -> list[StoredReading]:
        """See ReadingStore."""
        sql = f"{_SELECT} WHERE r.device = ? AND r.at >= ? AND r.at < ? ORDER BY r.at"
        return list(self._read(sql, (device, start, end)))

    def check(self) -> None:
        """See ReadingStore."""
        with self._translated(), closing(self._connection()) as connection:
            connection.execute("SELECT 1 FROM reading LIMIT 1").fetchone()

    def close(self) -> None:
        """See ReadingStore."""
        self._writer.close()

    def _read(self, sql: str, values: tuple[object, ...]) -> Iterator[StoredReading]:
        for columns in self._rows(sql, values):
            yield _stored(columns)

    def _rows(self, sql: str, values: tuple[object, ...]) -> Iterator[tuple[Any, ...]]:
        with self._translated(), closing(self._connection()) as connection:
            yield from connection.execute(sql, values)

    def _connection(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path}: {error}; {advice(error)}") from error


def row(stored: StoredReading) -> tuple[object, ...]:
    """A reading as a row of the table `reading`; a point that was not read is NULL."""
    reading = stored.reading
    value = reading.values.get
    return (
        reading.device,
        reading.at,
        stored.place.gateway,
        reading.state,
        ",".join(reading.faults),
        stored.epoch,
        stored.seq,
        *[value(name) for name in POINT_NAMES],
        ",".join(reading.bad),
    )


def _levels(place: Place) -> tuple[str, str, str, str]:
    return place.district, place.town, place.village, place.gateway


def _stored(columns: tuple[Any, ...]) -> StoredReading:
    district, town, village, device, at, gateway, state, faults, epoch, seq, *values, bad = columns
    reading = Reading(
        device=device,
        at=at,
        state=state,
        faults=faults.split(",") if faults else [],
        values={name: value for name, value in zip(POINT_NAMES, values, strict=True) if value is not None},
        bad=bad.split(",") if bad else [],
    )
    return StoredReading(Place(district, town, village, gateway), epoch, seq, reading)
