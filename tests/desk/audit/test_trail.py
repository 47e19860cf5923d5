"""The log in a real SQLite and PostgreSQL: with the act or not at all, and never changed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from desk.accounts.accounts import add_account, disable_account, remove_account, set_password
from desk.accounts.tokens import create_token, revoke_token
from desk.audit.entry import EXPIRED, Actor
from desk.audit.trail import AuditFilter, acting, expire, lines, newest_line, record, verify
from desk.database.engine import open_database, reading, writing
from desk.database.tables import AccountRow
from wire.units import DAY_MS
from wire.wall_clock import wall_clock_ms

CLERK = Actor("clerk", "192.0.2.7")
KEPT = r"append-only|six months"


@pytest.fixture
def database(tickets_url: str) -> Engine:
    return open_database(tickets_url)


def newest(database: Engine, what: str) -> dict[str, object]:
    with reading(database) as session:
        entry = lines(session, AuditFilter(what=what), 1)[0]
        return {"subject": entry.subject, "before": entry.before, "after": entry.after}


def test_each_change_of_an_account_has_its_line_and_no_secret(database: Engine) -> None:
    add_account(database, "night.shift", "correct horse", "town", "zhaitang", actor=CLERK)
    made = newest(database, "account.set")
    assert made["subject"] == "account:night.shift"
    assert made["before"] is None
    assert made["after"]["role"] == "town"  # type: ignore[index]
    disable_account(database, "night.shift", actor=CLERK)
    assert newest(database, "account.disable") == {
        "subject": "account:night.shift",
        "before": {"disabled": False},
        "after": {"disabled": True},
    }
    set_password(database, "night.shift", "battery staple", actor=CLERK)
    hidden = {"password_hash": "hidden"}
    assert newest(database, "account.password")["after"] == hidden
    remove_account(database, "night.shift", CLERK)
    assert newest(database, "account.remove")["after"] is None
    token = create_token(database, "district", actor=CLERK)
    revoke_token(database, token, actor=CLERK)
    assert newest(database, "token.revoke")["before"] is None
    with reading(database) as session:
        rows = session.execute(text("SELECT * FROM audit")).all()
    assert {row.who for row in rows} == {"clerk"}
    assert not any(secret in str(rows) for secret in ("argon2", token, "battery"))


def test_an_act_that_finds_nothing_leaves_no_line(database: Engine) -> None:
    assert not disable_account(database, "nobody", actor=CLERK)
    assert not remove_account(database, "nobody", CLERK)
    assert not revoke_token(database, "99999999", actor=CLERK)
    assert verify(database).lines == 0


def test_an_act_that_fails_leaves_neither_change_nor_line(database: Engine) -> None:
    with pytest.raises(RuntimeError, match="power"):
        fail_halfway(database)
    with reading(database) as session:
        assert newest_line(session)[0] == 0
        assert session.get(AccountRow, "x") is None


def fail_halfway(database: Engine) -> None:
    with acting(database, CLERK, "test", 1) as session:
        row = AccountRow(name="x", password_hash="y", role="town", scope=None, created=1)
        session.add(row)
        session.flush()
        raise RuntimeError("power")


def test_lines_of_parallel_acts_form_one_chain(database: Engine) -> None:
    def act(number: int) -> None:
        with writing(database) as session:
            record(session, CLERK, "test", number, f"thing:{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(100)))
    verdict = verify(database)
    assert (verdict.lines, verdict.broken) == (100, None)


@pytest.mark.parametrize("forgery", ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit"])
def test_the_database_keeps_lines_from_being_changed(database: Engine, forgery: str) -> None:
    with writing(database) as session:
        record(session, CLERK, "test", wall_clock_ms())
    with pytest.raises(DBAPIError, match=KEPT), database.begin() as connection:
        connection.execute(text(forgery))
    assert verify(database).lines == 1


def test_who_gets_round_the_database_is_found(database: Engine) -> None:
    for number in range(3):
        with writing(database) as session:
            record(session, CLERK, "test", wall_clock_ms(), f"thing:{number}")
    forge(database, "UPDATE audit SET subject = 'thing:9' WHERE id = 2")
    broken = verify(database).broken
    assert broken is not None
    assert (broken.id, broken.how) == (2, "changed")


def forge(database: Engine, statement: str) -> None:
    """Change a line as who owns the database can: without the triggers."""
    with database.begin() as connection:
        if database.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER audit_never_changes"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        connection.execute(text(statement))


def test_lines_go_after_their_time_and_the_rest_is_whole(database: Engine) -> None:
    now = wall_clock_ms()
    ages = (600, 500, 401, 399, 100)
    for age in ages:
        with writing(database) as session:
            record(session, CLERK, "test", now - age * DAY_MS)
    assert removed(database, lambda: now - 400 * DAY_MS, now) == 3
    assert removed(database, lambda: now - 400 * DAY_MS, now) == 0
    verdict = verify(database)
    assert (verdict.lines, verdict.broken) == (3, None)
    assert newest(database, EXPIRED)["subject"] == "3"


def test_a_line_kept_elsewhere_that_went_by_age_is_not_called_changed(database: Engine) -> None:
    now = wall_clock_ms()
    with writing(database) as session:
        old = record(session, CLERK, "test", now - 600 * DAY_MS)
        young = record(session, CLERK, "test", now)
    assert removed(database, lambda: now - 400 * DAY_MS, now) == 1
    broken = verify(database, (old.id, old.hash)).broken
    assert broken is not None
    assert broken.how == "expired"
    assert verify(database, (young.id, young.hash)).broken is None


def test_an_act_on_what_there_is_not_leaves_no_line(database: Engine) -> None:
    assert not disable_account(database, "nobody", actor=CLERK)
    assert not remove_account(database, "nobody", actor=CLERK)
    assert not set_password(database, "nobody", "correct horse", actor=CLERK)
    assert not revoke_token(database, "no such token", actor=CLERK)
    with reading(database) as session:
        assert newest_line(session)[0] == 0


def test_no_line_goes_before_six_months(database: Engine) -> None:
    now = wall_clock_ms()
    for age in (190, 170, 0):
        with writing(database) as session:
            record(session, CLERK, "test", now - age * DAY_MS)
    assert removed(database, lambda: now, now) == 1


def removed(database: Engine, before: Callable[[], int], now: int) -> int:
    with writing(database) as session:
        return expire(session, before(), now)
