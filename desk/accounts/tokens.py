"""Bearer tokens of programs: made once, known by their hash alone, revoked by it."""

import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, select

from desk.accounts.accounts import (
    AccountError,
    checked_rights,
    or_wall_clock,
    secret_hash,
    this_user,
)
from desk.audit.entry import Actor
from desk.audit.trail import acting
from desk.database.engine import reading
from desk.database.tables import ApiTokenRow

SHOWN: Final = 8
"""Characters of a token's hash that name it on record, as `token:` and these."""

_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A token as a list shows it; times are UTC ms. `id` is the start of its hash."""

    id: str
    name: str | None
    role: str
    scope: str | None
    created: int
    expires: int | None
    last_used: int | None
    revoked: int | None


def create_token(
    database: Engine,
    role: str,
    scope: str | None = None,
    now: int | None = None,
    *,
    name: str | None = None,
    lasts_ms: int | None = None,
    actor: Actor | None = None,
) -> str:
    """A new bearer token; the only moment it exists outside its owner's hands.

    `lasts_ms` is how long it is valid, None for ever. Raises AccountError.
    """
    token, created = secrets.token_urlsafe(_SECRET_BYTES), or_wall_clock(now)
    with acting(database, actor or this_user(), "token.create", created) as session:
        checked, path = checked_rights(session, role, scope)
        row = ApiTokenRow(hash=secret_hash(token), role=checked, scope=path, created=created)
        row.name, row.expires = name, None if lasts_ms is None else created + lasts_ms
        session.add(row)
    return token


def list_tokens(database: Engine) -> list[ListedToken]:
    """Every token, the newest first."""
    with reading(database) as session:
        rows = session.scalars(select(ApiTokenRow).order_by(ApiTokenRow.created.desc()))
        return [
            ListedToken(
                *(row.hash[:SHOWN], row.name, row.role, row.scope),
                *(row.created, row.expires, row.last_used, row.revoked),
            )
            for row in rows
        ]


def revoke_token(
    database: Engine, token: str, now: int | None = None, actor: Actor | None = None
) -> bool:
    """End a token, given whole or by its id, at once; whether there was one.

    Raises AccountError for an id of several.
    """
    at = or_wall_clock(now)
    by = actor or this_user()
    with acting(database, by, "token.revoke", at) as session:
        row = session.get(ApiTokenRow, secret_hash(token))
        if row is None and len(token) >= SHOWN:
            starts = select(ApiTokenRow).where(ApiTokenRow.hash.startswith(token, autoescape=True))
            rows = session.scalars(starts.limit(2)).all()
            if len(rows) > 1:
                raise AccountError(f"{token} begins several tokens; give more of it")
            row = rows[0] if rows else None
        if row is None:
            return False
        row.revoked = at
        return True
