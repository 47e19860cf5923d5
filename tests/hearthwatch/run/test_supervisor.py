"""Children are kept alive, taken down, brought back and ended with their parent."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hearthwatch.run.supervisor import Supervisor
from tests.servers import wait_until

FOREVER = [sys.executable, "-c", "import signal; signal.pause()"]


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    one = Supervisor(tmp_path / "logs")
    yield one
    one.stop_all()


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def pid_of(supervisor: Supervisor, name: str) -> int:
    process = supervisor.children[name].process
    assert process is not None
    return process.pid


def test_a_child_that_dies_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start("one", FOREVER)
    first = pid_of(supervisor, "one")
    os.kill(first, signal.SIGKILL)

    def back() -> bool:
        supervisor.check()
        return child.running and pid_of(supervisor, "one") != first

    wait_until(back)
    assert json.loads((tmp_path / "logs" / "processes.json").read_text()) == {
        "one": pid_of(supervisor, "one")
    }


def test_a_child_taken_down_stays_down_until_it_is_brought_back(supervisor: Supervisor) -> None:
    child = supervisor.start("one", FOREVER)
    supervisor.kill("one")
    supervisor.check()
    assert not child.running
    supervisor.revive("one")
    assert child.running


def test_stop_ends_every_child(supervisor: Supervisor) -> None:
    pids = []
    for name in ("one", "two"):
        supervisor.start(name, FOREVER)
        pids.append(pid_of(supervisor, name))
    supervisor.stop_all()
    assert not any(alive(pid) for pid in pids)


def test_children_end_even_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import signal, pathlib, sys\n"
        "from hearthwatch.run.supervisor import Supervisor\n"
        f"s = Supervisor(pathlib.Path({str(tmp_path)!r}))\n"
        f"s.start('one', {FOREVER!r})\n"
        "signal.pause()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script])
    listing = tmp_path / "processes.json"
    pid = wait_until(lambda: listing.exists() and json.loads(listing.read_text()).get("one"))
    parent.kill()
    parent.wait()
    wait_until(lambda: not alive(pid))


def test_a_child_that_ends_with_2_at_its_first_start_has_refused(supervisor: Supervisor) -> None:
    words = "print('hearthwatch: server.toml: store.url: wrong'); raise SystemExit(2)"
    child = supervisor.start("refuses", [sys.executable, "-c", words])
    wait_until(lambda: child.refused_to_start)
    assert supervisor.last_words("refuses") == "server.toml: store.url: wrong"
    supervisor.revive("refuses")
    wait_until(lambda: not child.running)
    assert not child.refused_to_start
