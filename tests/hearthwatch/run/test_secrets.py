"""Passwords and files: nothing shows a password, and new files are not for everybody."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError

from configuration.load import ConfigurationError
from desk.database.engine import DatabaseError, open_database, shown
from hearthwatch.run.server_settings import load_server_settings
from tests.servers import free_port

PASSWORD = "salt+and/pepper"


def write(path: Path, tickets: str, mode: int) -> Path:
    path.write_text(f"[tickets]\n{tickets}\n")
    path.chmod(mode)
    return path


def test_a_file_with_a_password_is_kept_from_others(tmp_path: Path) -> None:
    url = 'url = "postgresql+psycopg://desk:secret-word@localhost/tickets"'
    path = write(tmp_path / "server.toml", url, 0o644)
    with pytest.raises(ConfigurationError, match=r"chmod o= .*tickets\.password_file") as refused:
        load_server_settings(path)
    assert "secret-word" not in str(refused.value)
    path.chmod(0o640)
    assert load_server_settings(path).tickets.password == "secret-word"


def test_the_password_of_a_database_comes_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    keys = 'url = "postgresql+psycopg://desk@localhost/tickets"\npassword_file = "password"'
    settings = load_server_settings(write(tmp_path / "server.toml", keys, 0o644))
    assert make_url(settings.tickets.address).password == PASSWORD
    assert PASSWORD not in repr(settings)
    secret.chmod(0o644)
    with pytest.raises(ConfigurationError, match="open to everybody"):
        load_server_settings(tmp_path / "server.toml")


def test_errors_of_the_database_show_neither_password_nor_values(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError) as refused:
        open_database("nothing+here://desk:secret-word@localhost/tickets")
    assert "secret-word" not in str(refused.value)
    assert shown("postgresql://d:secret-word@localhost/x") == "'postgresql://d:***@localhost/x'"
    database = open_database(f"sqlite:///{tmp_path}/tickets.db")
    with database.connect() as connection, pytest.raises(SQLAlchemyError) as failed:
        connection.execute(text("INSERT INTO nowhere VALUES (:phone)"), {"phone": "13900000000"})
    assert "13900000000" not in str(failed.value)


def test_new_files_are_0640_whatever_the_umask(tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text("")
    before = os.umask(0)
    try:
        words = ["-m", "hearthwatch", "token", "create", "--role", "district"]
        subprocess.run(
            [sys.executable, *words, "--config", config], check=True, capture_output=True
        )
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "tickets.db").stat().st_mode) == 0o640


def test_a_broken_ticket_database_is_one_sentence(tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text(
        f'[tickets]\nurl = "postgresql+psycopg://desk@127.0.0.1:{free_port()}/tickets"\n'
    )
    for words in (("user", "list"), ("box", "list"), ("audit", "verify"), ("token", "list")):
        said = command(*words, "--config", str(config))
        assert said.returncode == 3, said.stderr
        assert said.stderr.count("\n") == 1, said.stderr
        assert "start the database server" in said.stderr
    (tmp_path / "tickets.db").write_text("this is no database at all" * 100)
    config.write_text("")
    said = command("user", "list", "--config", str(config))
    assert (said.returncode, said.stderr.count("\n")) == (3, 1), said.stderr


def test_a_database_that_nobody_knows_is_named_with_its_key(tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text('[tickets]\nurl = "unheard+of://desk@127.0.0.1/tickets"\n')
    said = command("user", "list", "--config", str(config))
    assert said.returncode == 2
    assert "tickets.url: no database that is known here" in said.stderr


def command(*words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "hearthwatch", *words]
    return subprocess.run(line, capture_output=True, text=True, check=False)
