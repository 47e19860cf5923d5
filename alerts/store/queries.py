"""Reads alerts within a caller's scope; outside it nothing exists.

Lists are `{"items": […], "next": cursor or None}` (contract §11).
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from alerts.core.record import AlertRecord, ConditionState, as_alert
from alerts.store.records import to_record
from desk.accounts.rights import seen_alert
from desk.accounts.scope import Scope
from desk.database.paging import DEFAULT_LIMIT, by_priority, newest_first, where
from desk.database.tables import AlertRow, DeviceRow, TicketRow
from desk.errors import NotFoundError
from wire.encode import alert_document
from wire.messages import Priority

Document = dict[str, Any]

_EQUAL: Final = ("state", "district", "town", "village", "priority", "rule", "subject")


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts a list holds: those that equal every field that is not None."""

    state: ConditionState | None = None
    district: str | None = None
    town: str | None = None
    village: str | None = None
    priority: Priority | None = None
    rule: str | None = None
    subject: str | None = None
    acknowledged: bool | None = None


def list_alerts(
    session: Session,
    scope: Scope,
    wanted: AlertFilter | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Document:
    """Alerts, newest first; an active one that is held back (design §4.7) is left out."""
    wanted = wanted or AlertFilter()
    shown = or_(AlertRow.state == "cleared", AlertRow.announced_at.is_not(None))
    equal = {getattr(AlertRow, name): getattr(wanted, name) for name in _EQUAL}
    alerts = where(select(AlertRow).where(scope.alerts(), shown), equal)
    if wanted.acknowledged is not None:
        unacknowledged = AlertRow.acknowledged_by.is_(None)
        alerts = alerts.where(~unacknowledged if wanted.acknowledged else unacknowledged)
    rows, following = newest_first(session, alerts, AlertRow, AlertRow.raised_at, limit, cursor)
    return {"items": [_seen(scope, to_record(row)) for row in rows], "next": following}


def get_alert(session: Session, scope: Scope, alert: str) -> Document:
    """One alert; raises NotFoundError."""
    return _seen(scope, find_alert(session, scope, alert))


def find_alert(session: Session, scope: Scope, alert: str) -> AlertRecord:
    """The record of an alert; raises NotFoundError."""
    row = session.scalar(select(AlertRow).where(AlertRow.id == alert, scope.alerts()))
    if row is None:
        raise NotFoundError(alert)
    return to_record(row)


def alerts_calling(session: Session, scope: Scope, limit: int) -> list[Document]:
    """Alerts that are active or not acknowledged yet: by priority, then the oldest first.

    Each is the alert of contract §3 with `subject_kind`, and `brand` and `household` of a device,
    beside it. Alerts held back while their data is old are not among them.
    """
    calling = or_(AlertRow.state == "active", AlertRow.acknowledged_by.is_(None))
    of_device = and_(AlertRow.subject_kind == "device", AlertRow.subject == DeviceRow.id)
    wanted = (
        select(AlertRow, DeviceRow.brand, DeviceRow.household)
        .outerjoin(DeviceRow, of_device)
        .where(scope.alerts(), AlertRow.announced_at.is_not(None), calling)
        .order_by(by_priority(AlertRow.priority), AlertRow.onset, AlertRow.id)
    )
    return [
        seen_alert(
            scope,
            {
                **record_document(to_record(row)),
                "subject_kind": row.subject_kind,
                "brand": brand,
                "household": household,
            },
        )
        for row, brand, household in session.execute(wanted.limit(limit))
    ]


def summarise(session: Session, scope: Scope) -> Document:
    """Counts for the head of a page.

    Active alerts and unacknowledged ones by priority, tickets by state, devices.
    """
    announced = and_(scope.alerts(), AlertRow.announced_at.is_not(None), AlertRow.state == "active")
    unacknowledged = announced & AlertRow.acknowledged_by.is_(None)
    devices = select(func.count()).select_from(DeviceRow).where(scope.devices())
    return {
        "alerts": _counts(session, AlertRow.priority, announced),
        "unacknowledged": _counts(session, AlertRow.priority, unacknowledged),
        "tickets": _counts(session, TicketRow.state, scope.tickets()),
        "devices": session.scalar(devices) or 0,
    }


def _counts(session: Session, column: InstrumentedAttribute[str], condition: Any) -> dict[str, int]:
    counted = select(column, func.count()).where(condition).group_by(column)
    return {row[0]: row[1] for row in session.execute(counted)}


def _seen(scope: Scope, record: AlertRecord) -> Document:
    return seen_alert(scope, record_document(record))


def record_document(record: AlertRecord) -> Document:
    """An alert as the HTTP API shows it to those who may act on it."""
    return alert_document(as_alert(record))
