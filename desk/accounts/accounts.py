"""Who may call: accounts with passwords, bearer tokens, browser sessions.

Secrets are never stored: passwords as argon2id hashes, tokens and session cookies as SHA-256 (they
are 256 random bits, so a slow hash would add nothing). There is no default account. Times are UTC
milliseconds.
"""

import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from desk.accounts.scope import ROLES, Role, Scope
from desk.database.engine import reading, writing
from desk.database.tables import AccountRow, ApiTokenRow, WebSessionRow
from wire.units import HOUR_MS
from wire.wall_clock import wall_clock_ms

SESSION_MS: Final = 16 * HOUR_MS
"""A browser stays logged in for a double shift, so that nobody is logged out while on duty."""

MAX_NAME: Final = 64
MIN_PASSWORD: Final = 8
"""Characters (NIST SP 800-63B §5.1.1.2)."""

_SECRET_BYTES: Final = 32
_HASHER: Final = PasswordHasher()
_NO_ACCOUNT_HASH: Final = _HASHER.hash(secrets.token_urlsafe())


class AccountError(ValueError):
    """An account or token that cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling: the name that goes on record, what they may see, and how they proved it."""

    name: str
    scope: Scope
    by_cookie: bool
    secret_hash: str


def add_account(
    database: Engine,
    name: str,
    password: str,
    role: str,
    scope: str | None = None,
    now: int | None = None,
) -> bool:
    """Create the account `name`, or give it a new password, role and scope; ends its sessions.

    Returns whether it is new. Raises AccountError.
    """
    checked = _checked_role(role, scope)
    if not name or len(name) > MAX_NAME or name != name.strip():
        raise AccountError(f"a name has 1 to {MAX_NAME} characters and no blanks around it")
    if len(password) < MIN_PASSWORD:
        raise AccountError(f"a password has at least {MIN_PASSWORD} characters")
    hashed = _HASHER.hash(password)
    with writing(database) as session:
        known = session.get(AccountRow, name)
        account = known or AccountRow(name=name, created=_or_wall_clock(now))
        account.password_hash, account.role, account.scope, account.disabled = (
            hashed,
            checked,
            scope,
            False,
        )
        session.add(account)
        _end_sessions(session, name)
    return known is None


def disable_account(database: Engine, name: str) -> bool:
    """End an account and its sessions at once; whether there was one."""
    with writing(database) as session:
        account = session.get(AccountRow, name)
        if account is None:
            return False
        account.disabled = True
        _end_sessions(session, name)
        return True


def create_token(
    database: Engine, role: str, scope: str | None = None, now: int | None = None
) -> str:
    """A new bearer token; the only moment it exists outside its owner's hands. Raises
    AccountError."""
    checked = _checked_role(role, scope)
    token = secrets.token_urlsafe(_SECRET_BYTES)
    with writing(database) as session:
        session.add(
            ApiTokenRow(
                hash=secret_hash(token), role=checked, scope=scope, created=_or_wall_clock(now)
            )
        )
    return token


def revoke_token(database: Engine, token: str, now: int | None = None) -> bool:
    """End a token at once; whether there was one."""
    with writing(database) as session:
        row = session.get(ApiTokenRow, secret_hash(token))
        if row is None:
            return False
        row.revoked = _or_wall_clock(now)
        return True


def log_in(database: Engine, name: str, password: str, now: int) -> str | None:
    """The cookie of a new session, or None if name and password do not belong together.

    An unknown name takes as long as a wrong password, so that names cannot be found out.
    """
    with reading(database) as session:
        wanted = select(AccountRow.password_hash).where(
            AccountRow.name == name, AccountRow.disabled.is_(False)
        )
        stored = session.scalar(wanted)
    if not _password_fits(stored or _NO_ACCOUNT_HASH, password) or stored is None:
        return None
    cookie = secrets.token_urlsafe(_SECRET_BYTES)
    with writing(database) as session:
        session.execute(delete(WebSessionRow).where(WebSessionRow.expires <= now))
        session.add(
            WebSessionRow(
                hash=secret_hash(cookie), account=name, created=now, expires=now + SESSION_MS
            )
        )
    return cookie


def log_out(database: Engine, caller: Caller) -> None:
    """End the caller's browser session; a token stays valid."""
    with writing(database) as session:
        session.execute(delete(WebSessionRow).where(WebSessionRow.hash == caller.secret_hash))


def caller_by_cookie(session: Session, hashed: str, now: int) -> Caller | None:
    """Whose session the cookie with this hash is, if it has not ended."""
    wanted = (
        select(AccountRow)
        .join(WebSessionRow, WebSessionRow.account == AccountRow.name)
        .where(
            WebSessionRow.hash == hashed,
            WebSessionRow.expires > now,
            AccountRow.disabled.is_(False),
        )
    )
    account = session.scalar(wanted)
    return None if account is None else Caller(account.name, _scope(account), True, hashed)


def caller_by_token(session: Session, hashed: str) -> Caller | None:
    """Whose token this is, if it is not revoked; the name on record is `token:` and the start of
    its hash."""
    token = session.scalar(
        select(ApiTokenRow).where(ApiTokenRow.hash == hashed, ApiTokenRow.revoked.is_(None))
    )
    return None if token is None else Caller(f"token:{hashed[:8]}", _scope(token), False, hashed)


def still_valid(session: Session, caller: Caller, now: int) -> bool:
    """Whether the caller may go on as before: for answers that last, like the live feed."""
    if caller.by_cookie:
        return caller_by_cookie(session, caller.secret_hash, now) == caller
    return caller_by_token(session, caller.secret_hash) == caller


def secret_hash(secret: str) -> str:
    """What stands in the database for a token or cookie."""
    return sha256(secret.encode()).hexdigest()


def _password_fits(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _end_sessions(session: Session, name: str) -> None:
    session.execute(delete(WebSessionRow).where(WebSessionRow.account == name))


def _scope(row: AccountRow | ApiTokenRow) -> Scope:
    return Scope(cast("Role", row.role), row.scope)  # only checked roles are written


def _checked_role(role: str, scope: str | None) -> Role:
    if role not in ROLES:
        raise AccountError(f"{role!r} is no role; there are {', '.join(ROLES)}")
    if not scope and role != "district":
        raise AccountError(f"a {role} needs the id it is limited to")
    return cast("Role", role)


def _or_wall_clock(now: int | None) -> int:
    return wall_clock_ms() if now is None else now
