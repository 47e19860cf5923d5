"""Writes and reads the audit log in the ticket database."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from prometheus_client import Gauge
from sqlalchemy import Engine, Select, delete, func, select
from sqlalchemy.orm import Session

from desk.audit.changes import Change, watch_changes
from desk.audit.entry import EXPIRED, GENESIS, Actor, AuditEntry, ChainVerdict, walk
from desk.database.engine import reading, writing
from desk.database.tables import AuditRow
from wire.units import DAY_MS

KEPT_AT_LEAST_MS: Final = 183 * DAY_MS
"""Six months, as 网络安全法 (Cybersecurity Law of the PRC) article 21 (3) asks of logs."""

_NEWEST: Final = Gauge("hearthwatch_audit_newest", "Id of the newest line of the audit log written")
_CHUNK: Final = 1_000
_SYSTEM: Final = Actor("hearthwatch")


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which lines are wanted; None asks for all. `since` and `until` are UTC ms.

    `what` ending in a dot is the beginning of the acts wanted, such as `ticket.`.
    """

    who: str | None = None
    what: str | None = None
    since: int | None = None
    until: int | None = None


@contextmanager
def acting(
    database: Engine, actor: Actor, what: str, now: int, *, counts_unchanged: bool = True
) -> Iterator[Session]:
    """One transaction of a person or program: its changes and its audit lines, or neither.

    Every audited thing that changes gets a line; an act that changes none gets one without a
    subject, unless `counts_unchanged` says that it then was none. `now` is UTC ms.
    """
    with writing(database) as session:
        changes = watch_changes(session)
        yield session
        session.flush()
        unchanged = [Change("")] if counts_unchanged else []
        for change in changes.by_subject.values() or unchanged:
            subject = change.subject or None
            record(session, actor, what, now, subject, change.before, change.after)


def record(
    session: Session,
    actor: Actor,
    what: str,
    now: int,
    subject: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Add a line in the caller's transaction, which must hold the writers' lock."""
    newest, head = newest_line(session)
    said = (now, actor.name, actor.address, what, subject, before, after)
    unsealed = AuditEntry(newest + 1, *said, head, "")
    entry = replace(unsealed, hash=unsealed.link())
    session.add(AuditRow(**{name: getattr(entry, name) for name in AuditEntry.__slots__}))
    session.flush()
    _NEWEST.set(entry.id)
    return entry


def newest_line(session: Session) -> tuple[int, str]:
    """The id and hash of the newest line; 0 and `GENESIS` of an empty log."""
    newest = select(AuditRow.id, AuditRow.hash).order_by(AuditRow.id.desc()).limit(1)
    row = session.execute(newest).first()
    return (0, GENESIS) if row is None else (row.id, row.hash)


def lines(
    session: Session, wanted: AuditFilter, limit: int, before: int | None = None
) -> list[AuditEntry]:
    """At most `limit` lines, the newest first; `before` is the id that the last page ended with."""
    rows = _filtered(wanted)
    if before is not None:
        rows = rows.where(AuditRow.id < before)
    return [_entry(row) for row in session.scalars(rows.order_by(AuditRow.id.desc()).limit(limit))]


def last_of(session: Session, what: str) -> AuditEntry | None:
    """The newest line of an act."""
    return next(iter(lines(session, AuditFilter(what=what), 1)), None)


def verify(database: Engine, known: tuple[int, str] | None = None) -> ChainVerdict:
    """Walk along the whole log; `known` is an id and its hash that were kept elsewhere."""
    with reading(database) as session:
        return walk(_all(session), known)


def expire(session: Session, before: int, now: int) -> int:
    """Remove lines older than `before` (UTC ms), a day or more at once; returns how many.

    A line says up to where, so that the rest can still be verified. Younger than `KEPT_AT_LEAST_MS`
    none is removed, whatever `before` says.
    """
    limit = min(before, now - KEPT_AT_LEAST_MS)
    oldest = session.scalar(select(AuditRow.at).order_by(AuditRow.id).limit(1))
    if oldest is None or oldest >= limit - DAY_MS:
        return 0
    kept = select(func.min(AuditRow.id)).where(AuditRow.at >= limit).scalar_subquery()
    last = session.scalars(
        select(AuditRow).where(AuditRow.id < kept).order_by(AuditRow.id.desc()).limit(1)
    ).first()
    if last is None:
        return 0
    upto, head = last.id, last.hash
    session.expunge(last)
    removed = session.execute(delete(AuditRow).where(AuditRow.id <= upto))
    record(session, _SYSTEM, EXPIRED, now, str(upto), None, {"hash": head})
    return int(removed.rowcount)  # type: ignore[attr-defined]  # a CursorResult, which has it


def _filtered(wanted: AuditFilter) -> Select[AuditRow]:
    rows = select(AuditRow)
    if wanted.who is not None:
        rows = rows.where(AuditRow.who == wanted.who)
    if wanted.what is not None:
        of_what = AuditRow.what
        is_start = wanted.what.endswith(".")
        rows = rows.where(
            of_what.startswith(wanted.what, autoescape=True) if is_start else of_what == wanted.what
        )
    if wanted.since is not None:
        rows = rows.where(AuditRow.at >= wanted.since)
    return rows if wanted.until is None else rows.where(AuditRow.at < wanted.until)


def _all(session: Session) -> Iterator[AuditEntry]:
    after = -1
    while True:
        chunk = select(AuditRow).where(AuditRow.id > after).order_by(AuditRow.id).limit(_CHUNK)
        rows: Sequence[AuditRow] = session.scalars(chunk).all()
        yield from map(_entry, rows)
        if len(rows) < _CHUNK:
            return
        after = rows[-1].id
        session.expunge_all()


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(**{name: getattr(row, name) for name in AuditEntry.__slots__})
