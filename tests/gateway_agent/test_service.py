"""The gateway as a process of its own: real slaves, real broker, real signals."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway_agent.slaves import PtySlave, TcpSlave, Units
from tests.gateway_agent.uplink.test_publisher import GATEWAY, Receiver
from tests.servers import Server, wait_until
from wire.encode import encode_ack
from wire.messages import Ack

REPOSITORY = Path(__file__).parents[2]

CHILD = """
import signal, sys, threading
from pathlib import Path
from configuration.load import load
from gateway_agent.profile.loading import load_profiles
from gateway_agent.service import GatewayService
from gateway_agent.settings import GatewaySettings
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
settings = load(Path(sys.argv[1]), GatewaySettings)
profiles = load_profiles(
    settings.profile_references(), [Path(sys.argv[2])], Path(sys.argv[1])
)
GatewayService(settings, profiles).run(stop)
"""

VECTOR = json.loads(
    (REPOSITORY / "tests/golden/readings/midea-live-r290.json").read_text(encoding="utf-8")
)


def midea_registers() -> dict[int, int]:
    known = {int(address): raw for address, raw in VECTOR["registers"].items()}
    return dict.fromkeys((*range(23), *range(100, 200)), 0) | known


class Village:
    """A gateway process with one pseudo-terminal line and one Modbus TCP unit."""

    def __init__(self, broker: Server, folder: Path) -> None:
        self.units = Units({1: midea_registers(), 2: midea_registers()}, dead={2})
        self.tcp_units = Units({1: midea_registers()}, illegal={109})
        self._line, self._tcp = PtySlave(self.units), TcpSlave(self.tcp_units)
        self.receiver = Receiver(broker.url)  # type: ignore[attr-defined]
        self.journal = folder / "journal.db"
        self._configuration = folder / "gateway.toml"
        self._configuration.write_text(f"""
district = "{GATEWAY.district}"
town = "{GATEWAY.town}"
village = "{GATEWAY.village}"
gateway = "{GATEWAY.gateway}"
interval = "1s"
[mqtt]
url = "{broker.url}"
[journal]
path = "journal.db"
resend_after = "1s"
[[bus]]
url = "serial://{self._line.path}?baud=115200"
device = [
  {{ id = "alive", address = 1, profile = "midea-mthermal" }},
  {{ id = "dead", address = 2, profile = "midea-mthermal" }},
]
[[bus]]
url = "tcp://127.0.0.1:{self._tcp.port}"
device = [{{ id = "partly", address = 1, profile = "midea-mthermal" }}]
""")  # type: ignore[attr-defined]
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-c",
            CHILD,
            str(self._configuration),
            str(REPOSITORY / "config" / "profiles"),
        ]
        self.process = subprocess.Popen(command, cwd=REPOSITORY)
        return self.process

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(20)

    def readings(self, device: str) -> list[dict]:  # type: ignore[type-arg]
        messages = {
            message["seq"]: message for message in self.receiver.of("telemetry")
        }  # sent again: the same once
        return [
            reading
            for seq in sorted(messages)
            for message in [messages[seq]]
            for reading in message["readings"]
            if reading["device"] == device
        ]

    def close(self) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGKILL)
        for part in (self._line, self._tcp, self.receiver):
            part.close()


@pytest.fixture
def village(mosquitto_broker: Server, tmp_path: Path) -> Iterator[Village]:
    made = Village(mosquitto_broker, tmp_path)
    yield made
    made.close()


def test_readings_arrive_as_the_units_have_them(village: Village) -> None:
    wait_until(
        lambda: len(village.readings("alive")) >= 3 and len(village.readings("partly")) >= 3, 30
    )
    reading = village.readings("alive")[0]  # the first has the slow points, too
    assert {key: reading[key] for key in VECTOR["expected"]} == VECTOR["expected"]
    assert "suction_c" in village.readings("partly")[0]["bad"]
    assert set(village.readings("partly")[0]["values"]) == set(VECTOR["expected"]["values"]) - {
        "suction_c"
    }
    assert village.readings("dead") == []
    for device in ("alive", "partly"):
        stamps = [reading["at"] for reading in village.readings(device)]
        assert stamps == sorted(set(stamps))


def test_a_unit_that_comes_back_is_read_again(village: Village) -> None:
    wait_until(lambda: village.readings("alive"), 20)
    village.units.dead = set()
    wait_until(lambda: village.readings("dead"), 30)


def test_kill_9_loses_nothing_and_a_stop_ends_cleanly(village: Village) -> None:
    wait_until(lambda: len(village.receiver.seqs()) >= 4, 20)
    village.end(signal.SIGKILL)
    wait_until(
        lambda: village.receiver.of("status")[-1] == {"v": 1, "online": False}, what="the last will"
    )
    village.start()
    before = max(village.receiver.seqs())
    wait_until(lambda: max(village.receiver.seqs()) > before + 2, 20)
    seen = set(village.receiver.seqs())
    assert seen == set(range(1, max(seen) + 1))
    epoch = village.receiver.of("telemetry")[0]["epoch"]
    assert {message["epoch"] for message in village.receiver.of("telemetry")} == {epoch}
    village.receiver.say("ack", encode_ack(Ack(epoch, max(seen))))
    assert village.end(signal.SIGTERM) == 0
    wait_until(lambda: village.receiver.of("status")[-1] == {"v": 1, "online": False})


def test_it_stays_small(village: Village) -> None:
    wait_until(lambda: len(village.readings("alive")) >= 2, 20)
    status = Path(f"/proc/{village.process.pid}/status").read_text()
    resident_kb = next(
        int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")
    )
    assert resident_kb <= 45 * 1024
