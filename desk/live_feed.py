"""The live feed: what changed, line by line, for pages and clients that resume after an id."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from desk.accounts.scope import Scope
from desk.database.tables import FeedEventRow, TicketRow
from wire.location import Location


def add_line(
    session: Session,
    kind: str,
    payload: dict[str, Any],
    location: Location,
    now: int,
    **subject: str | None,
) -> None:
    """Put a line on the feed; `subject` names device, brand, household and crew where there are.

    Location and subject decide who sees the line (`Scope.feed`).
    """
    district, town, village = location.district, location.town, location.village
    place = {"district": district, "town": town, "village": village}
    session.add(FeedEventRow(at=now, kind=kind, payload=payload, **place, **subject))


def add_ticket_line(session: Session, row: TicketRow, document: dict[str, Any], now: int) -> None:
    """Put a ticket on the feed as it is now."""
    location = Location(row.district, row.town, row.village)
    subject = {
        "device": row.device,
        "brand": row.brand,
        "household": row.household,
        "crew": row.crew,
    }
    add_line(session, "ticket", document, location, now, **subject)


def feed_events(session: Session, scope: Scope, after: int, limit: int = 500) -> list[FeedEventRow]:
    """Lines of the scope with an id above `after`, in order."""
    wanted = select(FeedEventRow).where(FeedEventRow.id > after, scope.feed())
    return list(session.scalars(wanted.order_by(FeedEventRow.id).limit(limit)))


def out_of_reach(session: Session, scope: Scope, rows: Sequence[FeedEventRow]) -> set[int]:
    """Ids of the lines whose ticket the scope no longer reaches: a crew's ticket has ended."""
    lines = {row.id: str(row.payload.get("id")) for row in rows if row.kind == "ticket"}
    if not lines:  # most polls of a feed find nothing new
        return set()
    reached = select(TicketRow.id).where(TicketRow.id.in_(lines.values()), scope.tickets())
    known = set(session.scalars(reached))
    return {line for line, ticket in lines.items() if ticket not in known}


def newest_feed_id(session: Session) -> int:
    """The id of the newest line, 0 if there is none yet."""
    return session.scalar(select(func.max(FeedEventRow.id))) or 0


def is_beyond_feed(session: Session, after: int) -> bool:
    """Whether a reader who saw `after` last cannot go on from there.

    Lines that followed are trimmed, or `after` was never given out: the database was put back from
    a backup.
    """
    oldest, newest = session.execute(
        select(func.min(FeedEventRow.id), func.max(FeedEventRow.id))
    ).one()
    return after > (newest or 0) or (oldest is not None and after < oldest - 1)


def trim_feed(session: Session, before: int) -> None:
    """Remove lines older than `before`; a reader that was away longer starts from the lists."""
    session.execute(delete(FeedEventRow).where(FeedEventRow.at < before))
