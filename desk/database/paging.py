"""Filters, order and pages of lists: `?limit=` and an opaque cursor (contract §11)."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Select, and_, case, or_
from sqlalchemy.orm import InstrumentedAttribute, Session

from desk.database.tables import AlertRow, TicketRow
from wire.messages import PRIORITIES

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1_000

Row = TypeVar("Row", AlertRow, TicketRow)


class BadCursorError(ValueError):
    """A cursor that this list did not hand out."""


def where(
    wanted: Select[Any], filters: dict[InstrumentedAttribute[Any], str | None]
) -> Select[Any]:
    """`wanted` where every filter that is given holds."""
    return wanted.where(
        *(column == value for column, value in filters.items() if value is not None)
    )


def by_priority(priority: InstrumentedAttribute[str]) -> ColumnElement[int]:
    """Sorts the most urgent first."""
    ranks = {name: rank for rank, name in enumerate(PRIORITIES)}
    return case(ranks, value=priority, else_=len(PRIORITIES))


def bounded(limit: int) -> int:
    """`limit` within what a list may hold."""
    return max(1, min(limit, MAX_LIMIT))


def newest_first(
    session: Session,
    wanted: Select[Any],
    row: type[Row],
    at: InstrumentedAttribute[int],
    limit: int,
    cursor: str | None,
) -> tuple[Sequence[Row], str | None]:
    """One page, newest first by `at`, and the cursor of the next one; raises BadCursorError."""
    if cursor is not None:
        last_at, last_id = _read_cursor(cursor)
        wanted = wanted.where(or_(at < last_at, and_(at == last_at, row.id < last_id)))
    limit = bounded(limit)
    rows: Sequence[Row] = session.scalars(
        wanted.order_by(at.desc(), row.id.desc()).limit(limit + 1)
    ).all()
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], f"{getattr(last, at.key)}.{last.id}"


def _read_cursor(cursor: str) -> tuple[int, str]:
    at, _, identifier = cursor.partition(".")
    if not at.isdecimal() or len(at) > 18:
        raise BadCursorError(cursor)
    return int(at), identifier
