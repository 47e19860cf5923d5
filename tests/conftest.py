"""Fixtures shared by all tests: real servers, started when first asked for, ended by pid."""

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.servers import (
    InfluxGate,
    InfluxServer,
    MosquittoBroker,
    NatsBroker,
    PostgresServer,
    Server,
    VictoriaServer,
)

# How fast the machine is decides nothing here, and on CI neither does chance: the same examples
# every time.
settings.register_profile(
    "hearthwatch",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("hearthwatch")


# A shell starts what it runs in the background with an ignored Ctrl-C, and every process that a
# test starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def nats_broker(tmp_path: Path) -> Iterator[Server]:
    """The embedded broker, fresh for one test; may be killed and started again on the same port and
    data."""
    yield from _running(NatsBroker(tmp_path / "nats"))


@pytest.fixture
def mosquitto_broker(tmp_path: Path) -> Iterator[Server]:
    """Mosquitto, fresh for one test."""
    yield from _running(MosquittoBroker(tmp_path / "mosquitto"))


@pytest.fixture(params=["nats", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Each of the two brokers in turn."""
    kind = NatsBroker if request.param == "nats" else MosquittoBroker
    yield from _running(kind(tmp_path / request.param))


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxGate]:
    """InfluxDB 1.6 behind nginx; shared, so tests keep apart by their device and village ids."""
    folder = tmp_path_factory.mktemp("influx")
    database = InfluxServer(folder / "influxd")
    gate = InfluxGate(folder / "nginx", database)
    database.start()
    try:
        gate.start()
        yield gate
    finally:
        gate.stop()
        database.stop()


@pytest.fixture(scope="session")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaServer]:
    """VictoriaMetrics; shared, so tests keep apart by their device and village ids."""
    server = VictoriaServer(tmp_path_factory.mktemp("victoria"))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """PostgreSQL; shared, so each test makes its own database in it."""
    server = PostgresServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def tickets_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty ticket database, on SQLite and on PostgreSQL in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/tickets.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create(f"t{uuid.uuid4().hex}")
