"""`hearthwatch backup` and `restore` as an operator uses them, on files that are written
meanwhile."""

import itertools
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from configuration.exclusive import exclusive
from configuration.load import ConfigurationError
from hearthwatch.base.errors import FailedError, UsageError
from hearthwatch.base.resources import shipped_rule_files
from hearthwatch.cli.application import app
from ingest.store.sqlite.store import SqliteStore
from tests.ingest.store.samples import START, stored


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def failure_of(*words: object) -> BaseException:
    result = run(*words)
    assert result.exception is not None
    return result.exception


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with a rule of its own, beside dead letters and a store with two readings."""
    folder = tmp_path / "server"
    (folder / "rules").mkdir(parents=True)
    shutil.copy(shipped_rule_files("fault*.toml")[0], folder / "rules" / "own.toml")
    (folder / "dead-letters.jsonl").write_text('{"code":"too_old"}\n')
    config = folder / "server.toml"
    config.write_text('[rules]\nfiles = ["rules/*.toml"]\n')
    store = SqliteStore(folder / "readings.db")
    store.write([stored("pump-1", START), stored("pump-1", START + 1)])
    store.close()
    return config


@contextmanager
def written(path: Path) -> Iterator[threading.Event]:
    """Readings are written to the store all the time, two in each transaction; set at the first."""
    began, stop = threading.Event(), threading.Event()

    def write() -> None:
        store = SqliteStore(path)
        for number in itertools.count(1):
            at = START + 10 * number
            store.write([stored("pump-2", at), stored("pump-3", at)])
            began.set()
            if stop.is_set():
                break
        store.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield began
    finally:
        stop.set()
        thread.join()


def test_a_backup_holds_whole_transactions_and_describes_itself(
    config: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    with written(config.parent / "readings.db") as began:
        assert began.wait(10)
        result = run("backup", folder, "--config", config, "--json")
    assert result.exit_code == 0, result.output
    manifest: dict[str, Any] = json.loads(result.stdout)
    assert manifest == json.loads((folder / "manifest.json").read_text())
    parts = {part["name"]: part for part in manifest["parts"]}
    names = ["dead-letters.jsonl", "readings.db", "rules/own.toml", "server.toml"]
    assert sorted(parts) == names
    assert parts["readings.db"]["rows"]["recent"] % 2 == 0
    assert manifest["elsewhere"] == []
    assert manifest["absent"] == ["rules.npz", "tickets.db", "ingest.db"]
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        *names,
        "manifest.json",
    }


def test_a_part_comes_back_alone_and_what_it_replaces_stays(config: Path, tmp_path: Path) -> None:
    folder, readings = tmp_path / "backup", config.parent / "readings.db"
    run("backup", folder, "--config", config)
    store = SqliteStore(readings)
    store.write([stored("pump-9", START)])
    store.close()
    result = run("restore", folder, "--only", "readings.db", "--config", config)
    assert result.exit_code == 0, result.output
    assert _devices(readings) == {"pump-1"}
    (replaced,) = config.parent.glob("readings.db.before-*")
    assert _devices(replaced) == {"pump-1", "pump-9"}


def _devices(path: Path) -> set[str]:
    store = SqliteStore(path)
    devices = set(store.latest())
    store.close()
    return devices


def test_nothing_is_replaced_by_a_damaged_copy_or_under_a_service(
    config: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    run("backup", folder, "--config", config)
    with exclusive(config.parent / "ingest.db", "in use"):
        running = failure_of("restore", folder, "--config", config)
    assert isinstance(running, ConfigurationError)
    assert "stop ingest and alerts" in str(running)
    with (folder / "readings.db").open("r+b") as copy:
        copy.seek(100)
        copy.write(b"?")
    damaged = failure_of("restore", folder, "--config", config)
    assert isinstance(damaged, FailedError)
    assert "readings.db" in str(damaged)
    assert list(config.parent.glob("*.before-*")) == []


def test_what_is_no_backup_or_no_empty_folder_is_refused(config: Path, tmp_path: Path) -> None:
    assert isinstance(failure_of("restore", tmp_path, "--config", config), UsageError)
    assert isinstance(failure_of("backup", config.parent, "--config", config), UsageError)
    folder = tmp_path / "backup"
    run("backup", folder, "--config", config)
    unknown = failure_of("restore", folder, "--only", "letters", "--config", config)
    assert "letters is not of" in str(unknown)


def test_databases_with_tools_of_their_own_are_named_with_the_commands(
    config: Path, tmp_path: Path
) -> None:
    config.write_text("""\
[tickets]
url = "postgresql+psycopg://desk:secret@db.example/hearthwatch"
[store]
url = "influxdb+http://127.0.0.1:8086/district/heat"
""")
    config.chmod(0o640)
    result = run("backup", tmp_path / "backup", "--config", config)
    assert result.exit_code == 0, result.output
    assert (
        "pg_dump --format=custom --file=tickets.dump postgresql://desk@db.example" in result.stdout
    )
    assert "influxd backup -portable -database heat_hourly influx/" in result.stdout
    assert "influx backup --org district --bucket heat influx/" in result.stdout
    manifest = (tmp_path / "backup" / "manifest.json").read_text()
    assert "influxd restore -portable -db heat influx/" in manifest
    assert "secret" not in manifest + result.stdout


def test_state_comes_back_and_the_configuration_stays(config: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    assert run("backup", backup, "--config", config).exit_code == 0
    changed = config.read_text() + '[state]\ndirectory = "elsewhere"\n'
    config.write_text(changed)
    (config.parent / "elsewhere").mkdir()
    result = run("restore", backup, "--state-only", "--config", config)
    assert result.exit_code == 0, result.output
    assert config.read_text() == changed
    assert (config.parent / "elsewhere" / "readings.db").exists()


def test_nothing_is_replaced_where_a_folder_cannot_be_written(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = tmp_path / "backup"
    assert run("backup", backup, "--config", config).exit_code == 0
    may = os.access
    rules = config.parent / "rules"  # root may write every folder; the services may not
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != rules and may(path, mode))
    failure = failure_of("restore", backup, "--config", config)
    assert isinstance(failure, FailedError)
    assert "--state-only" in str(failure)
    assert not list(config.parent.glob("*.before-*"))
