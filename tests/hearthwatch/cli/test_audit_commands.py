"""`hearthwatch audit …` on a server's own database, and what programs put on record themselves."""

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from desk.database.engine import open_database
from hearthwatch.cli.application import app
from hearthwatch.run.on_record import note_settings
from hearthwatch.run.server_settings import load_server_settings

PASSWORD = "correct horse\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "server.toml"
    path.write_text("")
    run(path, "user", "add", "night.shift", "--role", "district", typed=PASSWORD)
    return path


def run(config: Path, *words: str, code: int = 0, typed: str | None = None) -> str:
    done = CliRunner().invoke(app, [*words, "--config", str(config)], input=typed)
    assert done.exit_code == code or type(done.exception).__name__ == "FailedError", done.output
    return done.output


def test_a_command_is_on_record_with_the_user_of_the_machine(config: Path) -> None:
    line = json.loads(run(config, "audit", "list", "--json"))["items"][0]
    assert (line["what"], line["address"]) == ("account.set", None)
    assert line["who"]
    assert "account:night.shift" in run(config, "audit", "list")


def test_a_backup_is_on_record(config: Path, tmp_path: Path) -> None:
    run(config, "backup", str(tmp_path / "backup"))
    line = json.loads(run(config, "audit", "list", "--json"))["items"][0]
    assert (line["what"], line["after"]) == ("backup", {"folder": str(tmp_path / "backup")})


def test_changed_settings_are_on_record_once(config: Path) -> None:
    database = open_database(load_server_settings(config).tickets.address)
    for content in ("", "", "[alerts]\noperators = 3\n"):
        config.write_text(content)
        note_settings(database, load_server_settings(config), 1)
    found = json.loads(run(config, "audit", "list", "--what", "settings", "--json"))["items"]
    assert [line["before"] for line in found] == [{"alerts.operators": 1}, None]
    assert found[0]["after"]["alerts.operators"] == 3


def test_verify_says_whole_and_what_to_keep_then_finds_the_forgery(config: Path) -> None:
    said = run(config, "audit", "verify")
    assert said.startswith("whole: 1 lines; keep 1:")
    kept = said.split()[-1]
    assert run(config, "audit", "verify", "--known", kept).startswith("whole")
    with sqlite3.connect(config.parent / "tickets.db") as database:
        database.execute("DROP TRIGGER audit_never_changes")
        database.execute("UPDATE audit SET who = 'nobody'")
    assert "line 1 was changed" in run(config, "audit", "verify", code=1)


def test_a_malformed_kept_hash_is_explained(config: Path) -> None:
    done = CliRunner().invoke(app, ["audit", "verify", "--known", "x", "--config", str(config)])
    assert "--known" in str(done.exception)
