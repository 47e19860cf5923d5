"""What calls for attention, most urgent first: the two lists of a control-room page."""

from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from alerts.core.life import as_alert
from alerts.store.records import to_episode
from desk.accounts.scope import Scope
from desk.database.tables import AlertRow, DeviceRow, TicketRow
from desk.tickets.cases import ticket_documents
from desk.tickets.life_cycle import FINAL
from wire.encode import alert_document

PRIORITIES: Final = ("urgent", "high", "medium", "low")


def alerts_calling(session: Session, scope: Scope, limit: int) -> list[dict[str, Any]]:
    """Alerts that are active, or have cleared before anybody took note: by priority, then the
    oldest first.

    Each is the alert of contract §3 with `subject_kind`, and `brand` and `household` of a device,
    beside it. Alerts kept back while their data is old are not among them.
    """
    calling = or_(AlertRow.state == "active", AlertRow.acknowledged_by.is_(None))
    of_device = and_(AlertRow.subject_kind == "device", AlertRow.subject == DeviceRow.id)
    wanted = (
        select(AlertRow, DeviceRow.brand, DeviceRow.household)
        .outerjoin(DeviceRow, of_device)
        .where(scope.alerts(), AlertRow.announced_at.is_not(None), calling)
        .order_by(_rank(AlertRow.priority), AlertRow.onset, AlertRow.id)
    )
    return [
        {
            **alert_document(as_alert(to_episode(row))),
            "subject_kind": row.subject_kind,
            "brand": brand,
            "household": household,
        }
        for row, brand, household in session.execute(wanted.limit(limit))
    ]


def tickets_open(session: Session, scope: Scope, limit: int) -> list[dict[str, Any]]:
    """Tickets neither closed nor cancelled, as of contract §11: by priority, then the oldest
    first."""
    wanted = select(TicketRow).where(scope.tickets(), TicketRow.state.not_in(sorted(FINAL)))
    rows = session.scalars(
        wanted.order_by(_rank(TicketRow.priority), TicketRow.opened_at, TicketRow.id).limit(limit)
    )
    return ticket_documents(session, rows.all())


def _rank(priority: InstrumentedAttribute[str]) -> ColumnElement[int]:
    return case(
        {name: rank for rank, name in enumerate(PRIORITIES)}, value=priority, else_=len(PRIORITIES)
    )
