"""Who may call: accounts with passwords, bearer tokens, browser sessions.

Secrets are never stored: passwords as argon2id hashes, tokens and session cookies as SHA-256 (they
are 256 random bits, so a slow hash would add nothing). There is no default account. Times are UTC
milliseconds.
"""

import getpass
import os
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, cast

from sqlalchemy import Engine, Select, delete, select, update
from sqlalchemy.orm import Session

from desk.accounts.passwords import (
    PasswordRefusedError,
    check_password,
    hash_password,
    password_fits,
)
from desk.accounts.places import ScopeRefusedError, whole_path
from desk.accounts.scope import PLACES, ROLES, Role, Scope
from desk.audit.entry import Actor
from desk.audit.trail import acting, record
from desk.database.engine import reading, writing
from desk.database.tables import AccountRow, ApiTokenRow, WebSessionRow
from wire.units import HOUR_MS
from wire.wall_clock import wall_clock_ms

SESSION_MS: Final = 16 * HOUR_MS
"""A browser stays logged in for a double shift, so that nobody is logged out while on duty."""

IDLE_MS: Final = 2 * HOUR_MS
"""Without a request or an open page for this long a session ends: the lid was closed."""

NOTED_EVERY_MS: Final = 60_000
"""How exactly the last use of a session or token is known; each note is a write."""

MAX_NAME: Final = 64
_SECRET_BYTES: Final = 32


class AccountError(ValueError):
    """An account or token that cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """An account as a list shows it; `created` is UTC ms."""

    name: str
    role: str
    scope: str | None
    created: int
    disabled: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling: the name that goes on record, what they may see, how they proved it, and the
    network address they call from."""

    name: str
    scope: Scope
    by_cookie: bool
    secret_hash: str
    address: str | None = field(default=None, compare=False)

    @property
    def actor(self) -> Actor:
        """The caller as the audit log names it."""
        return Actor(self.name, self.address)


def add_account(
    database: Engine,
    name: str,
    password: str,
    role: str,
    scope: str | None = None,
    now: int | None = None,
    actor: Actor | None = None,
) -> bool:
    """Create the account `name`, or give it a new password, role and scope; ends its sessions.

    Returns whether it is new. `actor` is who does so, by default the user of this machine. Raises
    AccountError.
    """
    if not name or len(name) > MAX_NAME or name != name.strip():
        raise AccountError(f"a name has 1 to {MAX_NAME} characters and no blanks around it")
    hashed, at = _checked_hash(name, password), or_wall_clock(now)
    with acting(database, actor or this_user(), "account.set", at) as session:
        checked, path = checked_rights(session, role, scope)
        known = session.get(AccountRow, name)
        account = known or AccountRow(name=name, created=at)
        account.password_hash, account.role, account.scope, account.disabled = (
            hashed,
            checked,
            path,
            False,
        )
        session.add(account)
        _end_sessions(session, name)
    return known is None


def list_accounts(database: Engine) -> list[ListedAccount]:
    """Every account by name."""
    with reading(database) as session:
        rows = session.scalars(select(AccountRow).order_by(AccountRow.name))
        return [
            ListedAccount(row.name, row.role, row.scope, row.created, row.disabled) for row in rows
        ]


def disable_account(
    database: Engine, name: str, *, disabled: bool = True, actor: Actor | None = None
) -> bool:
    """End an account and its sessions at once, or let it log in again; whether there is one."""
    what = "account.disable" if disabled else "account.enable"
    by = actor or this_user()
    with acting(database, by, what, wall_clock_ms()) as session:
        account = session.get(AccountRow, name)
        if account is None:
            return False
        if account.disabled != disabled:
            account.disabled = disabled
            _end_sessions(session, name)
        return True


def remove_account(database: Engine, name: str, actor: Actor | None = None) -> bool:
    """Remove an account and its sessions; its name stays in the records. Whether there was one."""
    by = actor or this_user()
    with acting(database, by, "account.remove", wall_clock_ms()) as session:
        account = session.get(AccountRow, name)
        if account is None:
            return False
        _end_sessions(session, name)
        session.delete(account)
        return True


def set_password(database: Engine, name: str, password: str, actor: Actor | None = None) -> bool:
    """Give an account a new password and end its sessions; whether there is one.

    Raises AccountError for a password that is refused.
    """
    hashed = _checked_hash(name, password)
    by = actor or this_user()
    with acting(database, by, "account.password", wall_clock_ms()) as session:
        account = session.get(AccountRow, name)
        if account is None:
            return False
        account.password_hash = hashed
        _end_sessions(session, name)
        return True


def change_own_password(database: Engine, actor: Actor, old: str, new: str) -> bool:
    """Give the account of the actor, a person, a new password; whether `old` is the one it had.

    Its sessions end. Raises AccountError.
    """
    with reading(database) as session:
        stored = session.scalar(_enabled_password(actor.name))
    if not password_fits(stored, old):
        return False
    if new == old:
        raise AccountError("the new password is the old one; take another")
    return set_password(database, actor.name, new, actor)


def log_in(
    database: Engine,
    name: str,
    password: str,
    now: int,
    address: str | None = None,
    former: str | None = None,
) -> str | None:
    """The cookie of a new session, or None if name and password do not belong together.

    The session of the cookie `former`, which the browser had until now, ends.

    An unknown name takes as long as a wrong password, so that names cannot be found out.
    """
    with reading(database) as session:
        stored = session.scalar(_enabled_password(name))
    if not password_fits(stored, password):
        return None
    cookie = secrets.token_urlsafe(_SECRET_BYTES)
    with writing(database) as session:
        if session.scalar(_enabled_password(name)) != stored:
            return None  # the account changed while the password was looked at
        of_the_browser = WebSessionRow.hash == secret_hash(former or "")
        session.execute(
            delete(WebSessionRow).where((WebSessionRow.expires <= now) | of_the_browser)
        )
        session.add(
            WebSessionRow(
                hash=secret_hash(cookie),
                account=name,
                created=now,
                expires=now + SESSION_MS,
                last_used=now,
            )
        )
        record(session, Actor(name, address), "login", now)
    return cookie


def _enabled_password(name: str) -> Select[str]:
    return select(AccountRow.password_hash).where(
        AccountRow.name == name, AccountRow.disabled.is_(False)
    )


def log_out(database: Engine, caller: Caller, now: int) -> None:
    """End the caller's browser session; a token stays valid."""
    with writing(database) as session:
        session.execute(delete(WebSessionRow).where(WebSessionRow.hash == caller.secret_hash))
        record(session, caller.actor, "logout", now)


def caller_by_cookie(session: Session, hashed: str, now: int) -> Caller | None:
    """Whose session the cookie with this hash is, if it has not ended."""
    wanted = (
        select(AccountRow)
        .join(WebSessionRow, WebSessionRow.account == AccountRow.name)
        .where(
            WebSessionRow.hash == hashed,
            WebSessionRow.expires > now,
            WebSessionRow.last_used > now - IDLE_MS,
            AccountRow.disabled.is_(False),
        )
    )
    account = session.scalar(wanted)
    return None if account is None else Caller(account.name, _scope(account), True, hashed)


def caller_by_token(session: Session, hashed: str, now: int) -> Caller | None:
    """Whose token this is, if it is neither revoked nor expired; the name on record is `token:`
    and the start of its hash."""
    in_time = ApiTokenRow.expires.is_(None) | (ApiTokenRow.expires > now)
    token = session.scalar(
        select(ApiTokenRow).where(
            ApiTokenRow.hash == hashed, ApiTokenRow.revoked.is_(None), in_time
        )
    )
    return None if token is None else Caller(f"token:{hashed[:8]}", _scope(token), False, hashed)


def still_valid(session: Session, caller: Caller, now: int) -> bool:
    """Whether the caller may go on as before: for answers that last, like the live feed."""
    if caller.by_cookie:
        return caller_by_cookie(session, caller.secret_hash, now) == caller
    return caller_by_token(session, caller.secret_hash, now) == caller


def note_use(database: Engine, caller: Caller, now: int) -> None:
    """Note that the caller's session or token is in use, once a minute."""
    row = WebSessionRow if caller.by_cookie else ApiTokenRow
    with reading(database) as session:
        last = session.scalar(select(row.last_used).where(row.hash == caller.secret_hash))
    if last is not None and now - last < NOTED_EVERY_MS:
        return
    with writing(database) as session:
        session.execute(update(row).where(row.hash == caller.secret_hash).values(last_used=now))


def secret_hash(secret: str) -> str:
    """What stands in the database for a token or cookie."""
    return sha256(secret.encode()).hexdigest()


def _end_sessions(session: Session, name: str) -> None:
    session.execute(delete(WebSessionRow).where(WebSessionRow.account == name))


def _scope(row: AccountRow | ApiTokenRow) -> Scope:
    return Scope(cast("Role", row.role), row.scope)  # only checked roles are written


def checked_rights(session: Session, role: str, scope: str | None) -> tuple[Role, str | None]:
    """Return a role and the whole path of its scope; raises AccountError."""
    if role not in ROLES:
        raise AccountError(f"{role!r} is no role; there are {', '.join(ROLES)}")
    if role == "auditor" and scope:
        raise AccountError("an auditor reads the whole audit log; give no scope")
    if not scope and role not in ("district", "auditor"):
        raise AccountError(f"a {role} needs a scope: the id that it is limited to")
    known = cast("Role", role)
    if not scope or role not in PLACES:
        return known, scope
    try:
        return known, whole_path(session, known, scope)
    except ScopeRefusedError as error:
        raise AccountError(str(error)) from error


def _checked_hash(name: str, password: str) -> str:
    try:
        check_password(name, password)
    except PasswordRefusedError as error:
        raise AccountError(str(error)) from error
    return hash_password(password)


def this_user() -> Actor:
    """The user of this machine who runs a command, without a network address.

    Behind sudo it is the person who called it.
    """
    return Actor(os.environ.get("SUDO_USER") or getpass.getuser())


def or_wall_clock(now: int | None) -> int:
    """Return `now`, or the server time (UTC ms)."""
    return wall_clock_ms() if now is None else now
