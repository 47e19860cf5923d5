"""Two ways through the broker to compare: ingest and a plain subscriber, each in a process.

The messages wait at Mosquitto before the process connects, so that sending them takes none of the
measured time.
"""

import multiprocessing
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.process import cpu_s
from bench.telemetry import DEVICES_PER_GATEWAY, GATEWAYS, Message
from hearthwatch.run.ingest_process import run_ingest
from ingest.settings import IngestSettings
from ingest.store import StoreSettings
from messaging.session import Delivery, MqttSession
from messaging.settings import MqttSettings
from tests.servers import InfluxGate, MosquittoBroker, wait_until

BATCH: Final = 5_000
_CLIENT: Final = "hearthwatch-ingest"


@dataclass(frozen=True, slots=True)
class Measured:
    """Readings a second until all are stored, and the process's µs of CPU for each."""

    readings_per_s: float
    cpu_us: float


def through_ingest(batch: Sequence[Message], store_url: str | None) -> Measured:
    """Measure from the watermark of every gateway's first message to that of its last one.

    The first messages make a row for each device, once in its life. No URL means SQLite. The CPU is
    that of the same time.
    """
    first, rest = batch[:GATEWAYS], batch[GATEWAYS:]
    with _waiting_at_a_broker(batch) as (broker, folder):
        context = multiprocessing.get_context("spawn")
        stop = context.Event()
        service = context.Process(target=_serve, args=(broker.url, folder, store_url, stop))
        watermarks = _Watermarks(broker.url)
        service.start()
        try:
            watermarks.wait(first)
            assert service.pid is not None
            used, began = cpu_s(service.pid), time.monotonic()
            watermarks.wait(rest)
            return _measured(rest, time.monotonic() - began, cpu_s(service.pid) - used)
        finally:
            stop.set()
            service.join(30)
            watermarks.close()


def through_plain_subscriber(batch: Sequence[Message], gate: InfluxGate) -> Measured:
    """Measure from when the plain subscriber may connect until its last batch is flushed."""
    with _waiting_at_a_broker(batch) as (broker, _):
        settings = MqttSettings(url=broker.url)
        arguments = [
            settings.host,
            str(settings.port),
            _CLIENT,
            gate.http_url,
            str(BATCH),
            str(len(batch)),
        ]
        command = [sys.executable, "-m", "bench.plain_subscriber", *arguments]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()
            used, began = cpu_s(process.pid), time.monotonic()
            process.stdin.write("go\n")
            process.stdin.flush()
            total = float(process.stdout.readline())
            return _measured(batch, time.monotonic() - began, total - used)


def _measured(batch: Sequence[Message], seconds: float, cpu: float) -> Measured:
    readings = len(batch) * DEVICES_PER_GATEWAY
    return Measured(readings / seconds, cpu / readings * 1e6)


@contextmanager
def _waiting_at_a_broker(batch: Sequence[Message]) -> Iterator[tuple[MosquittoBroker, Path]]:
    with tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as name:
        broker = MosquittoBroker(Path(name) / "broker", persistent=False)
        broker.start()
        try:
            _queue_up(MqttSettings(url=broker.url), batch)
            yield broker, Path(name)
        finally:
            broker.stop()


def _queue_up(settings: MqttSettings, batch: Sequence[Message]) -> None:
    """Open the subscriber's session, leave it, and let the broker keep `batch` for it."""
    filters = IngestSettings().filters(settings.root)
    session = MqttSession(settings, _CLIENT, subscriptions=filters)
    session.start()
    wait_until(lambda: not session.events.empty(), 10, "subscribed")
    session.stop()
    sender = MqttSession(settings, "sender", persistent=False, report_published=True)
    sender.start()
    wait_until(lambda: sender.connected, 10)
    for topic, payload in batch:
        sender.publish(topic, payload)
    wait_until(lambda: sender.events.qsize() > len(batch), 120, "the broker has every message")
    sender.stop()


class _Watermarks:
    """Listens for the watermark of each gateway."""

    def __init__(self, broker_url: str) -> None:
        self._upto: Counter[str] = Counter()
        self._session = MqttSession(
            MqttSettings(url=broker_url),
            "listener",
            subscriptions=["hw/v1/ack/#"],
            persistent=False,
        )
        self._session.start()
        wait_until(lambda: not self._session.events.empty(), 10, "listening for watermarks")

    def wait(self, messages: Sequence[Message]) -> None:
        """Wait until a watermark covers each of `messages`."""
        numbers = {_ack_topic(topic): _number(payload, b"seq") for topic, payload in messages}
        missing = {topic for topic, number in numbers.items() if self._upto[topic] < number}
        while missing:
            event = self._session.events.get(timeout=300)
            if not isinstance(event, Delivery):
                continue
            # Without its PUBACK the broker stops after `max_inflight_messages`.
            self._session.acknowledge(event)
            self._upto[event.topic] = _number(event.payload, b"upto")
            if self._upto[event.topic] >= numbers.get(event.topic, 0):
                missing.discard(event.topic)

    def close(self) -> None:
        """Stop listening."""
        self._session.stop()


def _serve(broker_url: str, folder: Path, store_url: str | None, stop: threading.Event) -> None:
    store = StoreSettings(
        url=store_url or f"sqlite:{folder / 'readings.db'}",
        dead_letters=folder / "dead-letters.jsonl",
    )
    settings = IngestSettings(state=folder / "ingest.db", batch_readings=BATCH, client_id=_CLIENT)
    run_ingest(MqttSettings(url=broker_url), store, settings, stop)


def _ack_topic(topic: str) -> str:
    return topic.replace("/telemetry/", "/ack/")


def _number(payload: bytes, key: bytes) -> int:
    return int(re.split(rb"[,}]", payload.partition(b'"%b":' % key)[2], maxsplit=1)[0])
