"""`hearthwatch user …` and `hearthwatch token …` as an operator uses them."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from desk.accounts.accounts import caller_by_cookie, caller_by_token, log_in, secret_hash
from desk.database.engine import open_database, reading
from hearthwatch.__main__ import main

NOW = 1_795_300_000_000
PASSWORD, NEW = "correct horse", "battery staple"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def database(tickets_url: str) -> Engine:
    return open_database(tickets_url)


@pytest.fixture
def command(
    tickets_url: str,
    database: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """The command line within this process: starting one takes seconds."""
    config = tmp_path / "server.toml"
    config.write_text(f"[tickets]\nurl = {json.dumps(tickets_url)}\n")

    def run(*words: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hearthwatch", *words, "--config", str(config)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


@pytest.fixture
def duty(command: Command) -> str:
    words = ("user", "add", "duty", "--role", "town", "--scope", "zhaitang")
    assert command(*words, typed=PASSWORD)[0] == 0
    return "duty"


def session_of(database: Engine, password: str) -> str:
    cookie = log_in(database, "duty", password, NOW)
    assert cookie is not None
    return secret_hash(cookie)


def is_open(database: Engine, hashed: str) -> bool:
    with reading(database) as session:
        return caller_by_cookie(session, hashed, NOW) is not None


def test_what_an_account_lacks_is_named(command: Command) -> None:
    words = ("user", "add", "duty", "--role", "town")
    code, _, complaint = command(*words, "--scope", "zhaitang")
    assert (code, "first line of standard input" in complaint) == (2, True)
    code, _, complaint = command(*words, typed=PASSWORD)
    assert (code, "a town needs a scope" in complaint) == (2, True)


def test_an_account_is_listed_disabled_enabled_and_removed(
    command: Command, duty: str, database: Engine
) -> None:
    before = session_of(database, PASSWORD)
    assert command("user", "disable", duty)[0] == 0
    [listed] = json.loads(command("user", "list", "--json")[1])["items"]
    assert (listed["name"], listed["scope"], listed["disabled"]) == (duty, "zhaitang", True)
    assert "password" not in str(listed)
    assert log_in(database, duty, PASSWORD, NOW) is None
    assert command("user", "enable", duty)[0] == 0
    assert not is_open(database, before)
    after = session_of(database, PASSWORD)
    assert command("user", "remove", duty)[0] == 0
    assert not is_open(database, after)
    assert command("user", "list")[1].strip() == "nobody yet"


def test_a_new_password_ends_the_sessions_and_the_old_one(
    command: Command, duty: str, database: Engine
) -> None:
    before = session_of(database, PASSWORD)
    assert command("user", "password", duty, typed=NEW)[0] == 0
    assert not is_open(database, before)
    assert log_in(database, duty, PASSWORD, NOW) is None
    assert is_open(database, session_of(database, NEW))


def test_a_new_password_does_not_enable_an_account(
    command: Command, duty: str, database: Engine
) -> None:
    command("user", "disable", duty)
    assert command("user", "password", duty, typed=NEW)[0] == 0
    assert log_in(database, duty, NEW, NOW) is None


@pytest.mark.parametrize("password", ["", "short", " " * 12, "a" * 12])
def test_a_blank_or_repeated_password_is_refused_and_the_old_one_stays(
    command: Command, duty: str, database: Engine, password: str
) -> None:
    code, _, error = command("user", "password", duty, typed=password)
    assert code == 2
    assert "a password" in error
    assert log_in(database, duty, PASSWORD, NOW) is not None


@pytest.mark.parametrize("act", ["disable", "enable", "remove", "password"])
def test_an_unknown_name_is_said_with_what_to_do(command: Command, act: str) -> None:
    code, _, error = command("user", act, "nobody", typed=NEW)
    assert code == 2
    assert "there is no user 'nobody'; see user list" in error


def test_a_token_is_listed_by_its_id_and_revoked(command: Command, database: Engine) -> None:
    token = command("token", "create", "--role", "district")[1].strip()
    shown = command("token", "list", "--json")[1]
    assert token not in shown
    [listed] = json.loads(shown)["items"]
    assert command("token", "revoke", listed["id"])[0] == 0
    with reading(database) as session:
        assert caller_by_token(session, secret_hash(token), NOW) is None
    assert "revoked" in command("token", "list")[1]
    assert command("token", "revoke", "%%%%%%%%")[0] == 2
