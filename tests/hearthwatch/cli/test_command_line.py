"""The command line as a user meets it: real processes, a real broker, exit codes, and errors that
say what to do."""

import json
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from messaging.session import MqttSession
from messaging.settings import MqttSettings
from tests.servers import Server, free_port, http_status, wait_until
from wire.encode import encode_status, encode_telemetry
from wire.messages import AnnouncedDevice, Reading, Status, Telemetry
from wire.topics import GatewayPath, gateway_topic

PLACE = GatewayPath("mentougou", "zhaitang", "matao", "mt-01")
COMMAND = [sys.executable, "-m", "hearthwatch"]


def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], input=text, capture_output=True, text=True, timeout=60, check=False
    )


class RunningDistrict:
    """`server run` from a server.toml as the contract shows it, and a gateway's voice."""

    def __init__(self, folder: Path, broker: Server, store_url: str) -> None:
        self.folder = folder
        self.config = folder / "server.toml"
        port = free_port()
        self.http = f"http://127.0.0.1:{port}"
        self.config.write_text(f"""\
[mqtt]
url = "mqtt://127.0.0.1:{broker.port}"
[store]
url = "{store_url}"
dead_letters = "dead-letters.jsonl"
[tickets]
url = "sqlite:///tickets.db"
[http]
listen = "127.0.0.1:{port}"
[rules]
files = ["config/rules/*.toml"]
[season]
start = "11-01"
end = "03-31"
timezone = "Asia/Shanghai"
""")
        self.token = run(
            "token", "create", "--role", "district", "--config", str(self.config)
        ).stdout.strip()
        self.log = (folder / "server.log").open("w+b")
        command = [*COMMAND, "server", "run", "--config", str(self.config)]
        self.process = subprocess.Popen(command, stderr=self.log, stdout=self.log)
        wait_until(lambda: http_status(f"{self.http}/readyz") == 200, 60, "the server is ready")
        self.gateway = MqttSession(
            MqttSettings(url=f"mqtt://127.0.0.1:{broker.port}"), "mt-01", persistent=False
        )
        self.gateway.start()
        wait_until(lambda: self.gateway.connected)

    def say(self, kind: Any, payload: bytes, retain: bool = False) -> None:
        self.gateway.publish(gateway_topic(kind, PLACE), payload, retain=retain)

    def get(self, path: str) -> Any:
        request = urllib.request.Request(
            self.http + path, headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    def end(self) -> None:
        self.gateway.stop()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0
        self.log.close()


@pytest.fixture(params=["sqlite", "influx"])
def district(
    request: pytest.FixtureRequest, tmp_path: Path, mosquitto_broker: Server
) -> Iterator[RunningDistrict]:
    # A database of its own: the alert service catches up what it finds in its store.
    store_url = (
        "sqlite:readings.db"
        if request.param == "sqlite"
        else request.getfixturevalue("influx").create(f"server-{free_port()}")
    )
    running = RunningDistrict(tmp_path, mosquitto_broker, store_url)
    yield running
    running.end()


def reading(at: int, faults: list[str]) -> Reading:
    return Reading("mtg-mt-0001", at, "heating", faults, {"supply_c": 41.5, "room_c": 20.5})


def now() -> int:
    return time.time_ns() // 1_000_000


def test_from_a_payload_to_ticket_and_dead_letter(district: RunningDistrict) -> None:
    birth = Status(
        True,
        now(),
        "e1",
        "0",
        30,
        [AnnouncedDevice("mtg-mt-0001", "midea-mthermal", "tcp://h:502", 1)],
    )
    district.say("status", encode_status(birth), retain=True)
    district.say(
        "telemetry", encode_telemetry(Telemetry(1, "e1", 1, now(), 30, [reading(now(), [])]))
    )
    district.say("telemetry", b"{not json")
    faulty = [reading(now() + 1, ["high_pressure:P1"])]
    district.say("telemetry", encode_telemetry(Telemetry(1, "e1", 2, now(), 30, faulty)))

    (ticket,) = wait_until(lambda: district.get("/api/v1/tickets")["items"])
    assert (ticket["kind"], ticket["device"], ticket["state"]) == (
        "device_fault",
        "mtg-mt-0001",
        "open",
    )
    (alert,) = district.get("/api/v1/alerts?state=active")["items"]
    assert (alert["rule"], alert["code"], alert["ticket"]) == (
        "fault",
        "high_pressure:P1",
        ticket["id"],
    )
    letters = district.folder / "dead-letters.jsonl"
    (letter,) = wait_until(lambda: [json.loads(line) for line in letters.read_text().splitlines()])
    assert letter["code"] == "payload_invalid:not_json"

    def points() -> Any:
        return district.get("/api/v1/devices/mtg-mt-0001/readings?points=room_c")["points"][
            "room_c"
        ]

    assert [value for _, value in wait_until(lambda: len(points()) == 2 and points())] == [
        20.5,
        20.5,
    ]
    with urllib.request.urlopen(f"{district.http}/metrics", timeout=10) as response:
        metrics = response.read().decode()
    assert (
        'hearthwatch_rejected_total{code="payload_invalid:not_json",service="ingest"} 1.0'
        in metrics
    )

    watching = [*COMMAND, "watch", "--json", "--config", str(district.config)]
    watcher = subprocess.Popen(watching, stdout=subprocess.PIPE, text=True)
    assert watcher.stdout is not None
    seen = json.loads(watcher.stdout.readline())
    watcher.send_signal(signal.SIGINT)
    watcher.communicate(timeout=20)
    assert (
        seen["topic"] == "hw/v1/alert/mentougou/zhaitang/matao/mtg-mt-0001/fault/high-pressure-p1"
    )
    assert seen["payload"]["ticket"] == ticket["id"]


def test_a_user_is_added_with_the_password_from_standard_input(tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text("")
    arguments = (
        "user",
        "add",
        "duty",
        "--role",
        "town",
        "--scope",
        "zhaitang",
        "--config",
        str(config),
    )
    assert run(*arguments, text="short\n").returncode == 2
    added = run(*arguments, text="a long enough password\n")
    assert (added.returncode, added.stdout) == (0, "added duty (town zhaitang)\n")
    assert (
        run(*arguments, text="another good password\n").stdout == "changed duty (town zhaitang)\n"
    )
    assert "a long enough password" not in (tmp_path / "tickets.db").read_bytes().decode(
        errors="replace"
    )


def test_a_token_is_printed_alone_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text("")
    made = run("token", "create", "--role", "district", "--config", str(config))
    token = made.stdout.strip()
    assert made.returncode == 0
    assert made.stdout == f"{token}\n"
    assert token.encode() not in (tmp_path / "tickets.db").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["server", "run"], '[store]\nurl = "postgres:x"\ncolour = 1\n'),
        (["alerts", "run"], '[http]\nlisten = "everywhere"\n[rules]\nfiles = ["none/*.toml"]\n'),
        (["ingest", "run"], "[ingest]\nbatch_readings = 0\n"),
        (["gateway", "check"], 'district = "Mentougou!"\n'),
    ],
)
def test_a_configuration_mistake_exits_2_and_names_file_and_key(
    arguments: list[str], text: str, tmp_path: Path
) -> None:
    config = tmp_path / "file.toml"
    config.write_text(text)
    ended = run(*arguments, "--config", str(config))
    assert ended.returncode == 2
    assert f"hearthwatch: {config}: " in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("page", "code", "said"),
    [
        ("", 2, "--live asks the running gateway; set `[metrics] listen`"),
        ('[metrics]\nlisten = "127.0.0.1:{port}"\n', 3, "is the gateway running?"),
    ],
)
def test_the_live_check_names_what_it_lacks(
    page: str, code: int, said: str, tmp_path: Path
) -> None:
    config = tmp_path / "gateway.toml"
    example = (Path(__file__).parents[3] / "config" / "examples" / "gateway.toml").read_text()
    config.write_text(example + page.format(port=free_port()))
    ended = run("gateway", "check", "--live", "--config", str(config))
    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_needs_a_broker_at_once_exits_3_without_one() -> None:
    ended = run("watch", "--url", f"mqtt://127.0.0.1:{free_port()}")
    assert ended.returncode == 3
    assert "does not answer" in ended.stderr


def test_config_check_knows_every_shipped_file() -> None:
    root = Path(__file__).parents[3] / "config"
    shipped = [str(path) for path in sorted(root.glob("*/*.toml"))]
    ended = run("config", "check", *shipped)
    assert ended.returncode == 0, ended.stderr
    kinds = {line.rpartition(": a good ")[2] for line in ended.stdout.splitlines()}
    assert kinds == {"gateway file", "server file", "profile file", "rule file", "scenario file"}


def test_a_bad_profile_exits_2_with_file_table_and_key_of_every_mistake(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(
        'base = "phnix"\nprofile = "mine"\n'
        '[[point]]\npoint = "room_c"\naddress = 1\ntype = "u8"\nsigned = 1\n'
    )
    gateway = tmp_path / "gateway.toml"
    example = Path(__file__).parents[3] / "config" / "examples" / "gateway.toml"
    gateway.write_text(example.read_text().replace('profile = "phnix"', f'profile = "{profile}"'))
    for command in (
        ("config", "check", str(profile)),
        ("gateway", "check", "--config", str(gateway)),
    ):
        ended = run(*command)
        assert ended.returncode == 2
        assert f"{profile}: point[0].signed: " in ended.stderr
        assert f"{profile}: point[0].type: " in ended.stderr


def test_rules_check_lists_the_shipped_rules() -> None:
    ended = run("rules", "check")
    assert ended.returncode == 0
    files = (Path(__file__).parents[3] / "config" / "rules").glob("*.toml")
    written = {
        rule["id"]
        for file in files
        for rule in tomllib.loads(file.read_text(encoding="utf-8"))["rule"]
    }
    assert {line.split(":")[0] for line in ended.stdout.splitlines()} == written


def test_a_command_whose_packages_are_not_installed_says_which_to_install() -> None:
    without_numpy = (
        "import sys; sys.modules['numpy'] = None; sys.argv[1:] = ['rules', 'check']; "
        "from hearthwatch.__main__ import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", without_numpy], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr == (
        "hearthwatch: this command needs numpy; "
        "install the wheel of `make wheel` with its packages: "
        "pip install 'dist/hearthwatch-0.1.0-py3-none-any.whl[server]'\n"
    )


def test_every_command_explains_itself() -> None:
    for command in (
        "",
        "demo",
        "gateway run",
        "simulate bus",
        "verify",
        "watch",
        "user add",
        "config schema",
    ):
        ended = run(*command.split(), "--help")
        assert ended.returncode == 0
        assert "Usage: hearthwatch" in ended.stdout


def test_a_port_in_use_is_said_with_what_to_do() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        ended = run("demo", "--port", str(port))
    assert ended.returncode == 2
    assert f"port {port} is in use; pass --port" in ended.stderr


def test_server_check_tries_the_store_and_says_what_is_missing(tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    nobody = f'[mqtt]\nurl = "mqtt://127.0.0.1:{free_port()}"\n'
    config.write_text(nobody)
    tried = run("server", "check", "--config", str(config), "--json")
    assert tried.returncode == 3
    document = json.loads(tried.stdout)
    assert not document["ready"]
    good = {check["name"] for check in document["checks"] if check["good"]}
    assert good >= {"store: version", "store: file", "store: write and read", "tickets", "console"}
    config.write_text(
        f'[store]\nurl = "influxdb+http://127.0.0.1:{free_port()}/district/readings"\n'
    )
    bad = run("server", "check", "--config", str(config))
    assert bad.returncode == 3
    assert "NO  store: version: " in bad.stdout
    assert bad.stderr.startswith("hearthwatch: not ready: store: version, ")
