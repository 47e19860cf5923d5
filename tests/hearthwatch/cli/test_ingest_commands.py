"""`ingest run`, `ingest status` and `ingest replay-dead-letters` as an operator uses them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.harness import PLACE, Folder, Gateway, reading, telemetry
from tests.servers import Server, wait_until
from wire.messages import Dropped
from wire.wall_clock import wall_clock_ms

COMMAND = [sys.executable, "-m", "hearthwatch", "ingest"]


class Ingest:
    """`ingest run` from a server.toml, and the commands beside it."""

    def __init__(self, folder: Path, broker: Server) -> None:
        self.files = Folder(folder)
        self.listed = folder / "devices.csv"
        self.listed.write_text("device,commissioned\npump-1,2024-11-01\n")
        self._config = folder / "server.toml"
        self._config.write_text(f"""\
[mqtt]
url = "mqtt://127.0.0.1:{broker.port}"
[ingest]
registered = "devices.csv"
registered_only = true
batch_wait = "20ms"
""")
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen([*COMMAND, "run", *self._at()], stdout=log, stderr=log)
        wait_until(lambda: b"broker_connected" in self._log.read_bytes(), 20)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *words, *self._at()], capture_output=True, text=True, timeout=60, check=False
        )

    def json(self, *words: str) -> dict[str, Any]:
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(20) == 0

    def _at(self) -> list[str]:
        return ["--config", str(self._config)]


@pytest.fixture
def ingest(nats_broker: Server, tmp_path: Path) -> Iterator[Ingest]:
    service = Ingest(tmp_path, nats_broker)
    yield service
    service.stop()


@pytest.fixture
def gateway(nats_broker: Server, ingest: Ingest) -> Iterator[Gateway]:
    with Gateway(nats_broker.url) as made:  # type: ignore[attr-defined]
        yield made


def test_status_tells_what_became_of_every_message(ingest: Ingest, gateway: Gateway) -> None:
    now = wall_clock_ms()
    gateway.send_all([telemetry(seq, [reading("pump-1", now + seq)]) for seq in (1, 2, 2, 5)])
    gateway.send(telemetry(9, [], dropped=Dropped(6, 8, "journal_full")))
    gateway.send(
        telemetry(10, [reading("pump-1", now + 10), reading("pump-1", 5), reading("pump-2", now)])
    )
    gateway.send(telemetry(11, [reading("pump-1", now + 11, supply_c=9_999.0)]))
    gateway.send(b"not json")
    gateway.send(telemetry(12, []), "hw/v1/telemetry/nowhere")
    wait_until(lambda: len(ingest.files.letters()) == 4)
    status = wait_until(
        lambda: one if (one := ingest.json("status"))["totals"]["messages"] == 9 else None
    )
    nowhere, here = status["gateways"]
    assert (nowhere["gateway"], nowhere["rejected"]) == ("?", {"bad_topic": 1})
    assert here["gateway"] == f"{PLACE.district}/{PLACE.town}/{PLACE.village}/{PLACE.gateway}"
    assert now <= here["heard"] <= wall_clock_ms()
    assert here["epochs"] == [
        {"epoch": "e1", "current": True, "upto": 2, "missing": 2, "gaps": [[3, 4]]}
    ]
    counted = {
        name: here[name]
        for name in ("messages", "readings", "redelivered", "resent", "stale_epochs", "lost")
    }
    assert counted == {
        "messages": 8,
        "readings": 5,
        "redelivered": 0,
        "resent": 1,
        "stale_epochs": 0,
        "lost": 3,
    }
    assert here["rejected"] == {"too_early": 1, "unknown_device": 1, "payload_invalid:not_json": 1}
    assert here["bad_points"] == {"out_of_range": 1}
    assert status["totals"]["rejected"] == here["rejected"] | nowhere["rejected"]
    text = ingest.run("status").stdout
    assert "gap: mentougou/zhaitang/matao/mt-01 epoch e1: 3 to 4" in text
    assert "dead letters: 1 × unknown_device" in text


def test_counts_outlive_the_process(
    nats_broker: Server, ingest: Ingest, gateway: Gateway, tmp_path: Path
) -> None:
    now = wall_clock_ms()
    gateway.send(telemetry(1, [reading("pump-1", now)]))
    gateway.wait_for_ack(1)
    ingest.process.kill()
    ingest.process.wait()
    gateway.send(telemetry(2, [reading("pump-1", now + 1)]))
    again = Ingest(tmp_path, nats_broker)
    gateway.wait_for_ack(2)
    totals = again.json("status")["totals"]
    again.stop()
    ingest.process = again.process
    assert (totals["readings"], totals["missing"]) == (2, 0)


def test_a_device_registered_later_gets_what_was_refused(ingest: Ingest, gateway: Gateway) -> None:
    now = wall_clock_ms()
    gateway.send(
        telemetry(1, [reading("pump-1", now), reading("pump-2", now), reading("pump-3", now)])
    )
    gateway.wait_for_ack(1)
    ingest.listed.write_text("device\npump-1\npump-2\n")
    dry = ingest.json("replay-dead-letters", "--dry-run")
    assert (dry["stored"], len(ingest.files.letters())) == (1, 2)
    done = ingest.json("replay-dead-letters", "--code", "unknown_device")
    assert done["codes"] == {
        "unknown_device": {"stored": 1, "already_stored": 0, "kept": {"still_bad": 1}}
    }
    assert ingest.files.rows() == [("pump-1", now), ("pump-2", now)]
    gateway.send(telemetry(2, [reading("pump-4", now)]))
    gateway.wait_for_ack(2)
    assert [one["device"] for one in ingest.files.letters()] == ["pump-3", "pump-4"]
    text = ingest.run("replay-dead-letters", "--code", "too_old").stdout
    assert "2 stay: of a code that was not asked for" in text


def test_what_cannot_be_done_says_what_to_do(ingest: Ingest, tmp_path: Path) -> None:
    missing = ingest.run("replay-dead-letters", "no-such-file.jsonl")
    assert (missing.returncode, missing.stderr) == (
        2,
        "hearthwatch: no-such-file.jsonl: there is no such dead-letter file\n",
    )
    second = ingest.run("run")
    assert second.returncode == 2
    assert "another ingest process is using it; give each its own ingest.state" in second.stderr
    config = tmp_path / "away.toml"
    config.write_text(
        '[store]\nurl = "influxdb+http://127.0.0.1:1/org/bucket"\n[ingest]\nstate = "away.db"\n'
    )
    letter = '{"at":1763740012345,"code":"too_old","topic":"hw/v1/telemetry/a/b/c/d",'
    letter += '"gateway":"d","epoch":"e","seq":1,"device":"p","reading":{"device":"p",'
    letter += '"at":1763740012345,"state":"off","faults":[],"values":{}}}\n'
    letters = tmp_path / "dead-letters.1"
    letters.write_text(letter)
    arguments = ["replay-dead-letters", str(letters), "--config", str(config)]
    away = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert (away.returncode, letters.read_text()) == (3, letter)
    assert "does not answer" in away.stderr
    status = subprocess.run(
        [*COMMAND, "status", "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (status.returncode, "has ingest run with this configuration?" in status.stderr) == (
        2,
        True,
    )
