"""The reading store in InfluxDB 1.8+, 2.x or 3.x: line protocol in, InfluxQL out (contract §5)."""

from collections.abc import Callable, Iterator, Sequence
from secrets import randbits
from typing import TYPE_CHECKING, Final

from ingest.store.hours import STATISTICS, Retention, finished_before
from ingest.store.influx.hours import (
    HOURLY,
    TAGS,
    aggregated,
    from_rows,
    hour_and_token,
    hourly_line,
    statistics,
    touched,
    waiting,
)
from ingest.store.influx.http import InfluxConnection, Row
from ingest.store.influx.line_protocol import MEASUREMENT, LineEncoder
from ingest.store.model import (
    Area,
    PointSummary,
    Prepared,
    RefusalCode,
    RefusedReading,
    Series,
    StoredReading,
    StoreUnavailable,
    Summaries,
    check_points,
    means,
    never,
    raw_series,
    with_gaps,
)
from wire.identifiers import is_identifier
from wire.messages import Reading
from wire.points import POINT_NAMES
from wire.topics import GatewayPath
from wire.units import HOUR_MS

if TYPE_CHECKING:
    from ingest.store.columns import ReadingColumns

_PAGE: Final = 10_000
_TOKEN_BITS: Final = 62  # what an integer field holds, positive


class InfluxStore:
    """A ReadingStore over HTTP; the first call contacts the server."""

    # InfluxDB leaves a core idle between two requests of one connection: two connections carry
    # 1.3 times as much (measured).
    writers = 2

    def __init__(
        self,
        connection: InfluxConnection,
        retention: Retention = Retention(),  # noqa: B008 - frozen
    ) -> None:
        """The bucket applies the retention of readings; that of hours limits the aggregation."""
        self._connection = connection
        self._retention = retention
        self._encoder = LineEncoder()

    def write(self, readings: Sequence[StoredReading]) -> list[RefusedReading]:
        """See ReadingStore."""
        return self.write_prepared(self.prepare(readings))

    def prepare(self, readings: Sequence[StoredReading]) -> Prepared:
        """See ReadingStore."""
        return Prepared(readings, self._encoder.lines(readings))

    def write_prepared(self, prepared: Prepared) -> list[RefusedReading]:
        """See ReadingStore. A refused batch is halved until each line at fault is alone."""
        return self._write_lines(prepared.readings, prepared.forms)

    def since(self, at: int, limit: int | None = None) -> Iterator[StoredReading]:
        """See ReadingStore."""
        given = 0
        for page in self._pages(at):
            for stored in page:
                if given == limit:
                    return
                given += 1
                yield stored

    def latest(self) -> dict[str, StoredReading]:
        """See ReadingStore."""
        newest: dict[str, StoredReading] = {}
        # One row per series; a device that moved to another gateway has more than one.
        for row in self._query(
            f"SELECT * FROM {MEASUREMENT} GROUP BY * ORDER BY time DESC LIMIT 1"
        ):
            stored = _stored(row)
            known = newest.get(stored.reading.device)
            if known is None or stored.reading.at > known.reading.at:
                newest[stored.reading.device] = stored
        return newest

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
        where = _of(device, start, end)
        rows = self._query(
            f"SELECT {statistics(points)} FROM {MEASUREMENT}{where} GROUP BY time({step}ms)"
        )
        return {point: with_gaps(from_rows(rows, point), start, end, step) for point in points}

    def hours(self, device: str, start: int, end: int, points: Sequence[str]) -> Summaries:
        """See ReadingStore."""
        check_points(points)
        names = ", ".join(f'"{point}_{name}"' for point in points for name in STATISTICS)
        where = _of(device, start, end - HOUR_MS + 1)
        rows = self._connection.query(
            f"SELECT {names} FROM {HOURLY}{where} ORDER BY time", self._hourly_bucket
        )
        return {point: [hour for hour in from_rows(rows, point) if hour.count] for point in points}

    def fleet(self, area: Area, start: int, end: int, point: str, step: int) -> list[PointSummary]:
        """See ReadingStore."""
        check_points([point])
        during = f"time >= {start}ms AND time < {end}ms"
        each = (
            f'SELECT mean("{point}") AS "{point}" FROM {MEASUREMENT} '
            f"WHERE {_within(area)} AND {during}"
        )
        rows = self._query(_over_devices(each, point, during, step))
        return with_gaps(from_rows(rows, point), start, end, step)

    def fleet_hours(
        self, area: Area, start: int, end: int, point: str, step: int
    ) -> list[PointSummary]:
        """See ReadingStore."""
        check_points([point])
        during = f"time >= {start}ms AND time <= {end - HOUR_MS}ms"
        hours = (
            f'SELECT "{point}_mean" * "{point}_count" AS total, "{point}_count" AS readings '
            f"FROM {HOURLY} WHERE {_within(area)} AND {during}"
        )
        each = f'SELECT sum(total) / sum(readings) AS "{point}" FROM ({hours}) WHERE {during}'
        rows = self._connection.query(_over_devices(each, point, during, step), self._hourly_bucket)
        return with_gaps(from_rows(rows, point), start, end, step)

    def history(self, device: str, start: int, end: int) -> list[StoredReading]:
        """See ReadingStore."""
        rows = self._query(f"SELECT * FROM {MEASUREMENT}{_of(device, start, end)} ORDER BY time")
        return [_stored(row) for row in rows]

    def columns(
        self, devices: Sequence[str], start: int, end: int, points: Sequence[str]
    ) -> "ReadingColumns":
        """See ReadingStore."""
        from ingest.store.influx.columns import read_columns  # loads numpy

        check_points(points)
        return read_columns(
            self._connection, [_checked(device) for device in devices], start, end, points
        )

    def tend(self, now: int, stopped: Callable[[], bool] = never) -> None:
        """See ReadingStore. InfluxDB itself forgets, by the retention of each bucket."""
        oldest = self._retention.oldest_hour(now)
        for hour, token in map(hour_and_token, self._query(waiting(finished_before(now)))):
            if oldest is None or hour >= oldest:
                self._aggregate(hour, stopped)
            if stopped():
                return
            self._note([aggregated(hour, token)], self._connection.address.bucket)

    def check(self) -> None:
        """See ReadingStore. Every generation has `/ping`; 1.x lacks `/health`."""
        self._connection.request("GET", "/ping", {})

    def close(self) -> None:
        """See ReadingStore."""
        self._connection.close()

    @property
    def _hourly_bucket(self) -> str:
        return self._connection.address.hourly_bucket

    def _aggregate(self, hour: int, stopped: Callable[[], bool]) -> None:
        """Aggregate village by village, so that no answer is larger than a village."""
        during = f"time >= {hour}ms AND time < {hour + HOUR_MS}ms"
        for village in self._query(
            f"SELECT count(seq) FROM {MEASUREMENT} WHERE {during} GROUP BY village"
        ):
            if stopped():
                return
            rows = self._query(
                f"SELECT {statistics(POINT_NAMES)} FROM {MEASUREMENT} "
                f"WHERE village = '{_checked(village['village'])}' AND {during} "
                f"GROUP BY {', '.join(TAGS)}"
            )
            self._note(
                [line for row in rows if (line := hourly_line(hour, row))], self._hourly_bucket
            )

    def _note(self, lines: Sequence[str], bucket: str) -> None:
        """Write aggregates or marks of an hour, unless it has passed its retention meanwhile."""
        complaint = self._connection.post(lines, bucket) if lines else None
        if complaint is not None and not _beyond_retention(complaint):
            raise StoreUnavailable(f"{bucket} does not take hourly aggregates: {complaint}")

    def _query(self, influxql: str) -> list[Row]:
        return self._connection.query(influxql)

    def _write_lines(
        self, readings: Sequence[StoredReading], lines: Sequence[str]
    ) -> list[RefusedReading]:
        if not readings:
            return []
        complaint = self._connection.post([*lines, *touched(readings, randbits(_TOKEN_BITS))])
        if complaint is None:
            return []
        if len(lines) == 1:
            self._connection.blame(complaint)
            code: RefusalCode = "too_old" if _beyond_retention(complaint) else "store_refused"
            return [RefusedReading(readings[0], code, complaint)]
        half = len(lines) // 2
        return [
            *self._write_lines(readings[:half], lines[:half]),
            *self._write_lines(readings[half:], lines[half:]),
        ]

    def _pages(self, at: int) -> Iterator[list[StoredReading]]:
        """Yield all readings after `at` in pages; a page never splits one time stamp."""
        size = _PAGE
        while True:
            rows = self._query(
                f"SELECT * FROM {MEASUREMENT} WHERE time > {at}ms ORDER BY time LIMIT {size}"
            )
            full = len(rows) == size
            complete = [row for row in rows if row["time"] < rows[-1]["time"]] if full else rows
            if full and not complete:
                size *= 2
                continue
            yield sorted(
                (_stored(row) for row in complete), key=lambda s: (s.reading.at, s.reading.device)
            )
            if not full:
                return
            at = complete[-1]["time"]


def _beyond_retention(complaint: str) -> bool:
    return "retention" in complaint


def _of(device: str, start: int, end: int) -> str:
    return f" WHERE device = '{_checked(device)}' AND time >= {start}ms AND time < {end}ms"


def _within(area: Area) -> str:
    return " AND ".join(f"{level} = '{_checked(value)}'" for level, value in area.levels().items())


def _over_devices(each: str, point: str, during: str, step: int) -> str:
    """Return InfluxQL for statistics over the values that `each` selects by device and step."""
    by_device = f"{each} GROUP BY device, time({step}ms)"
    return f"SELECT {statistics([point])} FROM ({by_device}) WHERE {during} GROUP BY time({step}ms)"


def _checked(identifier: str) -> str:
    """Return an id of contract §1, which needs no quotes in a query; raises ValueError."""
    if not is_identifier(identifier):
        raise ValueError(f"not an id: {identifier!r}")
    return identifier


def _stored(row: Row) -> StoredReading:
    faults, bad = row["faults"] or "", row.get("bad") or ""
    reading = Reading(
        device=row["device"],
        at=row["time"],
        state=row["state"],
        faults=faults.split(",") if faults else [],
        values={name: float(row[name]) for name in POINT_NAMES if row.get(name) is not None},
        bad=bad.split(",") if bad else [],
    )
    gateway = GatewayPath(row["district"], row["town"], row["village"], row["gateway"])
    return StoredReading(gateway, row["epoch"], row["seq"], reading)
