from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from desk.accounts.accounts import (
    IDLE_MS,
    SESSION_MS,
    AccountError,
    Caller,
    add_account,
    caller_by_cookie,
    caller_by_token,
    change_own_password,
    disable_account,
    list_accounts,
    log_in,
    log_out,
    note_use,
    remove_account,
    secret_hash,
    still_valid,
)
from desk.accounts.guess_lock import GuessLock
from desk.accounts.scope import Scope
from desk.accounts.tokens import create_token, list_tokens, revoke_token
from desk.audit.entry import Actor
from desk.database.engine import open_database, reading, writing
from desk.database.tables import AccountRow, ApiTokenRow, GatewayRow, WebSessionRow
from wire.units import DAY_MS

NOW = 1_795_300_000_000

PASSWORD = "correct horse"
ACTOR = Actor("night.shift", "192.0.2.7")


@pytest.fixture
def database(tickets_url: str) -> Engine:
    return open_database(tickets_url)


def by_token(database: Engine, token: str, now: int = NOW) -> Caller | None:
    with reading(database) as session:
        return caller_by_token(session, secret_hash(token), now)


def by_cookie(database: Engine, cookie: str, now: int = NOW) -> Caller | None:
    with reading(database) as session:
        return caller_by_cookie(session, secret_hash(cookie), now)


def test_a_fresh_database_has_no_account_and_lets_nobody_in(database: Engine) -> None:
    with reading(database) as session:
        assert session.scalars(select(AccountRow)).all() == []
    assert log_in(database, "admin", "admin", NOW) is None


def test_a_token_says_who_its_owner_is_until_it_is_revoked(database: Engine) -> None:
    token = create_token(database, "town", "zhaitang", NOW)
    caller = by_token(database, token)
    assert caller is not None
    assert caller.scope == Scope("town", "zhaitang")
    assert by_token(database, token + "x") is None
    assert revoke_token(database, token, NOW)
    assert by_token(database, token) is None
    with reading(database) as session:
        assert not still_valid(session, caller, NOW)


def test_neither_token_nor_cookie_nor_password_is_stored(database: Engine, tmp_path: Path) -> None:
    token = create_token(database, "district", None, NOW)
    add_account(database, "night.shift", PASSWORD, "district", None, NOW)
    cookie = log_in(database, "night.shift", PASSWORD, NOW)
    assert cookie is not None
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not [secret for secret in (token, cookie, PASSWORD) if secret.encode() in stored]
    with reading(database) as session:
        assert session.scalars(select(ApiTokenRow.hash)).all() == [secret_hash(token)]
        assert session.scalars(select(WebSessionRow.hash)).all() == [secret_hash(cookie)]
        kept = session.scalars(select(AccountRow.password_hash)).one()
        assert kept.startswith("$argon2id$")
    assert min(len(token), len(cookie)) >= 43  # 256 random bits in base64


def test_a_session_ends_by_time_by_logout_and_with_its_account(database: Engine) -> None:
    add_account(database, "night.shift", PASSWORD, "village", "matao", NOW)
    first, second = (log_in(database, "night.shift", PASSWORD, NOW) for _ in range(2))
    assert first is not None
    assert second is not None
    caller = by_cookie(database, first)
    assert caller is not None
    assert by_cookie(database, first, NOW + IDLE_MS - 1) is not None
    assert by_cookie(database, first, NOW + IDLE_MS) is None
    note_use(database, caller, NOW + SESSION_MS - 1)
    assert by_cookie(database, first, NOW + SESSION_MS - 1) is not None
    assert by_cookie(database, first, NOW + SESSION_MS) is None
    log_out(database, caller, NOW)
    assert by_cookie(database, first) is None
    assert by_cookie(database, second) is not None
    assert disable_account(database, "night.shift")
    assert by_cookie(database, second) is None
    assert log_in(database, "night.shift", PASSWORD, NOW) is None


def test_a_new_password_ends_the_sessions_of_the_old_one(database: Engine) -> None:
    add_account(database, "night.shift", PASSWORD, "district", None, NOW)
    cookie = log_in(database, "night.shift", PASSWORD, NOW)
    add_account(database, "night.shift", "battery staple", "town", "zhaitang", NOW)
    assert cookie is not None
    assert by_cookie(database, cookie) is None
    assert log_in(database, "night.shift", PASSWORD, NOW) is None
    again = log_in(database, "night.shift", "battery staple", NOW)
    assert again is not None
    caller = by_cookie(database, again)
    assert caller is not None
    assert caller.scope == Scope("town", "zhaitang")


def test_a_token_ends_by_itself_and_shows_its_last_use(database: Engine) -> None:
    token = create_token(database, "district", None, NOW, name="wall", lasts_ms=DAY_MS)
    caller = by_token(database, token, NOW + DAY_MS - 1)
    assert caller is not None
    assert by_token(database, token, NOW + DAY_MS) is None
    note_use(database, caller, NOW + 5)
    note_use(database, caller, NOW + 6)  # within a minute nothing is written
    [listed] = list_tokens(database)
    assert (listed.name, listed.expires, listed.last_used) == ("wall", NOW + DAY_MS, NOW + 5)
    assert revoke_token(database, listed.id, NOW + 7)
    assert by_token(database, token) is None
    assert not revoke_token(database, "00000000", NOW)


def test_an_account_is_disabled_enabled_given_a_password_and_removed(database: Engine) -> None:
    add_account(database, "night.shift", PASSWORD, "district", None, NOW)
    disable_account(database, "night.shift")
    assert [account.disabled for account in list_accounts(database)] == [True]
    disable_account(database, "night.shift", disabled=False)
    cookie = log_in(database, "night.shift", PASSWORD, NOW)
    assert cookie is not None
    assert not change_own_password(database, ACTOR, "wrong", "battery staple")
    assert change_own_password(database, ACTOR, PASSWORD, "battery staple")
    assert by_cookie(database, cookie) is None
    assert log_in(database, "night.shift", "battery staple", NOW) is not None
    assert remove_account(database, "night.shift")
    assert list_accounts(database) == []
    assert not remove_account(database, "night.shift")


@pytest.mark.parametrize(
    "password", ["password1", "12345678", "        ", "aaaaaaaaaa", "night.shift", "hearthwatch1"]
)
def test_a_password_that_anybody_tries_is_refused(database: Engine, password: str) -> None:
    with pytest.raises(AccountError):
        add_account(database, "night.shift", password, "district", None, NOW)
    assert list_accounts(database) == []


def test_a_scope_is_a_known_place_by_its_whole_path(database: Engine) -> None:
    with writing(database) as session:
        for town, village in (("zhaitang", "matao"), ("qingshui", "matao"), ("qingshui", "dong")):
            box = GatewayRow(district="mentougou", town=town, village=village, id="01", online=True)
            session.add(box)
    with pytest.raises(AccountError, match="several places; say which: mentougou/qingshui/matao"):
        add_account(database, "wang", PASSWORD, "village", "matao", NOW)
    with pytest.raises(AccountError, match="no town zhai is known; there are"):
        create_token(database, "town", "zhai", NOW)
    add_account(database, "wang", PASSWORD, "village", "zhaitang/matao", NOW)
    add_account(database, "li", PASSWORD, "village", "mentougou/new/village", NOW)
    scopes = [account.scope for account in list_accounts(database)]
    assert scopes == ["mentougou/new/village", "mentougou/zhaitang/matao"]


@pytest.mark.parametrize(
    ("name", "password", "role", "scope"),
    [
        ("night.shift", "short", "district", None),
        ("", PASSWORD, "district", None),
        (" wang", PASSWORD, "district", None),
        ("w" * 65, PASSWORD, "district", None),
        ("night.shift", PASSWORD, "admin", None),
        ("night.shift", PASSWORD, "town", None),
        ("night.shift", PASSWORD, "household", ""),
    ],
)
def test_an_account_that_makes_no_sense_is_refused(
    database: Engine, name: str, password: str, role: str, scope: str | None
) -> None:
    with pytest.raises(AccountError):
        add_account(database, name, password, role, scope, NOW)


def test_a_token_limited_to_nothing_is_only_for_the_district(database: Engine) -> None:
    with pytest.raises(AccountError):
        create_token(database, "manufacturer", None, NOW)


def test_five_failures_lock_a_name_for_five_minutes_and_no_other() -> None:
    lock = GuessLock()
    for second in range(GuessLock.FAILURES):
        assert lock.begin("night.shift", "10.0.0.1", NOW + second) == 0
    last = NOW + GuessLock.FAILURES - 1
    assert lock.begin("night.shift", "10.0.0.1", last) == GuessLock.LOCK_MS
    assert lock.begin("day.shift", "10.0.0.1", last) == 0
    assert lock.begin("night.shift", "10.0.0.1", last + GuessLock.LOCK_MS) == 0


def test_each_lock_lasts_twice_as_long_up_to_an_hour() -> None:
    lock, now, waits = GuessLock(), NOW, []
    for _ in range(6):
        while (wait := lock.begin("night.shift", "10.0.0.1", now)) == 0:
            pass
        waits.append(wait // 60_000)
        now += wait
    assert waits == [5, 10, 20, 40, 60, 60]


def test_guessing_elsewhere_does_not_keep_the_duty_desk_out() -> None:
    lock = GuessLock()
    lock.begin("night.shift", "10.0.0.1", NOW)
    lock.succeeded("night.shift", "10.0.0.1")
    for number in range(500):
        lock.begin("night.shift", f"192.0.2.{number}", NOW)
    assert lock.begin("night.shift", "192.0.2.99", NOW) > 0
    assert lock.begin("night.shift", "10.0.0.1", NOW) == 0


def test_an_address_that_tries_many_names_is_locked() -> None:
    lock = GuessLock()
    waits = [lock.begin(f"name-{number}", "192.0.2.1", NOW) for number in range(60)]
    assert (waits[49], waits[50]) == (0, GuessLock.LOCK_MS)
    assert lock.begin("name-1", "10.0.0.1", NOW) == 0


def test_success_forgets_the_failures() -> None:
    lock = GuessLock()
    for _ in range(GuessLock.FAILURES - 1):
        lock.begin("night.shift", "10.0.0.1", NOW)
    lock.succeeded("night.shift", "10.0.0.1")
    assert lock.begin("night.shift", "10.0.0.1", NOW) == 0
    assert lock.begin("night.shift", "10.0.0.1", NOW) == 0


@given(st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 5)), min_size=1, max_size=400))
def test_strangers_get_no_more_than_a_hundred_tries_an_hour_on_one_name(
    guesses: list[tuple[int, int]],
) -> None:
    """ASVS 2.2.1, whatever the rhythm and the addresses of the guessing."""
    lock, now, tries = GuessLock(), NOW, []
    for pause, address in guesses:
        now += pause
        if lock.begin("night.shift", f"192.0.2.{address}", now) == 0:
            tries.append(now)
    assert all(sum(start <= at < start + 3_600_000 for at in tries) <= 100 for start in tries)
