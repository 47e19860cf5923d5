"""Acts on tickets within a caller's scope: reports come in, tickets step through their states."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.accounts.rights import check_right
from desk.accounts.scope import Scope
from desk.database.tables import TicketRow
from desk.errors import ConflictError
from desk.tickets.cases import (
    active_alerts,
    add_event,
    add_ticket,
    case_of,
    escalate,
    find_open,
    store_ticket,
    to_ticket,
    withdraw_proposal,
)
from desk.tickets.documents import Document, publish_tickets, seen_documents
from desk.tickets.life_cycle import FINAL, TicketEvent, step
from desk.tickets.queries import find_ticket
from desk.tickets.reports import Intake, subject_of_report
from desk.tickets.terms import ServiceTerms

_OF_EVENT: Final = ("note", "why")
"""Details that belong to the event alone, not to the ticket."""

_ALWAYS_GIVEN: Final = frozenset(("kind", "source"))
"""Fields of a report that have a value even where its sender says nothing."""


@dataclass(frozen=True, slots=True)
class StepDetails:
    """The facts that come with a ticket event; a field that is None leaves the ticket's as it is.

    `score` is the call-back result 1 to 5. `why` is the reason of a step that asks for one.
    """

    crew: str | None = None
    payer: str | None = None
    fault: str | None = None
    measures: str | None = None
    parts: list[str] | None = None
    score: int | None = None
    note: str | None = None
    why: str | None = None


def create_ticket(
    session: Session, scope: Scope, intake: Intake, by: str, now: int, terms: ServiceTerms
) -> tuple[Document, bool]:
    """Take in a report: the ticket it belongs to, and whether that is new.

    A household's fault is one case whatever the channel (features row 7): where one is open, the
    report becomes a complaint of it. Raises NotFoundError for a device or place outside the scope.
    """
    subject = subject_of_report(session, scope, intake)
    check_right(scope, "report", _given(intake).keys() - _ALWAYS_GIVEN)
    row = find_open(session, intake.kind, subject)
    created = row is None
    if row is None:
        row = add_ticket(session, intake.kind, subject, terms, now, intake.source)
        row.caller_name, row.caller_phone = intake.caller_name, intake.caller_phone
        row.called_at, row.fault = intake.called_at or now, intake.text
        row.summary = {"zh": intake.text, "en": intake.text}
        add_event(session, row.id, "opened", by, now, {"source": intake.source})
    withdraw_proposal(session, row, now, "complaint")
    add_event(session, row.id, "complaint", by, now, _complaint(intake))
    publish_tickets(session, [row.id], now)
    return seen_documents(session, scope, [row])[0], created


def ticket_event(
    session: Session,
    scope: Scope,
    ticket: str,
    event: TicketEvent,
    by: str,
    now: int,
    details: StepDetails | None = None,
    version: int | None = None,
) -> Document:
    """Step a ticket; with `version`, only if it is still that one.

    Raises NotFoundError, IllegalTransitionError (with the reason) or ConflictError.
    """
    row = find_ticket(session, scope, ticket)
    stated = details or StepDetails()
    check_right(scope, event, _given(stated))
    if version is not None and version != row.version:
        message = f"the ticket is at version {row.version}; read it again"
        raise ConflictError("stale_version", message)
    after = step(to_ticket(row), event, now)
    if after.state in FINAL and not (stated.why or "").strip():
        _check_nothing_active(session, row)
    if event == "reopen" and row.state in FINAL:
        _check_case_is_free(session, row)
    escalate(session, row, now)
    store_ticket(row, after)
    add_event(session, ticket, event, by, now, _fill(row, stated))
    publish_tickets(session, [ticket], now)
    return seen_documents(session, scope, [row])[0]


def _given(facts: Intake | StepDetails) -> dict[str, Any]:
    """The fields that were stated; the others are None."""
    stated = {name: getattr(facts, name) for name in type(facts).__slots__}
    return {name: value for name, value in stated.items() if value is not None}


def _complaint(intake: Intake) -> dict[str, Any]:
    return {
        "source": intake.source,
        "text": intake.text,
        "caller": intake.caller_name,
        "phone": intake.caller_phone,
        "called_at": intake.called_at,
    }


def _check_nothing_active(session: Session, row: TicketRow) -> None:
    if active_alerts(session, row.id):
        message = (
            "an alert of this case is still active; wait until it clears, or say under `why` why"
            " the case ends now, and the alert is out of service for at most 8 hours"
        )
        raise ConflictError("alert_active", message)


def _check_case_is_free(session: Session, row: TicketRow) -> None:
    key = case_of(row)
    if key is None:
        return
    other = session.scalar(select(TicketRow.id).where(TicketRow.case_key == key))
    if other is not None:
        raise ConflictError("case_open", f"the same fault has another open ticket, {other}")


def _fill(row: TicketRow, details: StepDetails) -> dict[str, Any]:
    """Write the facts of an event onto the ticket; returns them for the audit trail."""
    stated = _given(details)
    for name, value in stated.items():
        if name not in _OF_EVENT:
            setattr(row, name, value)
    return stated
