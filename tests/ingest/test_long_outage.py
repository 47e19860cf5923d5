"""The store is away for long: what ingest holds meanwhile stays bounded, and all of it is stored
afterwards."""

import gc
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from ingest.store import Prepared, RefusedReading, StoredReading, StoreUnavailable
from ingest.store.sqlite.store import SqliteStore
from messaging.session import _DELIVERY_BYTES as DELIVERY_BYTES
from messaging.session import Delivery, Puback
from tests.ingest.harness import Folder, Gateway, reading, running, telemetry
from tests.servers import MosquittoBroker, NatsBroker, Server, wait_until
from wire.wall_clock import wall_clock_ms

WAITING: Final = 100
"""Messages for which the allowance has room."""
BATCH: Final = 50
MESSAGES: Final = 600
# Batches: as many as the store takes at once, one that waits for its turn, and one being judged.
BATCHES: Final = SqliteStore.writers + 2


class FloodingBroker(MosquittoBroker):
    """A Mosquitto that sends everything at once, whether it is acknowledged or not."""

    def command(self) -> list[str]:
        command = super().command()
        configuration = self.directory / "mosquitto.conf"
        text = configuration.read_text().replace(
            "max_inflight_messages 4096", "max_inflight_messages 0"
        )
        configuration.write_text(text)
        return command


class Body:
    """What a request sends."""


class Gate:
    """A SQLite store that can be shut; like an HTTP client, it then leaves each body in a cycle."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = threading.Event()
        self.attempts = 0
        write = SqliteStore.write_prepared

        def guarded(store: SqliteStore, prepared: Prepared) -> list[RefusedReading]:
            if not self.open.is_set():
                self.attempts += 1
                body = Body()  # noqa: F841  (lives as long as this frame)
                error = StoreUnavailable("away")
                raise error
            return write(store, prepared)

        monkeypatch.setattr(SqliteStore, "write_prepared", guarded)
        monkeypatch.setattr("ingest.durable.commit._LONGEST_PAUSE_S", 0.1)


class Alive:
    """How many objects of a kind there are in this process beyond those that other tests have
    left."""

    def __init__(self) -> None:
        gc.collect()
        self._before = Counter(map(type, gc.get_objects()))

    def __call__(self, kind: type) -> int:
        return sum(type(thing) is kind for thing in gc.get_objects()) - self._before[kind]


def once_and_again(times: Sequence[int]) -> list[bytes]:
    """A message for each time, and all of them once more: a gateway that waits for its watermark
    sends again."""
    return 2 * [telemetry(seq, [reading("pump-1", at)]) for seq, at in enumerate(times, start=1)]


@pytest.mark.parametrize("kind", [NatsBroker, FloodingBroker])
def test_what_waits_for_a_store_that_is_away_is_bounded(
    kind: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = [wall_clock_ms() - MESSAGES + number for number in range(MESSAGES)]
    messages = once_and_again(times)
    monkeypatch.setattr(
        "hearthwatch.run.ingest_process._WAITING_BYTES",
        WAITING * (DELIVERY_BYTES + len(messages[-1])),
    )
    folder, gate, broker = Folder(tmp_path / "server"), Gate(monkeypatch), kind(tmp_path / "broker")
    alive = Alive()
    broker.start()
    try:
        with running(broker.url, folder, batch_readings=BATCH), Gateway(broker.url) as gateway:
            gateway.send_all(messages)
            attempts = gate.attempts
            wait_until(
                lambda: gate.attempts >= attempts + 3, 30, "the store is tried again and again"
            )
            assert (
                alive(Body) <= 3
            )  # of the first attempt, whose outcome is kept, of the last, and of the next
            assert WAITING // 2 <= alive(Delivery) <= 2 * WAITING + 2
            assert 0 < alive(Puback) <= BATCHES * BATCH
            assert 0 < alive(StoredReading) <= BATCHES * BATCH
            gate.open.set()
            gateway.wait_for_ack(MESSAGES)
        assert folder.rows() == [("pump-1", at) for at in times]
        assert folder.letters() == []
    finally:
        broker.stop()


def test_repetitions_that_wait_leave_only_their_receipts(
    nats_broker: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, gate = Folder(tmp_path / "server"), Gate(monkeypatch)
    gate.open.set()
    alive, now = Alive(), wall_clock_ms()
    with running(nats_broker.url, folder), Gateway(nats_broker.url) as gateway:
        gateway.send(telemetry(1, [reading("pump-1", now)]))
        gateway.wait_for_ack(1)
        gate.open.clear()
        gateway.send(telemetry(2, [reading("pump-1", now + 1)]))
        wait_until(lambda: gate.attempts, what="a batch waits for the store")
        gateway.send_all(MESSAGES * [telemetry(1, [reading("pump-1", now)])])
        # All but the one batch that is being judged.
        wait_until(
            lambda: alive(Puback) > MESSAGES // 2,
            20,
            "repetitions are judged while the store is away",
        )
        gate.open.set()
        gateway.send(telemetry(3, [reading("pump-1", now + 2)]))
        gateway.wait_for_ack(3)
    assert [at for _, at in folder.rows()] == [now, now + 1, now + 2]
