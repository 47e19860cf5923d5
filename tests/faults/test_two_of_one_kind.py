"""Two processes for one job: the second is refused, and a client id taken over is named."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from hearthwatch.run.ingest_process import run_ingest
from messaging.session import MqttSession
from messaging.settings import MqttSettings
from tests.alerts.rig import Running, settings
from tests.ingest.harness import Folder
from tests.servers import NatsBroker, Server, free_port, http_status, wait_until

RUN = (sys.executable, "-m", "hearthwatch")


@pytest.fixture
def server_toml(tmp_path: Path) -> Iterator[Path]:
    broker = NatsBroker(tmp_path / "broker")
    broker.start()
    config = tmp_path / "server.toml"
    config.write_text(
        f'[mqtt]\nurl = "{broker.url}"\n'
        f'[http]\nlisten = "127.0.0.1:{free_port()}"\n'
        '[rules]\nfiles = ["config/rules/*.toml"]\n'
    )
    yield config
    broker.stop()


@pytest.mark.fault("11.B6")
def test_a_second_alerts_process_refuses_to_start(
    server_toml: Path, fault_record: dict[str, float]
) -> None:
    url = server_toml.read_text().split('listen = "')[1].split('"')[0]
    command = [*RUN, "alerts", "run", "--config", str(server_toml)]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: http_status(f"http://{url}/readyz") == 200, 30, "alerts is ready")
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 2
        assert "another alerts process is using it; end that one first" in second.stderr
        assert "Traceback" not in second.stderr
        assert http_status(f"http://{url}/readyz") == 200
    finally:
        first.send_signal(signal.SIGTERM)
        first.wait(20)
    fault_record["trials"] += 1


@pytest.mark.fault("11.B6")
def test_a_client_id_taken_over_is_named_by_alerts(
    broker: Server, tmp_path: Path, fault_record: dict[str, float]
) -> None:
    given = settings(tmp_path, broker.url)
    with structlog.testing.capture_logs() as logged:
        running = Running(**given).ready()
        rival = MqttSession(MqttSettings(url=broker.url), given["alerts"].client_id)
        rival.start()
        try:
            wait_until(lambda: "hearthwatch-alerts" in _named(logged), 40, "the client id is named")
        finally:
            rival.stop()
            running.stop()
    fault_record["trials"] += 1


@pytest.mark.fault("11.B6")
def test_a_client_id_taken_over_is_named_by_ingest(
    nats_broker: Server, tmp_path: Path, fault_record: dict[str, float]
) -> None:
    mqtt, stop = MqttSettings(url=nats_broker.url), threading.Event()
    store, ingest = Folder(tmp_path / "server").settings()
    with structlog.testing.capture_logs() as logged:
        serving = threading.Thread(target=run_ingest, args=(mqtt, store, ingest, stop))
        serving.start()
        rival = MqttSession(mqtt, ingest.client_id)
        rival.start()
        try:
            wait_until(lambda: "hearthwatch-ingest" in _named(logged), 40, "the client id is named")
        finally:
            rival.stop()
            stop.set()
            serving.join(20)
    fault_record["trials"] += 1


def _named(logged: list[structlog.typing.EventDict]) -> list[str]:
    return [entry["client_id"] for entry in logged if entry["event"] == "client_id_taken_over"]
