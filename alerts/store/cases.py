"""Alerts and their tickets: which case an alert belongs to, and the link between the two."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.core.practice import Practice
from alerts.core.record import AlertRecord
from desk.database.tables import AlertRow, DeviceRow, TicketAlertRow, TicketRow
from desk.tickets.cases import (
    SYSTEM,
    CaseSubject,
    add_event,
    add_ticket,
    find_open,
    withdraw_proposal,
)
from desk.tickets.life_cycle import FINAL, RANK


def open_case(
    session: Session,
    record: AlertRecord,
    practice: Practice,
    now: int,
    of_cause: str | None = None,
) -> str | None:
    """The id of the ticket an alert belongs to, opened if there is none yet.

    None where the alert's rule opens no ticket. An alert that follows from another joins the ticket
    of that one while it is open; `of_cause` is its id where the database does not know it yet. The
    caller stores the alert, then links it with `link_alert`.
    """
    kind = practice.kinds.get(record.rule)
    if kind is None:
        return None
    subject = _subject_of(session, record)
    row = _open_case_of_cause(session, record, of_cause) or find_open(session, kind, subject)
    if row is None:
        row = add_ticket(session, kind, subject, practice.terms, now)
        row.priority, row.summary, row.fault = record.priority, record.text, record.code or None
        add_event(session, row.id, "opened", SYSTEM, now, {"source": row.source})
    withdraw_proposal(session, row, now, "alert")
    row.priority = min(row.priority, record.priority, key=RANK.__getitem__)
    return row.id


def link_alert(session: Session, ticket: str, record: AlertRecord, now: int) -> None:
    """Tie a stored alert to its ticket and note so in the audit trail."""
    if session.get(TicketAlertRow, (ticket, record.id)) is not None:
        return
    session.add(TicketAlertRow(ticket_id=ticket, alert_id=record.id))
    details = {
        "alert": record.id,
        "rule": record.rule,
        "code": record.code or None,
        "onset": record.onset,
    }
    add_event(session, ticket, "alert", SYSTEM, now, details)


def _subject_of(session: Session, record: AlertRecord) -> CaseSubject:
    """The subject of an alert, with the household and brand that the registry has for it."""
    if record.subject_kind != "device":
        return CaseSubject(record.location)
    row = session.get(DeviceRow, record.subject)
    if row is None:
        return CaseSubject(record.location, record.subject)
    return CaseSubject(record.location, record.subject, row.household, row.brand)


def _open_case_of_cause(
    session: Session, record: AlertRecord, ticket: str | None
) -> TicketRow | None:
    if ticket is None and record.cause is not None:
        ticket = session.scalar(select(AlertRow.ticket_id).where(AlertRow.id == record.cause))
    row = None if ticket is None else session.get(TicketRow, ticket)
    return None if row is None or row.state in FINAL else row
