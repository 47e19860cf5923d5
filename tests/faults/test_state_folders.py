"""A state folder that is read-only or cannot be made: one line with the path, exit 2."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import free_port

HEARTHWATCH = [sys.executable, "-m", "hearthwatch"]
MOUNT = 'mount -t tmpfs -o ro none "$0" && exec "$@"'
SERVER = """\
[store]
url = "sqlite:{folder}/readings.db"
dead_letters = "{folder}/dead-letters.jsonl"
[ingest]
state = "{folder}/ingest.db"
[tickets]
url = "sqlite:///{folder}/tickets.db"
[alerts]
state = "{folder}/alerts"
[http]
listen = "127.0.0.1:{port}"
"""
GATEWAY = """\
district = "d"
town = "t"
village = "v"
gateway = "g"
[journal]
path = "{folder}/journal.db"
[[bus]]
url = "tcp://127.0.0.1:{port}"
device = [{{ id = "unit", address = 1, profile = "midea-mthermal" }}]
"""
INGEST_KEYS = ["ingest.state", "store.dead_letters", "store.url"]
PROCESSES: dict[str, tuple[list[str], list[str]]] = {
    "gateway.toml": (["gateway", "run"], ["journal.path"]),
    "ingest.toml": (["ingest", "run"], INGEST_KEYS),
    "alerts.toml": (["alerts", "run"], ["alerts.state", "tickets.url", "store.url"]),
    "server.toml": (["server", "run"], [*INGEST_KEYS, "alerts.state", "tickets.url"]),
    "tokens.toml": (["token", "create", "--role", "district"], ["tickets.url"]),
}
Run = Callable[[list[str]], "subprocess.CompletedProcess[str]"]


@pytest.fixture(params=["read-only", "cannot be made"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Run]]:
    """The folder, and what runs a command that meets it."""
    folder = tmp_path / "state"
    if request.param == "cannot be made":
        folder.write_text("this is a file")
        yield folder / "below", _run
        return
    folder.mkdir()
    prefix = ["unshare", "-rm", "sh", "-c", MOUNT, str(folder)]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine lets no test mount a disk read-only")
    yield folder, lambda command: _run([*prefix, *command])


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.fault("11.A11")
def test_every_process_names_the_folder_and_exits_2(
    state: tuple[Path, Run], tmp_path: Path, fault_record: dict[str, float]
) -> None:
    folder, run = state
    names = list(PROCESSES) if folder.is_dir() else ["gateway.toml", "server.toml"]
    for name in names:
        arguments, keys = PROCESSES[name]
        config = tmp_path / name
        template = GATEWAY if name == "gateway.toml" else SERVER
        config.write_text(template.format(folder=folder, port=free_port()))
        began = time.monotonic()
        ended = run([*HEARTHWATCH, *arguments, "--config", str(config)])
        fault_record["blind_s"] = max(fault_record["blind_s"], time.monotonic() - began)
        fault_record["trials"] += 1
        lines = ended.stderr.splitlines()
        assert ended.returncode == 2, ended.stderr
        assert [line.split(": ")[:3] for line in lines] == [
            ["hearthwatch", str(config), key] for key in keys
        ]
        assert all(str(folder) in line for line in lines)
