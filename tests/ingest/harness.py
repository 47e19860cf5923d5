"""Gateways as the tests play them, and the service running beside them."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from hearthwatch.run.ingest_process import run_ingest
from ingest.settings import IngestSettings
from ingest.store import StoreSettings
from messaging.settings import MqttSettings
from tests.servers import wait_until
from wire.encode import encode_status, encode_telemetry
from wire.messages import AnnouncedDevice, Dropped, Reading, Status, Telemetry
from wire.topics import GatewayPath, gateway_topic
from wire.wall_clock import wall_clock_ms

PLACE = GatewayPath("mentougou", "zhaitang", "matao", "mt-01")


def reading(device: str, at: int, **values: float) -> Reading:
    return Reading(device, at, "heating", [], values or {"supply_c": 41.5, "return_c": 36.25}, [])


def telemetry(
    seq: int,
    readings: Sequence[Reading],
    *,
    epoch: str = "e1",
    sent_at: int = 0,
    dropped: Dropped | None = None,
    acked: int = 0,
) -> bytes:
    return encode_telemetry(
        Telemetry(1, epoch, seq, sent_at, 30, list(readings), dropped, acked=acked)
    )


@dataclass
class Gateway:
    """A gateway that sends what it is told and remembers the watermarks it is answered."""

    url: str
    place: GatewayPath = PLACE
    acks: list[dict[str, object]] = field(default_factory=list)

    def __enter__(self) -> "Gateway":
        settings = MqttSettings(url=self.url)
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"test-{self.place.gateway}"
        )
        self._ready = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe(
            gateway_topic("ack", self.place), 1
        )
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda _client, _data, message: self.acks.append(
            json.loads(message.payload)
        )
        self._client.connect(settings.host, settings.port)
        self._client.loop_start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, payload: bytes, topic: str | None = None) -> None:
        """Publish, and wait for the broker's PUBACK."""
        self._client.publish(
            topic or gateway_topic("telemetry", self.place), payload, qos=1
        ).wait_for_publish(10)

    def send_all(self, payloads: Sequence[bytes]) -> None:
        topic = gateway_topic("telemetry", self.place)
        sent = [self._client.publish(topic, payload, qos=1) for payload in payloads]
        for message in sent:
            message.wait_for_publish(30)

    def birth(self, devices: Sequence[str], epoch: str = "e1") -> None:
        announced = [
            AnnouncedDevice(device, "phnix", "bus-1", number + 1)
            for number, device in enumerate(devices)
        ]
        status = Status(True, wall_clock_ms(), epoch, "0.1", 30, announced)
        topic = gateway_topic("status", self.place)
        self._client.publish(topic, encode_status(status), qos=1, retain=True).wait_for_publish(10)

    def wait_for_ack(self, upto: int, epoch: str = "e1") -> None:
        wait_until(
            lambda: {"v": 1, "epoch": epoch, "upto": upto} in self.acks,
            20,
            f"watermark {upto}: {self.acks}",
        )


@dataclass
class Folder:
    """Where one server keeps its files."""

    path: Path
    store_url: str | None = None

    @property
    def readings(self) -> Path:
        return self.path / "readings.db"

    @property
    def dead_letters(self) -> Path:
        return self.path / "dead-letters.jsonl"

    def settings(self, **ingest: object) -> tuple[StoreSettings, IngestSettings]:
        url = self.store_url or f"sqlite:{self.readings}"
        ingest = {"state": self.path / "ingest.db", "batch_wait": "50ms", **ingest}
        return StoreSettings(
            url=url, dead_letters=self.dead_letters
        ), IngestSettings.model_validate(ingest)

    def rows(self, columns: str = "device, at") -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.readings)) as database:
            return database.execute(f"SELECT {columns} FROM reading ORDER BY device, at").fetchall()  # noqa: S608 - columns of our own

    def letters(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.dead_letters.read_text().splitlines()]


def wait_until_subscribed(broker_url: str, errors: Sequence[BaseException]) -> None:
    """A birth is answered by a service that has subscribed.

    NATS loses a message that is published at the very moment of the subscription, retained or not:
    so it is repeated.
    """
    with Gateway(broker_url, GatewayPath("mentougou", "zhaitang", "matao", "probe")) as probe:

        def answered() -> bool:
            probe.birth([])
            return bool(probe.acks or errors)

        wait_until(answered, what="the service answers")


@contextmanager
def running(broker_url: str, folder: Folder, **ingest: object) -> Iterator[None]:
    """The service in a thread; an error that ends it fails the test."""
    stop = threading.Event()
    errors: list[BaseException] = []
    store, settings = folder.settings(**ingest)

    def serve() -> None:
        try:
            run_ingest(MqttSettings(url=broker_url), store, settings, stop)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        wait_until_subscribed(broker_url, errors)
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not errors, errors
        assert not thread.is_alive()
