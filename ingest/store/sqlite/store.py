"""The embedded reading store: one SQLite file that ingest writes while others read."""

import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingest.store.giving_up import give_up_if_left, nobody_waits
from ingest.store.hours import STATISTICS, Retention, finished_before, hour_of
from ingest.store.model import (
    Area,
    PointSummary,
    Prepared,
    RefusedReading,
    Series,
    StoredReading,
    StoreUnavailable,
    Summaries,
    check_points,
    means,
    never,
    raw_series,
    summary,
    with_gaps,
)
from ingest.store.sqlite.file import BUSY_S, advice, open_database, usable
from ingest.store.sqlite.rows import alike, insert
from ingest.store.sqlite.schema import COLUMNS, NEW_FILE, bring_up_to_date
from ingest.store.sqlite.upkeep import forget, give_back_space, pack_finished_hours, unpack_hours
from wire.local_days import BEIJING_OFFSET_MS
from wire.messages import Reading
from wire.points import POINT_NAMES
from wire.topics import GatewayPath
from wire.units import HOUR_MS

if TYPE_CHECKING:
    from ingest.store.columns import ReadingColumns

_OWN_PATH: Final = """
INSERT INTO device VALUES (?, ?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET
  district = excluded.district, town = excluded.town, village = excluded.village,
  gateway = excluded.gateway
"""
# The block of an hour begins at most an hour before any of its readings.
_IN_RANGE: Final = f"first > :start - {HOUR_MS} AND first < :end AND at >= :start AND at < :end"
_OF_DEVICE: Final = f"device = :device AND {_IN_RANGE}"
# Instructions of the database engine between two looks at whether somebody waits: a millisecond.
_LOOK_EVERY: Final = 50_000
_BUCKET: Final = "({0} + :offset) / :step * :step - :offset"
# In an aggregate SQLite unpacks every column of the view; behind a LIMIT only the named ones.
_ONLY_THESE: Final = "LIMIT -1"
_OVER_DEVICES: Final = (
    "SELECT bucket, count(mean), avg(mean), min(mean), max(mean) FROM ({}) GROUP BY bucket"
)
# The beginning of the newest row or block of each device.
_NEWEST_PARTS: Final = """
SELECT device, max(first) FROM (
  SELECT device, max(at) AS first FROM recent GROUP BY device
  UNION ALL SELECT device, max(first) FROM block GROUP BY device
) GROUP BY device"""
_SUMMARY: Final = ("count({0})", "avg({0})", "min({0})", "max({0})")  # in the order of STATISTICS


class SqliteStore:
    """A ReadingStore in one file, in WAL mode; every read opens its own connection."""

    writers = 1

    def __init__(
        self,
        path: Path,
        retention: Retention = Retention(),  # noqa: B008 - frozen
        offset_ms: int = BEIJING_OFFSET_MS,
    ) -> None:
        """Open or make `path`; raises ConfigurationError if it cannot be used."""
        self.offset_ms = offset_ms
        self._path = path
        self._retention = retention
        self._gateways: dict[str, GatewayPath] = {}
        self._writer = open_database(path, new_file=NEW_FILE)
        with usable(path):
            bring_up_to_date(self._writer)

    def write(self, readings: Sequence[StoredReading]) -> list[RefusedReading]:
        """See ReadingStore."""
        return self.write_prepared(self.prepare(readings))

    def prepare(self, readings: Sequence[StoredReading]) -> Prepared:
        """See ReadingStore."""
        return Prepared(readings, alike(readings))

    def write_prepared(self, prepared: Prepared) -> list[RefusedReading]:
        """See ReadingStore. SQLite refuses no reading; a full disk is StoreUnavailable."""
        readings = prepared.readings
        moved = {
            r.reading.device: r.gateway
            for r in readings
            if self._gateways.get(r.reading.device) is not r.gateway
        }
        with self._translated(), self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            self._writer.executemany(
                _OWN_PATH, [(device, *_levels(gateway)) for device, gateway in moved.items()]
            )
            unpack_hours(self._writer, ((r.reading.device, r.reading.at) for r in readings))
            for group in prepared.forms:
                insert(self._writer, group)
        self._gateways.update(moved)
        return []

    def since(self, at: int, limit: int | None = None) -> Iterator[StoredReading]:
        """See ReadingStore. Each hour with readings is a query of its own."""
        with closing(self._since(at)) as readings:
            yield from islice(readings, limit)

    def latest(self) -> dict[str, StoredReading]:
        """See ReadingStore."""
        newest = _select("device = ? AND first = ?", "r.at DESC LIMIT 1")
        with self._connected() as connection:
            connection.execute("BEGIN")  # one snapshot: an hour may be packed meanwhile
            rows = [
                connection.execute(newest, part).fetchone()
                for part in connection.execute(_NEWEST_PARTS)
            ]
        return {stored.reading.device: stored for stored in map(_stored, rows)}

    def window(
        self, device: str, start: int, end: int, points: Sequence[str], step: int | None
    ) -> dict[str, Series]:
        """See ReadingStore."""
        check_points(points)
        if step is None:
            return raw_series(self.history(device, start, end), points)
        return means(self.summaries(device, start, end, points, step))

    def summaries(
        self, device: str, start: int, end: int, points: Sequence[str], step: int
    ) -> Summaries:
        """See ReadingStore."""
        check_points(points)
        statistics = ", ".join(form.format(point) for point in points for form in _SUMMARY)
        sql = f"""
        SELECT {_BUCKET.format("at")} AS bucket, {statistics}
        FROM (SELECT at, {", ".join(points)} FROM reading WHERE {_OF_DEVICE} {_ONLY_THESE})
        GROUP BY bucket"""
        rows = list(self._rows(sql, device=device, start=start, end=end, step=step))
        return {
            point: self._with_gaps(_summaries(rows, index), start, end, step)
            for index, point in enumerate(points)
        }

    def hours(self, device: str, start: int, end: int, points: Sequence[str]) -> Summaries:
        """See ReadingStore."""
        check_points(points)
        names = (f"{point}_{name}" for point in points for name in STATISTICS)
        sql = f"""
        SELECT hour, {", ".join(names)} FROM hourly
        WHERE device = :device AND hour >= :start AND hour <= :end - {HOUR_MS} ORDER BY hour"""
        rows = list(self._rows(sql, device=device, start=start, end=end))
        return {
            point: [hour for hour in _summaries(rows, index) if hour.count]
            for index, point in enumerate(points)
        }

    def fleet(self, area: Area, start: int, end: int, point: str, step: int) -> list[PointSummary]:
        """See ReadingStore."""
        check_points([point])
        where, levels = _within(area)
        each = f"""
          SELECT {_BUCKET.format("at")} AS bucket, avg({point}) AS mean
          FROM (SELECT device, at, {point} FROM reading
                WHERE {_IN_RANGE} AND {where} {_ONLY_THESE})
          GROUP BY device, bucket"""
        rows = list(
            self._rows(_OVER_DEVICES.format(each), start=start, end=end, step=step, **levels)
        )
        return self._with_gaps(_summaries(rows, 0), start, end, step)

    def fleet_hours(
        self, area: Area, start: int, end: int, point: str, step: int
    ) -> list[PointSummary]:
        """See ReadingStore."""
        check_points([point])
        where, levels = _within(area)
        each = f"""
          SELECT {_BUCKET.format("hour")} AS bucket,
            sum({point}_mean * {point}_count) / sum({point}_count) AS mean
          FROM hourly WHERE hour >= :start AND hour <= :end - {HOUR_MS} AND {where}
          GROUP BY device, bucket"""
        rows = list(
            self._rows(_OVER_DEVICES.format(each), start=start, end=end, step=step, **levels)
        )
        return self._with_gaps(_summaries(rows, 0), start, end, step)

    def history(self, device: str, start: int, end: int) -> list[StoredReading]:
        """See ReadingStore."""
        return list(self._read(_OF_DEVICE, "r.at", device=device, start=start, end=end))

    def columns(
        self, devices: Sequence[str], start: int, end: int, points: Sequence[str]
    ) -> "ReadingColumns":
        """See ReadingStore."""
        from ingest.store.sqlite.columns import read_columns  # loads numpy

        check_points(points)
        with self._connected() as connection:
            return read_columns(connection, devices, start, end, points)

    def tend(self, now: int, stopped: Callable[[], bool] = never) -> None:
        """See ReadingStore. Each transaction is short: ingest waits a fraction of a second."""
        with self._translated(), closing(sqlite3.connect(self._path, timeout=BUSY_S)) as connection:
            pack_finished_hours(connection, finished_before(now), stopped)
            if stopped():
                return
            forget(
                connection,
                self._retention.oldest_reading(now, self.offset_ms),
                self._retention.oldest_hour(now, self.offset_ms),
            )
            give_back_space(connection)

    def check(self) -> None:
        """See ReadingStore."""
        list(self._rows("SELECT 1 FROM reading LIMIT 1"))

    def probe(self, token: int) -> str:
        """Write a row of a separate table, read it back, and return a text about it.

        Raises StoreUnavailable.
        """
        with self._translated(), self._writer:
            self._writer.execute("INSERT OR REPLACE INTO probe VALUES (1, ?)", (token,))
        if list(self._rows("SELECT token FROM probe")) != [(token,)]:
            raise StoreUnavailable(
                f"{self._path} does not give back what it took: is it replaced by another program?"
            )
        return "a row was written and read back"

    def close(self) -> None:
        """See ReadingStore."""
        self._writer.close()

    def _with_gaps(
        self, filled: Iterable[PointSummary], start: int, end: int, step: int
    ) -> list[PointSummary]:
        return with_gaps(filled, start, end, step, self.offset_ms)

    def _since(self, at: int) -> Generator[StoredReading]:
        # The `first` of a packed reading may be before `at`, but not in an earlier hour.
        hour = self._next_hour(hour_of(at + 1))
        while hour is not None:
            within = "first >= :hour AND first < :next AND at > :at"
            yield from self._read(within, "r.at, r.device", hour=hour, next=hour + HOUR_MS, at=at)
            hour = self._next_hour(hour + HOUR_MS)

    def _next_hour(self, at: int) -> int | None:
        sql = """
        SELECT min(first) FROM (
          SELECT min(at) AS first FROM recent WHERE at >= :at
          UNION ALL SELECT min(first) FROM block WHERE first >= :at
        )"""
        ((first,),) = self._rows(sql, at=at)
        return None if first is None else hour_of(first)

    def _read(self, condition: str, order: str, **values: object) -> Iterator[StoredReading]:
        for columns in self._rows(_select(condition, order), **values):
            yield _stored(columns)

    def _rows(self, sql: str, **values: object) -> Iterator[tuple[Any, ...]]:
        with self._connected() as connection:
            yield from connection.execute(sql, {"offset": self.offset_ms, **values})

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        address = f"{self._path.absolute().as_uri()}?mode=ro"
        with (
            self._translated(),
            closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as connection,
        ):
            connection.set_progress_handler(nobody_waits, _LOOK_EVERY)
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            give_up_if_left()
            raise StoreUnavailable(f"{self._path}: {error}; {advice(error)}") from error


def _within(area: Area) -> tuple[str, dict[str, str]]:
    """Return the SQL condition for devices of `area`, and its values."""
    levels = area.levels()
    where = " AND ".join(f"{level} = :{level}" for level in levels)
    return f"device IN (SELECT device FROM device WHERE {where})", levels


def _select(condition: str, order: str) -> str:
    """Return SQL for readings that meet `condition`, with their gateway paths, for `_stored`."""
    return f"""
    SELECT d.district, d.town, d.village, r.* FROM (
      SELECT {", ".join(COLUMNS)} FROM reading WHERE {condition}
    ) AS r CROSS JOIN device AS d ON d.device = r.device ORDER BY {order}"""


def _summaries(rows: Sequence[tuple[Any, ...]], index: int) -> list[PointSummary]:
    """Return the summaries of point `index`; rows hold a time and four statistics per point."""
    begin = 1 + index * len(STATISTICS)
    return [summary(row[0], *row[begin : begin + len(STATISTICS)]) for row in rows]


def _levels(gateway: GatewayPath) -> tuple[str, str, str, str]:
    return gateway.district, gateway.town, gateway.village, gateway.gateway


def _stored(columns: tuple[Any, ...]) -> StoredReading:
    district, town, village, device, at, gateway, state, faults, epoch, seq, *values, bad = columns
    reading = Reading(
        device=device,
        at=at,
        state=state,
        faults=faults.split(",") if faults else [],
        values={
            name: value
            for name, value in zip(POINT_NAMES, values, strict=True)
            if value is not None
        },
        bad=bad.split(",") if bad else [],
    )
    return StoredReading(GatewayPath(district, town, village, gateway), epoch, seq, reading)
