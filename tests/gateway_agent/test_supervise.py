"""The gateway as its service manager and its operator see it: the command line, signals, pages,
certificates."""

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any, cast

import pytest

from configuration.load import ConfigurationError, ConfigurationProblem
from gateway_agent.settings import GatewaySettings
from gateway_agent.status.systemd import Notifier
from gateway_agent.supervise import Configuration, GatewaySupervisor, Signals
from messaging.settings import MqttSettings
from tests.gateway_agent.slaves import PtySlave, Units
from tests.gateway_agent.test_service import REPOSITORY, midea_registers
from tests.gateway_agent.uplink.test_publisher import GATEWAY, Receiver
from tests.servers import MosquittoBroker, Server, free_port, http_status, wait_until
from wire.encode import encode_command
from wire.messages import Command
from wire.topics import gateway_topic
from wire.units import DAY_MS, HOUR_MS
from wire.wall_clock import wall_clock_ms


class Manager:
    """A service manager's end of sd_notify."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self.heard: list[str] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def environment(self, watchdog_s: float) -> dict[str, str]:
        return {
            "NOTIFY_SOCKET": str(self.path),
            "WATCHDOG_USEC": str(round(watchdog_s * 1_000_000)),
        }

    def _listen(self) -> None:
        while words := self._socket.recv(4096):
            self.heard += words.decode().splitlines()

    def hears(self, word: str) -> bool:
        return word in self.heard

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()


class Box:
    """A village box with one line, run from the command line."""

    def __init__(self, folder: Path, url: str, mqtt: str = "") -> None:
        self.folder, self._url, self._mqtt = folder, url, mqtt
        water = midea_registers() | {
            0: 2,
            1: 3,
            5: 0,
            11: 35,
            **dict.fromkeys(range(200, 207), 0),
            203: 55,
            204: 25,
        }
        self.units = Units({1: dict(water), 2: dict(water)})
        self.line = PtySlave(self.units)
        self.page = free_port()
        self.manager = Manager(folder)
        self.configuration = folder / "gateway.toml"
        self.process: subprocess.Popen[bytes] | None = None

    def configure(self, devices: int = 1, extra: str = "") -> None:
        units = ", ".join(
            f'{{ id = "unit-{n}", address = {n}, profile = "midea-mthermal" }}'
            for n in range(1, devices + 1)
        )
        self.configuration.write_text(f"""
district = "{GATEWAY.district}"
town = "{GATEWAY.town}"
village = "{GATEWAY.village}"
gateway = "{GATEWAY.gateway}"
interval = "1s"
{extra}
[mqtt]
url = "{self._url}"
{self._mqtt}
[journal]
path = "journal.db"
[metrics]
listen = "127.0.0.1:{self.page}"
[[bus]]
url = "serial://{self.line.path}?baud=115200"
device = [{units}]
""")

    def start(self, watchdog_s: float = 60) -> None:
        environment = {**os.environ, **self.manager.environment(watchdog_s)}
        command = [
            sys.executable,
            "-m",
            "hearthwatch",
            "gateway",
            "run",
            "--config",
            str(self.configuration),
        ]
        with (self.folder / "gateway.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=log)

    @property
    def log(self) -> str:
        return (self.folder / "gateway.log").read_text()

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.send(number)
        return self.process.wait(20)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.end(signal.SIGKILL)
        self.line.close()
        self.manager.close()


@pytest.fixture
def box(mosquitto_broker: Server, tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path, mosquitto_broker.url)  # type: ignore[attr-defined]
    yield made
    made.close()


@pytest.fixture
def receiver(mosquitto_broker: Server) -> Iterator[Receiver]:
    made = Receiver(mosquitto_broker.url)  # type: ignore[attr-defined]
    yield made
    made.close()


def metrics(page: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{page}/metrics", timeout=5) as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_ready_alive_reload_and_stop(box: Box, receiver: Receiver) -> None:
    box.configure()
    box.start()
    wait_until(lambda: box.manager.hears("READY=1") and box.manager.hears("WATCHDOG=1"), 20)
    wait_until(lambda: receiver.of("telemetry"), 20)
    assert http_status(f"http://127.0.0.1:{box.page}/healthz") == 200
    assert http_status(f"http://127.0.0.1:{box.page}/elsewhere") == 404
    shown = metrics(box.page)
    assert shown["hearthwatch_gateway_journal_last_seq"] >= 1
    assert shown["hearthwatch_gateway_journal_messages"] >= 1
    assert shown[f'hearthwatch_gateway_quarantined_units{{line="serial://{box.line.path}"}}'] == 0

    box.configure(devices=1, extra='colour = "blue"')
    box.manager.heard.clear()
    box.send(signal.SIGHUP)
    wait_until(lambda: "configuration_refused" in box.log, 10)
    assert f"{box.configuration}: colour: " in box.log
    before = len(receiver.of("telemetry"))
    wait_until(lambda: len(receiver.of("telemetry")) > before + 1, 10, "it goes on as before")
    wait_until(lambda: box.manager.hears("RELOADING=1") and box.manager.hears("READY=1"))

    box.configure(devices=2)
    box.send(signal.SIGHUP)
    wait_until(
        lambda: any(len(birth.get("devices", [])) == 2 for birth in receiver.of("status")), 20
    )
    wait_until(
        lambda: any(
            r["device"] == "unit-2" for m in receiver.of("telemetry") for r in m["readings"]
        ),
        20,
    )
    assert len({message["epoch"] for message in receiver.of("telemetry")}) == 1
    assert box.end() == 0
    wait_until(lambda: box.manager.hears("STOPPING=1"))


def test_a_command_travels_to_the_unit_once_and_its_result_back(
    box: Box, receiver: Receiver
) -> None:
    box.configure()
    box.start()
    wait_until(lambda: receiver.of("status"), 20)
    wanted = Command(
        "11111111-2222-3333-4444-555555555555",
        "unit-1",
        {"setpoint_c": 42.0},
        wall_clock_ms() + HOUR_MS,
        "somebody",
    )
    receiver._session.publish(
        gateway_topic("command", GATEWAY), encode_command(wanted), retain=True
    )
    result = wait_until(lambda: receiver.of("result"), 20)[0]
    assert (result["id"], result["status"], result["read_back"]) == (
        wanted.id,
        "done",
        {"setpoint_c": 42.0},
    )
    assert box.units.written == [(1, 16, 11, (42,))]
    box.end(signal.SIGKILL)
    # The broker hands the retained one to the restarted gateway, which ignores it; the same id once
    # more is answered.
    box.start()
    wait_until(lambda: f"retained_command_ignored id={wanted.id}" in box.log, 20)
    receiver.say("command", encode_command(wanted))
    wait_until(lambda: len(receiver.of("result")) >= 2, 20)
    assert receiver.of("result")[-1] == result
    box.units.registers[1][203] = 40
    valid = wall_clock_ms() + HOUR_MS
    receiver.say(
        "command", encode_command(Command("two", "unit-1", {"setpoint_c": 42.0}, valid, "somebody"))
    )
    wait_until(lambda: receiver.of("result")[-1]["reason"] == "out_of_bounds", 20)
    box.units.registers[1][203] = 55
    for number, (expires_at, reason) in enumerate(
        [(valid, "too_soon: write it again in "), (valid + 2 * DAY_MS, "expiry_too_far: ")]
    ):
        wanted = Command(f"more-{number}", "unit-1", {"setpoint_c": 43.0}, expires_at, "anna")
        receiver.say("command", encode_command(wanted))
        answer = wait_until(
            lambda wanted=wanted: [
                each for each in receiver.of("result") if each["id"] == wanted.id
            ],
            20,
        )[0]
        assert (answer["status"], answer["by"]) == ("rejected", "anna")
        assert answer["reason"].startswith(reason)
        assert f"command_done id={wanted.id} by=anna" in box.log or (
            f"command_refused id={wanted.id} by=anna" in box.log
        )
    assert box.units.written == [(1, 16, 11, (42,))]


def test_secrets_that_everybody_may_read_are_refused_by_name(box: Box) -> None:
    secret = box.folder / "password"
    secret.write_text("hush")
    secret.chmod(0o644)
    box._mqtt = 'username = "gw"\npassword_file = "password"'
    box.configure()
    box.start()
    assert box.process is not None
    assert box.process.wait(20) == 2
    assert f"{box.configuration}: mqtt.password_file: {secret} is open to everybody" in box.log


class TlsBroker(MosquittoBroker):
    """Mosquitto that speaks only TLS, and only to those who show a certificate of its own
    authority."""

    def command(self) -> list[str]:
        command = super().command()
        made = certificates(self.directory)
        with (self.directory / "mosquitto.conf").open("a") as file:
            file.write(
                f"cafile {made}/ca.crt\ncertfile {made}/server.crt\nkeyfile {made}/server.key\n"
            )
            file.write("require_certificate true\nuse_identity_as_username true\n")
        return command


def certificates(folder: Path) -> Path:
    """An authority, and a server and a gateway it vouches for."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(
        "req",
        "-x509",
        *curve,
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
        "-subj",
        "/CN=district",
        "-days",
        "2",
    )
    for name, subject in (("server", "/CN=127.0.0.1"), ("gateway", "/CN=gw-1")):
        openssl("req", *curve, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
        (folder / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1\n")
        signing = (
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-extfile",
            f"{name}.ext",
            "-days",
            "2",
        )
        openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signing)
    return folder


def test_a_broker_that_asks_for_a_certificate_gets_one(tmp_path: Path) -> None:
    broker = TlsBroker(tmp_path / "broker")
    broker.start()
    mqtt = "\n".join(
        f'{key} = "broker/{file}"' for key, file in [("ca", "ca.crt"), ("cert", "gateway.crt")]
    )
    box = Box(tmp_path, f"mqtts://127.0.0.1:{broker.port}", f'{mqtt}\nkey = "broker/gateway.key"')
    try:
        box.configure()
        box.start()
        wait_until(lambda: "broker_connected" in box.log, 20)
        wait_until(lambda: metrics(box.page)["hearthwatch_gateway_broker_connected"] == 1, 20)
        assert box.end() == 0
        assert "gw-1" in (broker.directory / "server.log").read_text()
    finally:
        box.close()
        broker.stop()


@pytest.mark.parametrize("broken", ["ca.crt", "gateway.crt", "gateway.key"])
def test_certificates_that_cannot_be_used_are_refused_before_anything_runs(
    tmp_path: Path, broken: str
) -> None:
    folder = certificates(tmp_path)
    (folder / broken).write_text("no certificate")
    with pytest.raises(ValueError, match="do not fit together"):
        MqttSettings(
            url="mqtts://127.0.0.1:8883",
            ca=folder / "ca.crt",
            cert=folder / "gateway.crt",
            key=folder / "gateway.key",
        )


class HungService:
    """A gateway one of whose lines hangs."""

    def __init__(self) -> None:
        self.checks = 0

    @property
    def running(self) -> Any:
        self.checks += 1
        return SimpleNamespace(alive_at=monotonic() - 31)

    def run(self, stop: threading.Event) -> None:
        stop.wait(30)


def settings_of(listen: str = "") -> GatewaySettings:
    bus = {"url": "tcp://127.0.0.1:502", "device": [{"id": "a", "address": 1, "profile": "x"}]}
    document: dict[str, Any] = dict.fromkeys(("district", "town", "village", "gateway"), "x")
    return GatewaySettings.model_validate(
        document
        | {"journal": {"path": "j"}, "bus": [bus]}
        | {"metrics": {"listen": listen or None}}
    )


def run_hung(folder: Path, then: Callable[[HungService, Manager, str], None]) -> None:
    manager, service, signals = (
        Manager(folder),
        HungService(),
        Signals(threading.Event(), threading.Event()),
    )
    listen = f"127.0.0.1:{free_port()}"
    supervisor = GatewaySupervisor(
        lambda: Configuration(settings_of(listen), {}),
        signals,
        Notifier(manager.environment(60)),
        lambda _: cast("Any", service),
    )
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        then(service, manager, listen)
    finally:
        signals.stop.set()
        thread.join(10)
        manager.close()


def test_a_line_that_hangs_starves_the_watchdog_and_shows_on_the_page(tmp_path: Path) -> None:
    def check(service: HungService, manager: Manager, listen: str) -> None:
        wait_until(lambda: service.checks >= 3, 10)
        assert http_status(f"http://{listen}/healthz") == 503
        assert manager.hears("READY=1")
        assert not manager.hears("WATCHDOG=1")

    run_hung(tmp_path, check)


def test_a_first_configuration_that_is_refused_ends_at_once() -> None:
    def refuse() -> Configuration:
        raise ConfigurationError([ConfigurationProblem(Path("gateway.toml"), "bus", "missing")])

    with pytest.raises(ConfigurationError):
        GatewaySupervisor(refuse, Signals(threading.Event(), threading.Event()), Notifier({}))


def test_a_manager_that_does_not_listen_holds_nothing_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "notify"))
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        for _ in range(1_000):
            notifier.alive()


def test_without_a_manager_nothing_is_said() -> None:
    silent = Notifier({})
    silent.ready()
    assert silent.watchdog_s is None
    Notifier({"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "junk"}).alive()


@pytest.mark.parametrize("listen", ["0.0.0.0:9105", "9105", "example.org:80", "127.0.0.1:"])
def test_the_page_is_for_this_machine_only(listen: str) -> None:
    with pytest.raises(ValueError, match="listen"):
        settings_of(listen)
