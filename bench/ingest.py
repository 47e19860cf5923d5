"""The cost of ingest: CPU per reading, share of the store's own speed, an outage of the store.

`python -m bench.ingest [--quick]`. Servers are started on free ports and ended again.
"""

import argparse
import sqlite3
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from bench import outage
from bench.store import fill, make_plain_table, plain_insert, plain_row, village_hours
from bench.subscribers import BATCH, Measured, through_ingest, through_plain_subscriber
from bench.table import Row, print_table
from bench.telemetry import (
    DEVICES_PER_GATEWAY,
    GATEWAYS,
    INTERVAL_MS,
    POINTS_PER_READING,
    Message,
    messages,
)
from ingest.reception.device_registry import DeviceRegistry
from ingest.reception.validation import Validator
from ingest.store import StoredReading
from ingest.store.influx.line_protocol import LineEncoder, body
from tests.servers import InfluxGate, InfluxServer
from wire.points import POINT_NAMES
from wire.wall_clock import wall_clock_ms

_PACKED_UNITS: Final = 100


def rows(quick: bool = False) -> Iterator[Row]:
    """Yield all figures of ingest, each as soon as it is known."""
    yield from cpu_rows(quick)
    yield from sqlite_rows(quick)
    yield from influx_rows(quick)
    yield from outage.rows(quick)


def cpu_rows(quick: bool) -> Iterator[Row]:
    """Measure µs of CPU per reading from MQTT payload to line protocol: the best of five runs."""
    start = wall_clock_ms() - 4 * INTERVAL_MS
    batch = messages(2 if quick else 3, start)
    cost = min(_cpu_us(batch[:GATEWAYS], batch[GATEWAYS:]) for _ in range(5))
    note = f"payload → decode, validate → line protocol; {POINTS_PER_READING} points; best of 5,"
    note += f" after the first message of each of {GATEWAYS:,} gateways"
    yield Row("ingest CPU per reading", cost, "µs", "≤ 12", note)


def _cpu_us(first: Sequence[Message], batch: Sequence[Message]) -> float:
    validator, encoder = Validator(DeviceRegistry()), LineEncoder()
    now = wall_clock_ms()
    for topic, payload in first:
        validator.validate(topic, payload, now)
    began = time.process_time()
    for topic, payload in batch:
        body(encoder.lines(validator.validate(topic, payload, now).readings))
    return (time.process_time() - began) / (len(batch) * DEVICES_PER_GATEWAY) * 1e6


@dataclass(frozen=True, slots=True)
class ThroughputRound:
    """Readings/s of one round: written raw, by ingest, and by the plain subscriber if it can."""

    raw: float
    ours: Measured
    plain: Measured | None = None


def sqlite_rows(quick: bool) -> Iterator[Row]:
    """Compare readings/s through broker and ingest into SQLite with plain executemany."""
    rounds, given = [], []
    for first, second in _batches(quick, 2):
        rounds.append(
            ThroughputRound(_raw_sqlite(first, POINT_NAMES), through_ingest(second, None))
        )
        given.append(_raw_sqlite(first, POINT_NAMES[:POINTS_PER_READING]))
    note = f"transactions of {BATCH:,} rows into one table, synchronous=FULL"
    yield from _comparison("SQLite", rounds, "≥ 50", note)
    unused = len(POINT_NAMES) - POINTS_PER_READING
    only = f"the same without the {unused} points that no reading has, as ingest does it"
    yield Row("SQLite raw, named columns", median(given), "readings/s", "", only)
    yield from packing_rows()


def packing_rows() -> Iterator[Row]:
    """Measure µs of CPU per reading for packing finished hours, in addition to writing them."""
    hours = list(village_hours(_PACKED_UNITS, 1))
    with tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as folder:
        each = [fill(Path(folder) / f"{number}.db", iter(hours)) for number in range(3)]
    cost = min(sizes.pack_s / sizes.readings for sizes in each) * 1e6
    note = f"{_PACKED_UNITS} simulated units; in a thread of ingest, ten minutes after each hour;"
    note += " best of 3"
    yield Row("SQLite, packing finished hours", cost, "µs a reading", "", note)


def influx_rows(quick: bool) -> Iterator[Row]:
    """Compare readings/s into InfluxDB 1.6: raw POSTs, broker and ingest, a plain subscriber."""
    with _influx() as gate:
        rounds = [
            ThroughputRound(
                _raw_influx(gate, first),
                through_ingest(second, gate.url),
                through_plain_subscriber(third, gate),
            )
            for first, second, third in _batches(quick, 3)
        ]
    note = f"batches of {BATCH:,} lines, one after the other, nginx rewrite"
    yield from _comparison("InfluxDB 1.6", rounds, "≥ 95", note)
    plain = [(each.raw, each.plain) for each in rounds if each.plain is not None]
    how = f"paho, json, Point, influxdb-client batching of {BATCH:,}; acknowledges before it writes"
    yield Row(
        "plain subscriber",
        median(measured.readings_per_s for _, measured in plain),
        "readings/s",
        "",
        how,
    )
    yield _share(
        "plain subscriber", [100 * measured.readings_per_s / raw for raw, measured in plain], ""
    )
    yield Row(
        "plain subscriber CPU",
        median(measured.cpu_us for _, measured in plain),
        "µs a reading",
        "",
        "its whole process",
    )


def _batches(quick: bool, ways: int) -> Iterator[tuple[list[Message], ...]]:
    """Yield for each round as many batches as there are `ways`, each of different minutes.

    The ways alternate, so that other load on the machine affects all of them. The readings are of
    now, as in a district: those of finished hours would be packed in the measured time.
    """
    each, rounds = (3, 2) if quick else (5, 5)
    before = wall_clock_ms()
    for _ in range(rounds):
        starts = [before - INTERVAL_MS * each * (way + 1) for way in range(ways)]
        before = starts[-1]
        yield tuple(messages(each, start) for start in starts)


def _comparison(
    store: str, rounds: Sequence[ThroughputRound], aim: str, note: str
) -> Iterator[Row]:
    ours = f"{store} through broker and ingest"
    yield Row(f"{store} raw", median(each.raw for each in rounds), "readings/s", "", note)
    waits = "messages wait at Mosquitto, until the last watermark"
    yield Row(ours, median(each.ours.readings_per_s for each in rounds), "readings/s", "", waits)
    yield _share(store, [100 * each.ours.readings_per_s / each.raw for each in rounds], aim)
    yield Row(
        f"{ours}, CPU",
        median(each.ours.cpu_us for each in rounds),
        "µs a reading",
        "≤ 15",
        f"the whole process; {GATEWAYS:,} gateways of {DEVICES_PER_GATEWAY} units",
    )


def _share(name: str, shares: Sequence[float], aim: str) -> Row:
    spread = f"median of {len(shares)} rounds in turn, {min(shares):.0f} to {max(shares):.0f}"
    return Row(f"{name} share of raw", median(shares), "%", aim, spread)


@contextmanager
def _influx() -> Iterator[InfluxGate]:
    with tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as folder:
        database = InfluxServer(Path(folder) / "influxd")
        gate = InfluxGate(Path(folder) / "nginx", database)
        database.start()
        gate.start()
        try:
            yield gate
        finally:
            gate.stop()
            database.stop()


def _readings(batch: Sequence[Message]) -> list[StoredReading]:
    validator, now = Validator(DeviceRegistry()), wall_clock_ms()
    return [
        one for topic, payload in batch for one in validator.validate(topic, payload, now).readings
    ]


def _chunks(items: Sequence[StoredReading]) -> Iterator[Sequence[StoredReading]]:
    return (items[begin : begin + BATCH] for begin in range(0, len(items), BATCH))


def _raw_influx(gate: InfluxGate, batch: Sequence[Message]) -> float:
    encoder, readings = LineEncoder(), _readings(batch)
    bodies = [body(encoder.lines(chunk)) for chunk in _chunks(readings)]
    url = f"{gate.http_url}/api/v2/write?org=district&bucket=hearthwatch&precision=ms"

    def post() -> None:
        for lines in bodies:
            request = urllib.request.Request(url, lines)  # noqa: S310 - a fixed http address
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                assert response.status == 204

    return _per_second(len(readings), post)


def _raw_sqlite(batch: Sequence[Message], points: Sequence[str]) -> float:
    readings = _readings(batch)
    chunks = [[plain_row(stored, points) for stored in chunk] for chunk in _chunks(readings)]
    with (
        tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as folder,
        closing(sqlite3.connect(Path(folder) / "readings.db")) as database,
    ):
        make_plain_table(database)

        def insert() -> None:
            for chunk in chunks:
                with database:
                    database.executemany(plain_insert(points), chunk)

        return _per_second(len(readings), insert)


def _per_second(count: int, work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return count / (time.monotonic() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer readings and a shorter outage, for a first look"
    )
    print_table(list(rows(parser.parse_args().quick)))


if __name__ == "__main__":
    main()
