"""Ctrl-C at any moment ends a command and its workers, and leaves no file behind."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import FaultRecord
from tests.hearthwatch.trials.replay.test_replay import PERIOD, REPOSITORY, configured
from tests.hearthwatch.trials.replay.winter import Winter
from tests.servers import wait_until

HELD_REPLAY = "tests.hearthwatch.trials.replay.held_replay"
WORKERS = 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a server.toml beside a filled SQLite store."""
    winter = Winter(tmp_path_factory.mktemp("winter"))
    return configured(tmp_path_factory.mktemp("server"), "sqlite:readings.db", winter).parent


@pytest.mark.fault("11.C1")
@pytest.mark.parametrize("begun", range(WORKERS + 1))
def test_an_interrupt_ends_a_replay_whatever_has_begun(
    begun: int, server: Path, tmp_path: Path, fault_record: FaultRecord
) -> None:
    """`begun` workers hold their block when the interrupt comes; without any, none has begun."""
    folder, held = tmp_path / "server", tmp_path / "held"
    shutil.copytree(server, folder)
    held.mkdir()
    before = sorted(path.name for path in folder.iterdir())
    csv = tmp_path / "alerts.csv"
    options = ["--config", str(folder / "server.toml"), "--csv", str(csv), "--from", PERIOD[0]]
    options += ["--warm-up", "0s", "--workers", str(WORKERS)]
    with subprocess.Popen(
        [sys.executable, "-m", HELD_REPLAY, "rules", "replay", *options],
        stderr=subprocess.DEVNULL,
        cwd=REPOSITORY,
        env={**os.environ, "HELD": str(held)},
        start_new_session=True,
    ) as process:
        wait_until(lambda: len(list(held.iterdir())) >= begun, 60)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
    assert process.returncode != 0
    assert not [worker for worker in held.iterdir() if Path("/proc", worker.name).exists()]
    assert sorted(path.name for path in folder.iterdir()) == before
    assert not csv.exists()
    fault_record["trials"] += 1
