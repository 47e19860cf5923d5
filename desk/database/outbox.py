"""The outbox: effects that are due outside the database, written in the transaction of their cause.

A row goes when its effect is confirmed, so that a crash repeats an effect rather than losing it.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from desk.database.tables import OutboxRow


def add_effect(session: Session, kind: str, payload: dict[str, Any], now: int) -> None:
    """Make an effect due; the channel of its `kind` sends it."""
    session.add(OutboxRow(kind=kind, payload=payload, created=now))


def due_effects(session: Session, after: int, limit: int) -> list[OutboxRow]:
    """The oldest effects with an id above `after`, in order."""
    rows = select(OutboxRow).where(OutboxRow.id > after).order_by(OutboxRow.id).limit(limit)
    return list(session.scalars(rows))


def forget_effects(session: Session, ids: Iterable[int]) -> None:
    """Remove effects that are confirmed."""
    session.execute(delete(OutboxRow).where(OutboxRow.id.in_(list(ids))))
