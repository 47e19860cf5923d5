"""Every process reports within seconds, in one line, why it has no broker."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.expired import expired_certificate
from tests.servers import MosquittoBroker, free_port, wait_until

PROCESSES = {
    "gateway": ["gateway", "run", "--config", "gateway.toml"],
    "ingest": ["ingest", "run", "--config", "server.toml"],
    "alerts": ["alerts", "run", "--config", "server.toml"],
    "watch": ["watch", "--config", "server.toml"],
}
EVERYWHERE = "expired certificate"
"""The fault that every process is tried with; the others meet the lightest two."""
REASONS = {
    "expired certificate": "certificate has expired",
    "unknown name": "cannot be resolved",
    "closed port": "nothing listens on 127.0.0.1:",
    "no mqtt": "takes no MQTT connection",
}


class TlsBroker(MosquittoBroker):
    """Mosquitto behind a certificate that has expired."""

    def command(self) -> list[str]:
        command = super().command()
        certificate, key = expired_certificate(self.directory / "tls")
        with (self.directory / "mosquitto.conf").open("a") as configuration:
            configuration.write(f"certfile {certificate}\nkeyfile {key}\n")
        return command


class Silent:
    """A server that accepts connections and never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def stop(self) -> None:
        self._listener.close()


@pytest.fixture(params=REASONS)
def fault(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def mqtt(fault: str, tmp_path: Path) -> Iterator[str]:
    """The [mqtt] table of a broker that cannot be reached."""
    if fault == "unknown name":
        yield 'url = "mqtt://broker.invalid:1883"'
    elif fault == "closed port":
        yield f'url = "mqtt://127.0.0.1:{free_port()}"'
    elif fault == "no mqtt":
        silent = Silent()
        yield f'url = "mqtt://127.0.0.1:{silent.port}"'
        silent.stop()
    else:
        broker = TlsBroker(tmp_path / "mosquitto")
        broker.start()
        ca = tmp_path / "mosquitto" / "tls" / "cert.pem"
        yield f'url = "mqtts://127.0.0.1:{broker.port}"\nca = "{ca}"'
        broker.stop()


@pytest.fixture
def folder(mqtt: str, tmp_path: Path) -> Path:
    (tmp_path / "server.toml").write_text(
        f'[mqtt]\n{mqtt}\n[http]\nlisten = "127.0.0.1:{free_port()}"\n'
    )
    (tmp_path / "gateway.toml").write_text(
        'district = "d"\ntown = "t"\nvillage = "v"\ngateway = "g"\n'
        f'[mqtt]\n{mqtt}\n[journal]\npath = "journal.db"\n'
        f'[[bus]]\nurl = "tcp://127.0.0.1:{free_port()}"\n'
        'device = [{ id = "unit", address = 1, profile = "midea-mthermal" }]\n'
    )
    return tmp_path


@pytest.mark.fault("11.A11")
def test_every_process_says_in_one_line_why_it_has_no_broker(
    fault: str, folder: Path, fault_record: dict[str, float]
) -> None:
    began = time.monotonic()
    names = list(PROCESSES) if fault == EVERYWHERE else ["gateway", "watch"]
    running = {name: _start(name, folder) for name in names}
    try:
        for name in names:
            wait_until(lambda name=name: _lines(folder, name, fault), 40, name)  # type: ignore[misc]
            fault_record["blind_s"] = time.monotonic() - began
            fault_record["trials"] += 1
        assert running["watch"].wait(20) == 3
        assert [len(_lines(folder, name, fault)) for name in names] == [1] * len(names)
        assert not any("Traceback" in _log(folder, name).read_text() for name in names)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait(20)


def _start(name: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "hearthwatch", *PROCESSES[name]]
    with _log(folder, name).open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)


def _log(folder: Path, name: str) -> Path:
    return folder / f"{name}.log"


def _lines(folder: Path, name: str, fault: str) -> list[str]:
    lines = _log(folder, name).read_text(errors="replace").splitlines()
    return [line for line in lines if REASONS[fault] in line]
