"""Tickets as the HTTP API and the live feed show them (contract §11)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.accounts.rights import seen_ticket
from desk.accounts.scope import Scope
from desk.database.tables import EscalationRow, TicketAlertRow, TicketEventRow, TicketRow
from desk.live_feed import add_ticket_line
from desk.tickets.life_cycle import CLEARED_EARLY

Document = dict[str, Any]

_COLUMNS: Final = (
    *("id", "kind", "state", "priority", "device", "gateway", "household", "brand"),
    *("district", "town", "village", "source", "opened_at"),
    *("dispatch_by", "onsite_by", "repair_by"),
    *("dispatched_at", "arrived_at", "repaired_at", "verified_at", "closed_at"),
    *("crew", "payer", "fault", "measures", "parts", "score", "summary", "version"),
)


def ticket_documents(session: Session, rows: Sequence[TicketRow]) -> list[Document]:
    """The tickets `rows`, in their order, with escalations, alerts and complaints."""
    session.flush()
    ids = [row.id for row in rows]
    alerts, escalations = _alerts(session, ids), _escalations(session, ids)
    complaints = _complaints(session, ids)
    return [
        {
            **{name: getattr(row, name) for name in _COLUMNS},
            "proposed": _proposed(row),
            "caller": {"name": row.caller_name, "phone": row.caller_phone, "at": row.called_at},
            "escalations": escalations[row.id],
            "alerts": alerts[row.id],
            "complaints": complaints[row.id],
        }
        for row in rows
    ]


def seen_documents(session: Session, scope: Scope, rows: Sequence[TicketRow]) -> list[Document]:
    """The tickets `rows` as the role of `scope` sees them (`desk.accounts.rights`)."""
    return [seen_ticket(scope, document) for document in ticket_documents(session, rows)]


def _proposed(row: TicketRow) -> Document | None:
    if row.proposed_at is None:
        return None
    return {"event": "close", "why": CLEARED_EARLY, "at": row.proposed_at}


def publish_tickets(session: Session, ids: Iterable[str], now: int) -> None:
    """Put the tickets `ids` on the live feed as they are now."""
    wanted = sorted(set(ids))
    rows = [row for row in (session.get(TicketRow, ticket) for ticket in wanted) if row is not None]
    for row, document in zip(rows, ticket_documents(session, rows), strict=True):
        add_ticket_line(session, row, document, now)


def _alerts(session: Session, tickets: Sequence[str]) -> dict[str, list[str]]:
    linked: dict[str, list[str]] = defaultdict(list)
    rows = select(TicketAlertRow).where(TicketAlertRow.ticket_id.in_(tickets))
    for link in session.scalars(rows.order_by(TicketAlertRow.alert_id)):
        linked[link.ticket_id].append(link.alert_id)
    return linked


def _escalations(session: Session, tickets: Sequence[str]) -> dict[str, list[Document]]:
    escalations: dict[str, list[Document]] = defaultdict(list)
    rows = select(EscalationRow).where(EscalationRow.ticket_id.in_(tickets))
    for row in session.scalars(rows.order_by(EscalationRow.due)):
        escalations[row.ticket_id].append({"stage": row.stage, "due": row.due, "at": row.at})
    return escalations


def _complaints(session: Session, tickets: Sequence[str]) -> dict[str, list[Document]]:
    complaints: dict[str, list[Document]] = defaultdict(list)
    rows = select(TicketEventRow).where(
        TicketEventRow.ticket_id.in_(tickets), TicketEventRow.event == "complaint"
    )
    for event in session.scalars(rows.order_by(TicketEventRow.id)):
        complaints[event.ticket_id].append({"at": event.at, "by": event.by, **event.details})
    return complaints
