"""kill -9 between any two steps of a commit: nothing lost, no point and no dead letter twice
(reliability §1)."""

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.store import open_store
from tests.ingest.harness import Folder, Gateway, reading, telemetry
from tests.ingest.killed_service import STEPS
from tests.servers import InfluxGate, Server, wait_until
from wire.topics import GatewayPath
from wire.wall_clock import wall_clock_ms

_HERE = Path(__file__).parent
_PER_ROUND = 12


class Sender:
    """Numbers messages, mixes in one bad reading and one unreadable message a round, and knows what
    must come out."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.seq = 0
        self.good: list[int] = []
        self.bad: list[int] = []
        self.rounds = 0

    def send_round(self) -> None:
        village = self.gateway.place.village
        payloads = []
        for _ in range(_PER_ROUND):
            self.seq += 1
            at = wall_clock_ms()
            at = max(at, self.good[-1] + 1) if self.good else at
            readings = [reading(f"{village}-1", at)]
            self.good.append(at)
            if self.seq % _PER_ROUND == 5:
                readings.append(reading(f"{village}-1", 1_000_000))
                self.bad.append(self.seq)
            payloads.append(telemetry(self.seq, readings))
        self.rounds += 1
        payloads.insert(3, b"not json %d" % self.rounds)
        self.gateway.send_all(payloads)


@contextmanager
def child(
    broker: Server, folder: Folder, step: str, count: int
) -> Iterator[subprocess.Popen[bytes]]:
    url = folder.store_url or f"sqlite:{folder.readings}"
    command = [
        sys.executable,
        str(_HERE / "killed_service.py"),
        broker.url,
        url,
        str(folder.path),
        step,
        str(count),
    ]
    process = subprocess.Popen(
        command, cwd=_HERE.parents[1], env={"PYTHONPATH": str(_HERE.parents[1])}
    )
    try:
        yield process
    finally:
        process.terminate()
        assert process.wait(20) in (0, -9)


def kill_and_recover(
    broker: Server, folder: Folder, place: GatewayPath, seed: int, rounds: int
) -> Sender:
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    chance = random.Random(seed)
    with Gateway(broker.url, place) as gateway:
        sender = Sender(gateway)
        with child(broker, folder, "never", 0):
            gateway.birth([f"{place.village}-1"])
            gateway.wait_for_ack(0)
        for _ in range(rounds):
            sender.send_round()
            with child(broker, folder, chance.choice(list(STEPS)), chance.randint(1, 4)) as process:
                assert process.wait(20) == -9
        with child(broker, folder, "never", 0):
            gateway.wait_for_ack(sender.seq)
            wait_until(lambda: len(folder.letters()) >= 2 * rounds, 30)
    return sender


def assert_each_letter_once(folder: Folder, sender: Sender) -> None:
    letters = folder.letters()
    assert sorted(
        str(letter["seq"]) for letter in letters if letter["code"] == "too_early"
    ) == sorted(map(str, sender.bad))
    unreadable = [
        letter["payload"] for letter in letters if letter["code"] == "payload_invalid:not_json"
    ]
    assert len(unreadable) == len(set(unreadable)) == sender.rounds
    assert len(letters) == len(sender.bad) + sender.rounds


def test_kill_with_sqlite(broker: Server, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "server")
    sender = kill_and_recover(
        broker, folder, GatewayPath("mentougou", "zhaitang", "kill", "kill-01"), seed=1, rounds=14
    )
    assert [at for _, at in folder.rows()] == sender.good
    assert_each_letter_once(folder, sender)


def test_kill_with_influx(nats_broker: Server, influx: InfluxGate, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "server", influx.url)
    sender = kill_and_recover(
        nats_broker,
        folder,
        GatewayPath("mentougou", "zhaitang", "kill-influx", "kill-02"),
        seed=3,
        rounds=6,
    )
    store = open_store(folder.settings()[0])
    stored = store.history("kill-influx-1", 0, sender.good[-1] + 1)
    store.close()
    assert [kept.reading.at for kept in stored] == sender.good
    assert_each_letter_once(folder, sender)
