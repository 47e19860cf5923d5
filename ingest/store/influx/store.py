"""The reading store in InfluxDB 1.8+, 2.x or 3.x: line protocol in, InfluxQL out (contract §5)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from secrets import randbits
from typing import TYPE_CHECKING, Final

from ingest.store.hours import STATISTICS, Retention, finished_before
from ingest.store.influx.hours import (
    HOURLY,
    UP_TO_DATE,
    Village,
    aggregated,
    fresh_token,
    from_rows,
    hour_and_token,
    hourly_line,
    statistics,
    touched,
    values_of_village,
    village_aggregated,
    village_of,
    villages_of,
    waiting,
)
from ingest.store.influx.http import InfluxConnection, Row
from ingest.store.influx.line_protocol import MEASUREMENT, LineEncoder
from ingest.store.influx.refusals import (
    ContentRefused,
    Written,
    all_refused,
    beyond_retention,
    code_of,
    halves,
)
from ingest.store.influx.rows import RowReader
from ingest.store.model import (
    Area,
    PointSummary,
    Prepared,
    RefusedReading,
    Series,
    StoredReading,
    Summaries,
    check_points,
    means,
    never,
    raw_series,
    with_gaps,
)
from wire.identifiers import is_identifier
from wire.local_days import BEIJING_OFFSET_MS
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
        offset_ms: int = BEIJING_OFFSET_MS,
    ) -> None:
        """The bucket applies the retention of readings; that of hours limits the aggregation."""
        self.offset_ms = offset_ms
        self._connection = connection
        self._retention = retention
        self._encoder = LineEncoder()
        self._reader = RowReader()

    def write(self, readings: Sequence[StoredReading]) -> list[RefusedReading]:
        """See ReadingStore."""
        return self.write_prepared(self.prepare(readings))

    def prepare(self, readings: Sequence[StoredReading]) -> Prepared:
        """See ReadingStore."""
        return Prepared(readings, self._encoder.lines(readings))

    def write_prepared(self, prepared: Prepared) -> list[RefusedReading]:
        """See ReadingStore. A refused batch is parted until all lines of a part are at fault."""
        return self._write_lines(list(zip(prepared.readings, prepared.forms, strict=True)))

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
        rows = self._query(f"SELECT * FROM {MEASUREMENT} GROUP BY * ORDER BY time DESC LIMIT 1")
        for stored in self._reader.readings(rows):
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
            f"SELECT {statistics(points)} FROM {MEASUREMENT}{where} GROUP BY {self._bucket(step)}"
        )
        return {
            point: self._with_gaps(from_rows(rows, point), start, end, step) for point in points
        }

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
            f'SELECT mean("{point}"::float) AS "{point}" FROM {MEASUREMENT} '
            f"WHERE {_within(area)} AND {during}"
        )
        rows = self._query(self._over_devices(each, point, during, step))
        return self._with_gaps(from_rows(rows, point), start, end, step)

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
        asked = self._over_devices(each, point, during, step)
        rows = self._connection.query(asked, self._hourly_bucket)
        return self._with_gaps(from_rows(rows, point), start, end, step)

    def history(self, device: str, start: int, end: int) -> list[StoredReading]:
        """See ReadingStore."""
        rows = self._query(f"SELECT * FROM {MEASUREMENT}{_of(device, start, end)} ORDER BY time")
        return list(self._reader.readings(rows))

    def columns(
        self, devices: Sequence[str], start: int, end: int, points: Sequence[str]
    ) -> "ReadingColumns":
        """See ReadingStore."""
        from ingest.store.influx.columns import read_columns  # loads numpy

        check_points(points)
        return read_columns(
            self._connection,
            self._reader,
            [_checked(device) for device in devices],
            start,
            end,
            points,
        )

    def tend(self, now: int, stopped: Callable[[], bool] = never) -> None:
        """See ReadingStore. InfluxDB itself forgets, by the retention of each bucket.

        What the server refuses waits; the other villages and hours are aggregated nevertheless.
        """
        oldest = self._retention.oldest_hour(now, self.offset_ms)
        refused: list[ContentRefused] = []
        for mark in self._query(waiting(finished_before(now))):
            hour, token = hour_and_token(mark)
            before = len(refused)
            if oldest is None or hour >= oldest:
                refused += self._aggregate(hour, mark["complete"] is None, stopped)
            if stopped():
                return
            if len(refused) == before:
                self._note([aggregated(hour, token)], self._connection.address.bucket)
        if refused:
            raise ContentRefused(f"{len(refused)} village hours are not aggregated: {refused[0]}")

    def check(self) -> None:
        """See ReadingStore. Every generation has `/ping`; 1.x lacks `/health`."""
        self._connection.request("GET", "/ping", {})

    def close(self) -> None:
        """See ReadingStore."""
        self._connection.close()

    @property
    def _hourly_bucket(self) -> str:
        return self._connection.address.hourly_bucket

    def _aggregate(
        self, hour: int, every: bool, stopped: Callable[[], bool]
    ) -> list[ContentRefused]:
        """Aggregate the villages of `hour` with new readings; with `every`, also unmarked ones.

        Village by village, so that no answer is larger than a village. Returns the refusals.
        """
        tokens = {
            village: fresh_token(mark)
            for mark in self._query(villages_of(hour))
            if (village := village_of(mark)) is not None
        }
        refused: list[ContentRefused] = []
        for village in self._villages(hour) if every else tokens:
            token = tokens.get(village)
            if stopped():
                break
            if token != UP_TO_DATE:
                try:
                    self._aggregate_village(village, hour, token)
                except ContentRefused as error:
                    refused.append(error)
        return refused

    def _villages(self, hour: int) -> list[Village]:
        during = f"time >= {hour}ms AND time < {hour + HOUR_MS}ms"
        rows = self._query(
            f"SELECT last(seq) FROM {MEASUREMENT} WHERE {during} GROUP BY district, town, village"
        )
        return [village for row in rows if (village := village_of(row)) is not None]

    def _aggregate_village(self, village: Village, hour: int, token: int | None) -> None:
        devices = self._connection.series(values_of_village(village, hour))
        lines = [
            hourly_line(hour, device["tags"], device["values"])
            for device in devices
            if device["tags"]["device"]
        ]
        self._note([line for line in lines if line is not None], self._hourly_bucket)
        if token is not None:
            done = village_aggregated(village, hour, token)
            self._note([done], self._connection.address.bucket)

    def _note(self, lines: Sequence[str], bucket: str) -> None:
        """Write aggregates or marks of an hour, unless it has passed its retention meanwhile."""
        complaint = self._connection.post(lines, bucket) if lines else None
        if complaint is not None and not beyond_retention(complaint):
            raise ContentRefused(f"{bucket} does not take hourly aggregates: {complaint}")

    def _over_devices(self, each: str, point: str, during: str, step: int) -> str:
        """Return InfluxQL for statistics over the values that `each` selects by device and step."""
        bucket = self._bucket(step)
        by_device = f"{each} GROUP BY device, {bucket}"
        return f"SELECT {statistics([point])} FROM ({by_device}) WHERE {during} GROUP BY {bucket}"

    def _bucket(self, step: int) -> str:
        return f"time({step}ms, {-(self.offset_ms % step)}ms)"

    def _with_gaps(
        self, filled: Iterable[PointSummary], start: int, end: int, step: int
    ) -> list[PointSummary]:
        return with_gaps(filled, start, end, step, self.offset_ms)

    def _query(self, influxql: str) -> list[Row]:
        return self._connection.query(influxql)

    def _write_lines(self, written: Written) -> list[RefusedReading]:
        if not written:
            return []
        marks = touched((stored for stored, _ in written), randbits(_TOKEN_BITS))
        complaint = self._connection.post([*(line for _, line in written), *marks])
        if complaint is None:
            return []
        if all_refused(complaint, len(written), len(marks)):
            self._connection.blame(complaint)
            code = code_of(complaint)
            return [RefusedReading(stored, code, complaint) for stored, _ in written]
        return [
            refused for half in halves(written, complaint) for refused in self._write_lines(half)
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
                self._reader.readings(complete), key=lambda s: (s.reading.at, s.reading.device)
            )
            if not full:
                return
            at = complete[-1]["time"]


def _of(device: str, start: int, end: int) -> str:
    return f" WHERE device = '{_checked(device)}' AND time >= {start}ms AND time < {end}ms"


def _within(area: Area) -> str:
    return " AND ".join(f"{level} = '{_checked(value)}'" for level, value in area.levels().items())


def _checked(identifier: str) -> str:
    """Return an id of contract §1, which needs no quotes in a query; raises ValueError."""
    if not is_identifier(identifier):
        raise ValueError(f"not an id: {identifier!r}")
    return identifier
