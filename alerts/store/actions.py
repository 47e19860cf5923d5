"""Acts on alerts within a caller's scope: acknowledge, shelve, and end or reopen their case."""

from typing import Final

from sqlalchemy.orm import Session

from alerts.core.life import acknowledge, put_back, shelve, take_out
from alerts.core.record import AlertRecord
from alerts.store.announce import announce_alert
from alerts.store.queries import Document, find_alert, record_document
from alerts.store.records import active_of_ticket, save_records
from desk.accounts.rights import check_right
from desk.accounts.scope import Scope
from desk.audit.changes import note_change
from desk.errors import ActRefusedError
from desk.tickets.actions import StepDetails, ticket_event
from desk.tickets.cases import add_event
from desk.tickets.life_cycle import FINAL, TicketEvent

# Who may put an urgent alert aside (console "shelve": urgent needs a supervisor).
_SUPERVISORS: Final = frozenset({"district", "town"})


def acknowledge_alert(session: Session, scope: Scope, alert: str, by: str, now: int) -> Document:
    """Acknowledge an alert; a second time changes nothing. Raises NotFoundError."""
    before = find_alert(session, scope, alert)
    check_right(scope, "acknowledge")
    return _store(session, before, acknowledge(before, by, now), now)


def shelve_alert(
    session: Session, scope: Scope, alert: str, until: int, reason: str, by: str, now: int
) -> Document:
    """Put an active alert aside until `until` (UTC ms); raises NotFoundError or ActRefusedError."""
    before = find_alert(session, scope, alert)
    if before.priority == "urgent" and scope.role not in _SUPERVISORS:
        message = "an urgent alert is shelved by a town's or district's supervisor"
        raise ActRefusedError("supervisor_needed", message)
    check_right(scope, "shelve", ("until", "reason"))
    after = shelve(before, until, reason, by, now)
    document = _store(session, before, after, now)
    if after.ticket is not None:
        details = {"alert": alert, "until": until, "reason": reason}
        add_event(session, after.ticket, "shelved", by, now, details)
    return document


def step_ticket(
    session: Session,
    scope: Scope,
    ticket: str,
    event: TicketEvent,
    by: str,
    now: int,
    details: StepDetails | None = None,
    version: int | None = None,
) -> Document:
    """Step a ticket as `ticket_event` does; raises what that raises.

    Alerts that go on while their case ends are out of service for at most 8 h; a case that is
    reopened takes them back at once.
    """
    document = ticket_event(session, scope, ticket, event, by, now, details, version)
    why = (details.why if details is not None else None) or ""
    for record in active_of_ticket(session, ticket):
        if document["state"] in FINAL and event != "note":
            _store(session, record, take_out(record, why, by, now), now)
        elif event == "reopen":
            _store(session, record, put_back(record), now)
    return document


def _store(session: Session, before: AlertRecord, after: AlertRecord, now: int) -> Document:
    if after != before:
        save_records(session, {before.id}, [after])
        note_change(session, f"alert:{after.id}", before, after)
        announce_alert(session, after, now)
    return record_document(after)
