"""Whatever becomes of the broker, the gateways' journals bring every reading to the store, once
(reliability §1)."""

import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import FaultRecord
from tests.ingest.harness import Folder, running
from tests.ingest.village import JournalGateway
from tests.servers import MosquittoBroker, NatsBroker, Server, wait_until
from wire.topics import GatewayPath

_GATEWAYS = 3


class NarrowBroker(MosquittoBroker):
    """A Mosquitto that keeps ten messages for a client that is away and drops the rest, though it
    acknowledged them."""

    def command(self) -> list[str]:
        command = super().command()
        configuration = self.directory / "mosquitto.conf"
        text = configuration.read_text().replace(
            "max_queued_messages 100000", "max_queued_messages 10"
        )
        configuration.write_text(
            text.replace("max_inflight_messages 4096", "max_inflight_messages 5")
        )
        return command


@contextmanager
def village(broker: Server, folder: Path) -> Iterator[list[JournalGateway]]:
    gateways = [
        JournalGateway(
            broker.url, folder, GatewayPath("mentougou", "zhaitang", "matao", f"gw-{number}")
        )  # type: ignore[attr-defined]
        for number in range(_GATEWAYS)
    ]
    for gateway in gateways:
        gateway.start()
    try:
        yield gateways
    finally:
        for gateway in gateways:
            gateway.close()


@contextmanager
def polling(gateways: list[JournalGateway], every_s: float = 0.01) -> Iterator[None]:
    """Readings keep coming from every gateway."""
    stop = threading.Event()

    def poll() -> None:
        while not stop.wait(every_s):
            for gateway in gateways:
                gateway.poll()

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def wait_for_more(gateways: list[JournalGateway], count: int) -> None:
    goal = len(gateways[0].polled) + count
    wait_until(lambda: len(gateways[0].polled) >= goal, 30)


def assert_every_reading_is_stored_once(
    folder: Folder, gateways: list[JournalGateway], record: FaultRecord
) -> None:
    def drained() -> bool:
        return all(gateway.all_answered_for() for gateway in gateways)

    wait_until(drained, 60, f"journals drain: {[gateway.waiting for gateway in gateways]}")
    expected = [(gateway.device, at) for gateway in gateways for at in gateway.polled]
    rows = folder.rows()
    record_rows(record, expected, rows)
    assert rows == sorted(expected)
    assert folder.letters() == []


def record_rows(record: FaultRecord, expected: Sequence[object], rows: Sequence[object]) -> None:
    """Count the readings sent, and what the store lacks or holds twice."""
    record["trials"] += len(expected)
    record["lost"] += len(set(expected) - set(rows))
    record["doubled"] += len(rows) - len(set(rows))


@pytest.mark.fault("reliability §1: broker")
@pytest.mark.parametrize("kind", [NatsBroker, MosquittoBroker])
@pytest.mark.parametrize("wiped", [False, True], ids=["killed", "wiped"])
def test_a_broker_killed_or_wiped_again_and_again(
    kind: type[Server], wiped: bool, tmp_path: Path, fault_record: FaultRecord
) -> None:
    broker, folder = kind(tmp_path / "broker"), Folder(tmp_path / "server")
    broker.start()
    try:
        with (
            running(broker.url, folder),  # type: ignore[attr-defined]
            village(broker, tmp_path) as gateways,
        ):
            with polling(gateways):
                for _ in range(2):
                    wait_for_more(gateways, 30)
                    broker.kill()
                    if wiped:
                        shutil.rmtree(broker.directory)
                        broker.directory.mkdir()
                    broker.start()
                wait_for_more(gateways, 30)
            assert_every_reading_is_stored_once(folder, gateways, fault_record)
    finally:
        broker.stop()


@pytest.mark.fault("reliability §1: broker")
def test_a_broker_that_drops_what_it_acknowledged(
    tmp_path: Path, fault_record: FaultRecord
) -> None:
    broker, folder = NarrowBroker(tmp_path / "broker"), Folder(tmp_path / "server")
    broker.start()
    try:
        with village(broker, tmp_path) as gateways:
            with running(broker.url, folder), polling(gateways):
                wait_for_more(gateways, 30)
            # Nobody takes anything now, and the queue is full after ten of these.
            with polling(gateways):
                wait_for_more(gateways, 60)
            with running(broker.url, folder):
                assert_every_reading_is_stored_once(folder, gateways, fault_record)
        log = (broker.directory / "server.log").read_text()
        assert "Outgoing messages are being dropped" in log
    finally:
        broker.stop()
