"""The reading store in InfluxDB 1.8+, 2.x or 3.x. The only importer of influxdb-client.

Writes are our own line protocol through the client's synchronous API, never its batching mode, which loses data
after its retries (RELIABILITY §2). Reads are InfluxQL, the one language all three generations answer.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from influxdb_client import InfluxDBClient, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from configuration.load import ConfigurationError, Problem
from ingest.store.line_protocol import MEASUREMENT, LineEncoder, body
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
from ingest.store.settings import InfluxAddress
from wire.identifiers import is_identifier
from wire.messages import Reading
from wire.points import POINT_NAMES
from wire.topics import Place

_TIMEOUT_MS: Final = 30_000
_PAGE: Final = 10_000
# The store says with these that the lines themselves are at fault: malformed or outside the retention period
# (1.x: 400, 2.x: 422), or too many for one request.
_ABOUT_THE_LINES: Final = (400, 413, 422)

Row = dict[str, Any]


class InfluxStore:
    """A ReadingStore over HTTP; nothing is contacted before the first call."""

    # InfluxDB leaves a core idle between two requests of one connection (measured: two carry 1.3 times as much).
    writers = 2

    def __init__(self, address: InfluxAddress, token_file: Path | None) -> None:
        """Raises ConfigurationError where `token_file` cannot be read."""
        self._address = address
        self._client = InfluxDBClient(
            url=address.server, token=_token(token_file), org=address.organisation, timeout=_TIMEOUT_MS
        )
        self._writer = self._client.write_api(write_options=SYNCHRONOUS)
        self._encoder = LineEncoder()

    def write(self, readings: Sequence[StoredReading]) -> list[RefusedReading]:
        """See ReadingStore."""
        return self.write_prepared(self.prepare(readings))

    def prepare(self, readings: Sequence[StoredReading]) -> Prepared:
        """See ReadingStore."""
        return Prepared(readings, self._encoder.lines(readings))

    def write_prepared(self, prepared: Prepared) -> list[RefusedReading]:
        """See ReadingStore. A refused batch is halved until the lines at fault stand alone."""
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
        for row in self._query(f"SELECT * FROM {MEASUREMENT} GROUP BY * ORDER BY time DESC LIMIT 1"):
            stored = _stored(row)
            known = newest.get(stored.reading.device)
            if known is None or stored.reading.at > known.reading.at:
                newest[stored.reading.device] = stored
        return newest

    def window(self, device: str, start: int, end: int, points: Sequence[str], step: int | None) -> dict[str, Series]:
        """See ReadingStore."""
        check_points(points)
        if step is None:
            return raw_series(self.history(device, start, end), points)
        means = ", ".join(f'mean("{point}") AS "{point}"' for point in points)
        rows = self._query(f"SELECT {means} FROM {MEASUREMENT}{_of(device, start, end)} GROUP BY time({step}ms)")
        return {point: bucketed({r["time"]: r[point] for r in rows}, start, end, step) for point in points}

    def history(self, device: str, start: int, end: int) -> list[StoredReading]:
        """See ReadingStore."""
        rows = self._query(f"SELECT * FROM {MEASUREMENT}{_of(device, start, end)} ORDER BY time")
        return [_stored(row) for row in rows]

    def check(self) -> None:
        """See ReadingStore. `/ping` is what every generation has; `/health` is missing in 1.x."""
        self._get("/ping", {})

    def close(self) -> None:
        """See ReadingStore."""
        self._client.close()

    def _write_lines(self, readings: Sequence[StoredReading], lines: Sequence[str]) -> list[RefusedReading]:
        if not readings:
            return []
        complaint = self._post(lines)
        if complaint is None:
            return []
        if len(lines) == 1:
            return [RefusedReading(readings[0], "too_old" if "retention" in complaint else "store_refused", complaint)]
        half = len(lines) // 2
        return [
            *self._write_lines(readings[:half], lines[:half]),
            *self._write_lines(readings[half:], lines[half:]),
        ]

    def _post(self, lines: Sequence[str]) -> str | None:
        """Write `lines`; returns the store's complaint about them, or None. Raises StoreUnavailable."""
        try:
            self._writer.write(
                self._address.bucket, self._address.organisation, body(lines), write_precision=WritePrecision.MS
            )
        except ApiException as error:
            if error.status in _ABOUT_THE_LINES:
                return _explanation(error)
            raise self._unavailable(error) from error
        except (HTTPError, OSError) as error:
            raise self._unavailable(error) from error
        return None

    def _pages(self, at: int) -> Iterator[list[StoredReading]]:
        """Everything after `at` in pages that never split what shares one time stamp."""
        size = _PAGE
        while True:
            rows = self._query(f"SELECT * FROM {MEASUREMENT} WHERE time > {at}ms ORDER BY time LIMIT {size}")
            full = len(rows) == size
            complete = [row for row in rows if row["time"] < rows[-1]["time"]] if full else rows
            if full and not complete:
                size *= 2
                continue
            yield sorted((_stored(row) for row in complete), key=lambda s: (s.reading.at, s.reading.device))
            if not full:
                return
            at = complete[-1]["time"]

    def _query(self, influxql: str) -> list[Row]:
        answer = json.loads(self._get("/query", {"db": self._address.bucket, "epoch": "ms", "q": influxql}))
        result = answer["results"][0] if answer.get("results") else answer
        if "error" in result:
            raise StoreUnavailable(f"{self._address.server} cannot answer: {result['error']}")
        return [
            {**series.get("tags", {}), **dict(zip(series["columns"], values, strict=True))}
            for series in result.get("series", [])
            for values in series["values"]
        ]

    def _get(self, path: str, parameters: Mapping[str, str]) -> bytes:
        try:
            self._client.api_client.call_api(path, "GET", query_params=list(parameters.items()), _preload_content=False)
            answer: bytes = self._client.api_client.last_response.data
        except (ApiException, HTTPError, OSError) as error:
            raise self._unavailable(error) from error
        return answer

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        server, bucket = self._address.server, self._address.bucket
        status = error.status if isinstance(error, ApiException) else None
        if status in (401, 403):
            return StoreUnavailable(f"{server} refuses the token: put one that may write {bucket!r} into token_file")
        if status == 404:
            return StoreUnavailable(f"{server} has no bucket or database {bucket!r}: create it")
        return StoreUnavailable(f"{server} does not answer: {_explanation(error)}")


def _token(token_file: Path | None) -> str:
    try:
        return token_file.read_text(encoding="utf-8").strip() if token_file is not None else "none"
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([Problem(token_file or Path(), "", f"{error}; store.token_file names it")]) from error


def _explanation(error: Exception) -> str:
    if not isinstance(error, ApiException):
        return str(error) or type(error).__name__
    return f"{error.status} {error.body or error.message or error.reason}".strip()


def _of(device: str, start: int, end: int) -> str:
    if not is_identifier(device):
        raise ValueError(f"not a device id: {device!r}")
    return f" WHERE device = '{device}' AND time >= {start}ms AND time < {end}ms"


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
    place = Place(row["district"], row["town"], row["village"], row["gateway"])
    return StoredReading(place, row["epoch"], row["seq"], reading)
