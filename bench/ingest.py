"""What ingest costs: CPU per reading, and how close it comes to the store's own speed.

`python -m bench.ingest [--quick]`. Servers are started on free ports and ended again.
"""

import argparse
import multiprocessing
import random
import sqlite3
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median

from bench.store import PLAIN_INSERT, make_plain_table
from bench.table import Row, print_table
from ingest.register import Register
from ingest.service import IngestService
from ingest.settings import IngestSettings
from ingest.store import StoredReading, StoreSettings, open_store
from ingest.store.line_protocol import LineEncoder, body
from ingest.store.sqlite import row
from ingest.validation import Judge
from messaging.session import Delivery, Session
from messaging.settings import MqttSettings
from tests.servers import InfluxGate, InfluxServer, MosquittoBroker, wait_until
from wire.encode import encode_telemetry
from wire.messages import Reading, Telemetry
from wire.points import POINTS
from wire.topics import Place, gateway_topic
from wire.wall_clock import wall_clock_ms

POINTS_PER_READING = 16
DEVICES_PER_GATEWAY = 30
GATEWAYS = 50
BATCH = 5_000
CLIENT = "hearthwatch-ingest"

Message = tuple[str, bytes]


def messages(count: int, start: int, seed: int = 1) -> list[Message]:
    """`count` telemetry messages of 30 devices each, from 50 gateways in turn, 30 s apart, from `start` (UTC ms)."""
    chance = random.Random(seed)
    return [_message(number // GATEWAYS + 1, number % GATEWAYS, start, chance) for number in range(count)]


def _message(seq: int, gateway: int, start: int, chance: random.Random) -> Message:
    place = Place("mentougou", "zhaitang", f"v-{gateway // 5}", f"gw-{gateway}")
    sent_at = start + 30_000 * seq
    names = list(POINTS)[:POINTS_PER_READING]
    readings = [
        Reading(
            f"d-{gateway}-{number}",
            sent_at + number,
            "heating",
            [],
            {name: round(chance.uniform(max(0, POINTS[name].low), min(60, POINTS[name].high)), 1) for name in names},
            [],
        )
        for number in range(DEVICES_PER_GATEWAY)
    ]
    payload = encode_telemetry(Telemetry(1, "e1", seq, sent_at, 30, readings))
    return gateway_topic("telemetry", place), payload


def cpu_rows(quick: bool) -> list[Row]:
    """µs of CPU per reading from MQTT payload to line protocol: the best of five runs."""
    start = wall_clock_ms() - 86_400_000
    batch = messages(200 if quick else 1_000, start)
    cost = min(_cpu_us(batch) for _ in range(5))
    note = f"payload bytes → decode, validate, judge → line protocol; {POINTS_PER_READING} points"
    return [Row("ingest CPU per reading", cost, "µs", "≤ 15", note)]


def _cpu_us(batch: Sequence[Message]) -> float:
    judge, encoder = Judge(Register()), LineEncoder()
    now = wall_clock_ms()
    began = time.process_time()
    for topic, payload in batch:
        body(encoder.lines(judge.judge(topic, payload, now).readings))
    return (time.process_time() - began) / (len(batch) * DEVICES_PER_GATEWAY) * 1e6


def influx_rows(quick: bool) -> list[Row]:
    """Readings/s through broker and ingest into InfluxDB 1.6, against the same lines POSTed raw."""
    with tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as folder:
        database = InfluxServer(Path(folder) / "influxd")
        gate = InfluxGate(Path(folder) / "nginx", database)
        database.start()
        gate.start()
        try:
            pairs = _pairs(
                quick,
                lambda batch: _raw_influx(gate, batch),
                lambda batch: _through(batch, gate.url),
            )
        finally:
            gate.stop()
            database.stop()
    return _comparison("InfluxDB 1.6", pairs, "≥ 90", f"batches of {BATCH:,} lines, nginx rewrite")


def sqlite_rows(quick: bool) -> list[Row]:
    """Readings/s through broker and ingest into SQLite, against the same rows by plain executemany."""
    pairs = _pairs(quick, _raw_sqlite, lambda batch: _through(batch, None))
    return _comparison("SQLite", pairs, "≥ 50", f"transactions of {BATCH:,} rows, synchronous=FULL")


Run = Callable[[Sequence[Message]], float]


def _pairs(quick: bool, raw: Run, ours: Run) -> list[tuple[float, float]]:
    """Readings/s of both ways in turn, so that the machine's moods meet both; each run writes a day of its own."""
    count, rounds = (1_000, 2) if quick else (5_000, 5)
    today = wall_clock_ms()
    days = [today - 86_400_000 * 4 * (number + 1) for number in range(2 * rounds)]
    batches = (messages(count, day) for day in days)
    return [(raw(first), ours(second)) for first, second in zip(batches, batches, strict=True)]


def _comparison(store: str, pairs: Sequence[tuple[float, float]], aim: str, note: str) -> list[Row]:
    shares = sorted(100 * ours / raw for raw, ours in pairs)
    spread = f"median of {len(pairs)} pairs, {shares[0]:.0f} to {shares[-1]:.0f}; messages wait at Mosquitto"
    return [
        Row(f"{store} raw", median(raw for raw, _ in pairs), "readings/s", "", note),
        Row(f"{store} through broker and ingest", median(ours for _, ours in pairs), "readings/s", "", note),
        Row(f"{store} share of raw", median(shares), "%", aim, spread),
    ]


def _readings(batch: Sequence[Message]) -> list[StoredReading]:
    judge, now = Judge(Register()), wall_clock_ms()
    return [one for topic, payload in batch for one in judge.judge(topic, payload, now).readings]


def _chunks(items: Sequence[StoredReading]) -> Iterator[Sequence[StoredReading]]:
    return (items[begin : begin + BATCH] for begin in range(0, len(items), BATCH))


def _raw_influx(gate: InfluxGate, batch: Sequence[Message]) -> float:
    encoder, readings = LineEncoder(), _readings(batch)
    bodies = [body(encoder.lines(chunk)) for chunk in _chunks(readings)]
    url = f"{gate.http_url}/api/v2/write?org=district&bucket=hearthwatch&precision=ms"
    began = time.monotonic()
    for one in bodies:
        with urllib.request.urlopen(urllib.request.Request(url, one), timeout=60) as response:  # noqa: S310
            assert response.status == 204
    return len(readings) / (time.monotonic() - began)


def _raw_sqlite(batch: Sequence[Message]) -> float:
    readings = _readings(batch)
    chunks = [[row(stored) for stored in chunk] for chunk in _chunks(readings)]
    with tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as folder:
        path = Path(folder) / "readings.db"
        with closing(sqlite3.connect(path)) as database:
            make_plain_table(database)
            began = time.monotonic()
            for chunk in chunks:
                with database:
                    database.executemany(PLAIN_INSERT, chunk)
            return len(readings) / (time.monotonic() - began)


def _through(batch: Sequence[Message], store_url: str | None) -> float:
    """Readings/s from the moment ingest may connect until every gateway has its last watermark.

    The messages wait at the broker by then, so that what sends them costs nothing of the measured time.
    """
    with tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as name:
        folder = Path(name)
        broker = MosquittoBroker(folder / "broker", persistent=False)
        broker.start()
        try:
            _queue_up(MqttSettings(url=broker.url), batch)
            seconds = _drain(broker.url, folder, store_url, batch)
        finally:
            broker.stop()
    return len(batch) * DEVICES_PER_GATEWAY / seconds


def _queue_up(settings: MqttSettings, batch: Sequence[Message]) -> None:
    """Open ingest's session, leave it, and let the broker keep `batch` for it."""
    session = Session(settings, CLIENT, subscriptions=[f"{settings.root}/telemetry/#", f"{settings.root}/status/#"])
    session.start()
    wait_until(lambda: not session.events.empty(), 10, "subscribed")
    session.stop()
    sender = Session(settings, "sender", persistent=False, report_published=True)
    sender.start()
    wait_until(lambda: sender.connected, 10)
    for topic, payload in batch:
        sender.publish(topic, payload)
    wait_until(lambda: sender.events.qsize() > len(batch), 120, "the broker has every message")
    sender.stop()


def _drain(broker_url: str, folder: Path, store_url: str | None, batch: Sequence[Message]) -> float:
    last = {topic.replace("/telemetry/", "/ack/"): b'"upto":%d}' % _seq(payload) for topic, payload in batch}
    listener = Session(MqttSettings(url=broker_url), "listener", subscriptions=["hw/v1/ack/#"], persistent=False)
    listener.start()
    wait_until(lambda: not listener.events.empty(), 10, "listening for watermarks")
    context = multiprocessing.get_context("spawn")
    loaded, go, stop = context.Event(), context.Event(), context.Event()
    service = context.Process(target=_serve, args=(broker_url, folder, store_url, loaded, go, stop))
    service.start()
    try:
        loaded.wait(60)
        began = time.monotonic()
        go.set()
        while last:
            event = listener.events.get(timeout=300)
            if isinstance(event, Delivery) and event.payload.endswith(last.get(event.topic, b"?")):
                del last[event.topic]
        return time.monotonic() - began
    finally:
        stop.set()
        service.join(30)
        listener.stop()


def _serve(
    broker_url: str,
    folder: Path,
    store_url: str | None,
    loaded: threading.Event,
    go: threading.Event,
    stop: threading.Event,
) -> None:
    store = StoreSettings(
        url=store_url or f"sqlite:{folder / 'readings.db'}", dead_letters=folder / "dead-letters.jsonl"
    )
    settings = IngestSettings(state=folder / "ingest.db", batch_readings=BATCH, client_id=CLIENT)
    service = IngestService(MqttSettings(url=broker_url), store, settings)
    # Loading the database's library takes half a second, once; what is measured is the flow.
    open_store(store).close()
    loaded.set()
    go.wait()
    service.run(stop)


def _seq(payload: bytes) -> int:
    return int(payload.split(b'"seq":', 1)[1].split(b",", 1)[0])


def rows(quick: bool = False) -> list[Row]:
    """All figures of ingest."""
    return [*cpu_rows(quick), *sqlite_rows(quick), *influx_rows(quick)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer readings, for a first look")
    print_table(rows(parser.parse_args().quick))


if __name__ == "__main__":
    main()
