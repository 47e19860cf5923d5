"""Reads tickets within a caller's scope; outside it nothing exists.

Lists are `{"items": […], "next": cursor or None}` (contract §11).
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.accounts.rights import seen_ticket
from desk.accounts.scope import Scope
from desk.database.paging import DEFAULT_LIMIT, by_priority, newest_first, where
from desk.database.tables import TicketEventRow, TicketRow
from desk.errors import NotFoundError
from desk.tickets.documents import Document, seen_documents, ticket_documents
from desk.tickets.life_cycle import FINAL, TicketKind, TicketSource, TicketState


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets a list holds: those that equal every field that is not None.

    `unfinished` leaves out those closed or cancelled (or, if False, shows only them).
    """

    state: TicketState | None = None
    kind: TicketKind | None = None
    town: str | None = None
    village: str | None = None
    device: str | None = None
    source: TicketSource | None = None
    unfinished: bool | None = None


def list_tickets(
    session: Session,
    scope: Scope,
    wanted: TicketFilter | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Document:
    """Tickets, newest first; raises BadCursorError."""
    wanted = wanted or TicketFilter()
    columns = ("state", "kind", "town", "village", "device", "source")
    equal = {getattr(TicketRow, name): getattr(wanted, name) for name in columns}
    tickets = where(select(TicketRow).where(scope.tickets()), equal)
    if wanted.unfinished is not None:
        ended = TicketRow.state.in_(sorted(FINAL))
        tickets = tickets.where(~ended if wanted.unfinished else ended)
    rows, following = newest_first(session, tickets, TicketRow, TicketRow.opened_at, limit, cursor)
    return {"items": seen_documents(session, scope, rows), "next": following}


def open_tickets(session: Session, scope: Scope, limit: int) -> list[Document]:
    """Tickets neither closed nor cancelled: by priority, then the oldest first."""
    tickets = select(TicketRow).where(scope.tickets(), TicketRow.state.not_in(sorted(FINAL)))
    order = (by_priority(TicketRow.priority), TicketRow.opened_at, TicketRow.id)
    rows = session.scalars(tickets.order_by(*order).limit(limit)).all()
    return seen_documents(session, scope, rows)


def get_ticket(session: Session, scope: Scope, ticket: str) -> Document:
    """One ticket with its audit trail under `events`; raises NotFoundError."""
    row = find_ticket(session, scope, ticket)
    trail = select(TicketEventRow).where(TicketEventRow.ticket_id == ticket)
    events = [
        {"at": event.at, "event": event.event, "by": event.by, "details": event.details}
        for event in session.scalars(trail.order_by(TicketEventRow.id))
    ]
    return seen_ticket(scope, {**ticket_documents(session, [row])[0], "events": events})


def find_ticket(session: Session, scope: Scope, ticket: str) -> TicketRow:
    """The row of a ticket; raises NotFoundError."""
    row = session.scalar(select(TicketRow).where(TicketRow.id == ticket, scope.tickets()))
    if row is None:
        raise NotFoundError(ticket)
    return row
