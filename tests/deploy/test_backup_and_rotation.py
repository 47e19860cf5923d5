"""The nightly backup and the rotation of dead letters, as they are shipped."""

import getpass
import grp
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.units import keys_of
from tests.ingest.harness import Folder, Gateway, running
from tests.servers import DEPLOY, Server, shipped_file, wait_until

WEEKS = [f"2026-11-{day:02}T023000Z" for day in range(1, 17)]


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A folder with a server.toml, its dead letters, and a command `hearthwatch` in `bin`."""
    (tmp_path / "server.toml").write_text("")
    (tmp_path / "dead-letters.jsonl").write_text('{"code":"too_old"}\n')
    command = tmp_path / "bin" / "hearthwatch"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hearthwatch "$@"\n')
    command.chmod(0o755)
    return tmp_path


def back_up(server: Path) -> subprocess.CompletedProcess[str]:
    """Run what the unit runs, with other paths, in the working folder of the service."""
    here = {
        "/usr/lib/hearthwatch/backup-daily": str(DEPLOY / "backup" / "backup-daily"),
        "/var/backups/hearthwatch": str(server / "backups"),
        "/etc/hearthwatch/server.toml": str(server / "server.toml"),
    }
    keys = keys_of("backup.service")
    words = [here.get(word, word) for word in shlex.split(keys["ExecStart"][0])]
    path = keys["Environment"][0].removeprefix("PATH=")
    return subprocess.run(
        words,
        cwd=server,
        env={"PATH": f"{server}/bin:{path}", "PYTHONPATH": str(DEPLOY.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def old_backups(server: Path, *names: str, whole: bool = True) -> None:
    for name in names:
        folder = server / "backups" / name
        folder.mkdir(parents=True)
        (folder / ("manifest.json" if whole else "readings.db")).write_text("{}")


def kept(server: Path) -> list[str]:
    return sorted(path.name for path in (server / "backups").iterdir())


def test_every_night_a_whole_backup_and_the_newest_fourteen_stay(server: Path) -> None:
    old_backups(server, *WEEKS)
    old_backups(server, "2026-11-17T023000Z", whole=False)
    old_backups(server, "by-hand")
    done = back_up(server)
    assert done.returncode == 0, done.stderr
    newest = next(name for name in reversed(kept(server)) if name != "by-hand")
    manifest = json.loads((server / "backups" / newest / "manifest.json").read_text())
    assert "dead-letters.jsonl" in [part["name"] for part in manifest["parts"]]
    assert kept(server) == sorted([*WEEKS[-13:], newest, "by-hand"])
    assert done.stdout.count("removed ") == 4


def test_a_backup_that_fails_removes_nothing(server: Path) -> None:
    old_backups(server, *WEEKS)
    (server / "readings.db").write_text("this is no database, and copying it fails" * 100)
    done = back_up(server)
    assert done.returncode == 1, done.stdout + done.stderr
    assert set(WEEKS) <= set(kept(server))


def test_the_backup_has_the_sandbox_of_the_services_and_its_own_folder() -> None:
    keys, gateway = keys_of("backup.service"), keys_of("gateway.service")
    for key in ("User", "NoNewPrivileges", "ProtectSystem", "ProtectHome", "CapabilityBoundingSet"):
        assert keys[key] == gateway[key], key
    assert keys["ReadWritePaths"] == ["-/var/backups/hearthwatch"]


def test_dead_letters_are_rotated_while_ingest_runs(
    mosquitto_broker: Server, tmp_path: Path
) -> None:
    folder = Folder(tmp_path / "server")
    folder.path.mkdir()
    url = f"mqtt://127.0.0.1:{mosquitto_broker.port}"
    with running(url, folder), Gateway(url) as gateway:
        gateway.send(b"before")
        wait_until(lambda: len(folder.letters()) == 1, what="the first dead letter")
        rotate(folder.dead_letters, tmp_path)
        (renamed,) = folder.path.glob("dead-letters.jsonl-*")
        gateway.send(b"after")
        wait_until(folder.dead_letters.exists, what="a new file")
        wait_until(lambda: len(folder.letters()) == 1, what="the second dead letter")
    assert len(renamed.read_text().splitlines()) == 1
    assert folder.letters()[0]["payload"] == "YWZ0ZXI="


def rotate(file: Path, folder: Path) -> None:
    """Run logrotate with the shipped file, as the user of the test."""
    group = grp.getgrgid(os.getgid()).gr_name
    here = {
        "/var/lib/hearthwatch/dead-letters.jsonl {": f"{file} {{",
        "su hearthwatch hearthwatch": f"su {getpass.getuser()} {group}",
    }
    configuration = folder / "logrotate"
    configuration.write_text(shipped_file("logrotate/hearthwatch", here))
    configuration.chmod(0o644)
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    command = ["logrotate", "--force", "--state", str(folder / "state"), str(configuration)]
    subprocess.run(command, check=True, capture_output=True, env=environment)
