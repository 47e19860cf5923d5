"""Several ingest processes, each with its towns: one more is added under load, and nothing is lost
or doubled."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import FaultRecord
from tests.faults.test_broker_faults import polling, record_rows, wait_for_more
from tests.ingest.harness import Folder
from tests.ingest.village import JournalGateway
from tests.servers import Server, wait_until
from wire.topics import GatewayPath

TOWNS = ["zhaitang", "qingshui", "yanchi"]


class IngestProcess:
    """`ingest run` with a configuration of its own, on the reading store of the district."""

    def __init__(self, folder: Path, name: str, broker_url: str) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self._name = name
        self._broker_url = broker_url
        self._store = folder / "readings.db"
        self._process: subprocess.Popen[bytes] | None = None

    def serve(self, towns: list[str]) -> None:
        """Begin, or begin again, with these towns, and wait until the broker has let it in."""
        self.stop()
        self._configuration.write_text(f"""\
[mqtt]
url = "{self._broker_url}"
[store]
url = "sqlite:{self._store}"
[ingest]
client_id = "ingest-{self._name}"
towns = {json.dumps(towns)}
batch_wait = "20ms"
""")
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command("run"), stdout=log, stderr=log, env=_environment()
            )
        wait_until(lambda: b"broker_connected" in (self.folder / "log").read_bytes(), 20)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(20) == 0
            self._process = None

    def end(self) -> None:
        """Leave no process behind, however the test went."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)

    def status(self) -> dict[str, dict[str, object]]:
        """By town, the only gateway's status."""
        answer = subprocess.run(
            self._command("status", "--json"),
            env=_environment(),
            capture_output=True,
            check=True,
            timeout=60,
        )
        return {one["gateway"].split("/")[1]: one for one in json.loads(answer.stdout)["gateways"]}

    @property
    def letters(self) -> str:
        return (self.folder / "dead-letters.jsonl").read_text()

    @property
    def _configuration(self) -> Path:
        return self.folder / "server.toml"

    def _command(self, *words: str) -> list[str]:
        return [
            sys.executable,
            "-m",
            "hearthwatch",
            "ingest",
            *words,
            "--config",
            str(self._configuration),
        ]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


@contextmanager
def gateways_of_all_towns(broker: Server, folder: Path) -> Iterator[list[JournalGateway]]:
    url: str = broker.url  # type: ignore[attr-defined]
    places = [GatewayPath("mentougou", town, "v", f"gw-{town}") for town in TOWNS]
    made = [JournalGateway(url, folder, place, resend_after_ms=5_000) for place in places]
    for gateway in made:
        gateway.start()
    try:
        yield made
    finally:
        for gateway in made:
            gateway.close()


@pytest.fixture
def processes(broker: Server, tmp_path: Path) -> Iterator[tuple[IngestProcess, IngestProcess]]:
    with ExitStack() as ending:
        first, second = (IngestProcess(tmp_path, name, broker.url) for name in ("first", "second"))  # type: ignore[attr-defined]
        ending.callback(first.end)
        ending.callback(second.end)
        yield first, second


@pytest.mark.fault("reliability §1: ingest")
def test_a_town_moves_to_a_new_process_and_back_under_load(
    broker: Server,
    tmp_path: Path,
    processes: tuple[IngestProcess, IngestProcess],
    fault_record: FaultRecord,
) -> None:
    first, second = processes
    first.serve(TOWNS)
    with gateways_of_all_towns(broker, tmp_path) as gateways:
        with polling(gateways, every_s=0.04):
            wait_for_more(gateways, 40)
            first.serve(TOWNS[:2])
            second.serve(TOWNS[2:])
            wait_for_more(gateways, 40)
            second.stop()
            first.serve(TOWNS)
            wait_for_more(gateways, 40)
            first.serve(TOWNS[:1])
            second.serve(TOWNS[1:])
            wait_for_more(gateways, 40)
        wait_until(
            lambda: all(one.all_answered_for() for one in gateways),
            60,
            f"{[g.waiting for g in gateways]}",
        )
        rows = Folder(tmp_path).rows()
        expected = [(gateway.device, at) for gateway in gateways for at in gateway.polled]
        record_rows(fault_record, expected, rows)
        assert rows == sorted(expected)
        sent = {town: len(one.polled) for town, one in zip(TOWNS, gateways, strict=True)}
    statuses = {**first.status(), **second.status()}
    first.stop()
    second.stop()
    # A gateway that waits too long for a loaded machine gives up a message, and reports it with one
    # more.
    assert all(one["epochs"][0]["upto"] >= sent[town] for town, one in statuses.items())  # type: ignore[index]
    assert [one["epochs"][0]["gaps"] for one in statuses.values()] == [[], [], []]  # type: ignore[index]
    assert first.letters + second.letters == ""
