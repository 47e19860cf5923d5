"""The retained alert feed equals the active alerts after any restart of a broker, and after the
ticket database was put back from a backup: real brokers, real database files."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from alerts.feed.retained_set import REMOVED
from messaging.session import Delivery
from tests.alerts.rig import DEVICES, Feed, Gateway, Running, Tables, settings
from tests.servers import Server, wait_until

FAULTS = ("high_pressure:P1", "fan:E1")
STALE = "hw/v1/alert/mentougou/zhaitang/matao/mtg-mt-0009/fault/pump-e9"


@pytest.fixture
def given(tmp_path: Path, broker: Server) -> dict[str, Any]:
    return settings(tmp_path, broker.url)  # type: ignore[attr-defined]


@contextmanager
def village(broker: Server) -> Iterator[Gateway]:
    gateway = Gateway(broker.url)  # type: ignore[attr-defined]
    gateway.birth(*DEVICES)
    try:
        yield gateway
    finally:
        gateway.close()


def retained(broker: Server, client_id: str = "test-retained") -> dict[str, str]:
    """The state of each retained alert, by topic, as a new subscriber gets it."""
    feed = Feed(broker.url, client_id)  # type: ignore[attr-defined]
    try:
        _mark(broker, feed)
        return {each.topic: _state(each) for each in feed.messages if each.retained}
    finally:
        feed.close()


def _mark(broker: Server, feed: Feed) -> None:
    """Wait until a message published after the subscription has come."""
    mark = Gateway(broker.url)  # type: ignore[attr-defined]
    mark._bus.publish("hw/v1/alert/mark", b"mark")
    wait_until(lambda: any(each.topic.endswith("/mark") for each in feed.messages))
    mark.close()


def _state(delivery: Delivery) -> str:
    try:
        return str(json.loads(delivery.payload)["state"])
    except (ValueError, KeyError):
        return "foreign"


def active(tables: Tables) -> int:
    return len(tables.alerts(state="active"))


def leave_behind(broker: Server, payload: bytes) -> None:
    """What an older state of the broker would hold."""
    other = Gateway(broker.url)  # type: ignore[attr-defined]
    other._bus.publish(STALE, payload, retain=True)
    if payload != REMOVED:
        wait_until(lambda: STALE in retained(broker))
    other.close()


@pytest.mark.fault("11.B5")
def test_a_broker_that_comes_back_with_another_set_is_corrected(
    given: dict[str, Any], broker: Server, fault_record: dict[str, float]
) -> None:
    tables = Tables(given["tickets"].url)
    service = Running(**given).ready()
    with village(broker) as gateway:
        gateway.read(DEVICES[0], *FAULTS, supply_c=41.5)
        wait_until(lambda: len(retained(broker)) == 2)
        right = set(retained(broker))
        leave_behind(broker, b'{"v":1,"state":"active"}')
        broker.kill()
        shutil.rmtree(broker.directory / "jetstream", ignore_errors=True)
        broker.start()
        wait_until(lambda: service.service.readiness() == [])
        wait_until(lambda: set(retained(broker)) == right, 30, "the feed equals what is active")
    fault_record |= {"trials": 1, "missed": active(tables) - len(retained(broker))}
    service.stop()


@pytest.mark.fault("11.B5")
def test_a_database_put_back_from_a_backup_takes_its_alerts_with_it(
    given: dict[str, Any], broker: Server, tmp_path: Path, fault_record: dict[str, float]
) -> None:
    database, backup = tmp_path / "tickets.db", tmp_path / "backup.db"
    service = Running(**given).ready()
    with village(broker) as gateway:
        gateway.read(DEVICES[0], FAULTS[0], supply_c=41.5)
        wait_until(lambda: len(retained(broker)) == 1)
        service.stop()
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(backup)) as copy:
            source.backup(copy)
        service = Running(**given).ready()
        gateway.read(DEVICES[0], supply_c=41.5)
        gateway.read(DEVICES[0], supply_c=41.5)
        gateway.read(DEVICES[1], FAULTS[1], supply_c=41.5)
        wait_until(lambda: [topic.split("/")[-3] for topic in retained(broker)] == [DEVICES[1]])
        service.stop()
        for file in tmp_path.glob("tickets.db*"):
            file.unlink()
        shutil.copy(backup, database)
        service = Running(**given).ready()
        wait_until(
            lambda: [topic.split("/")[-3] for topic in retained(broker)] == [DEVICES[0]],
            what="what the backup has as active, and nothing else",
        )
        for _ in range(2):
            gateway.read(DEVICES[0], supply_c=41.5)
            gateway.read(DEVICES[1], FAULTS[1], supply_c=41.5)
        wait_until(
            lambda: [topic.split("/")[-3] for topic in retained(broker)] == [DEVICES[1]],
            what="what goes on is raised again, and what is over cleared",
        )
        tables = Tables(given["tickets"].url)
        fault_record |= {"trials": 1, "lost": 1 - active(tables)}
        assert [row.subject for row in tables.alerts(state="active")] == [DEVICES[1]]
        assert len(tables.tickets(device=DEVICES[1])) == 1
        service.stop()
