"""Open cases in the database: one for each fault of a household, its audit trail, its deadlines."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from desk.database.tables import AlertRow, EscalationRow, TicketEventRow, TicketRow
from desk.tickets.life_cycle import (
    FINAL,
    HEAT_KINDS,
    Ticket,
    TicketKind,
    TicketState,
    case_key,
    open_ticket,
    passed_deadlines,
)
from desk.tickets.terms import ServiceTerms
from wire.location import Location

SYSTEM: Final = "hearthwatch"
"""Named in the audit trail where the service itself acted."""


@dataclass(frozen=True, slots=True)
class CaseSubject:
    """Whom a case is about: a household's device where it is known, else a gateway or a village."""

    location: Location
    device: str | None = None
    household: str | None = None
    brand: str | None = None

    def key(self, kind: TicketKind) -> str:
        """The case key of a `kind` of fault of this subject."""
        who = self.household or self.device
        if who is not None:
            return case_key(kind, self.location.district, who)
        return case_key(kind, *self.location.levels())


def find_open(session: Session, kind: TicketKind, subject: CaseSubject) -> TicketRow | None:
    """The open case that a new report of `kind` about `subject` belongs to.

    That is the one of the same kind; failing that, a call and a fault of one household's heat are
    one case.
    """
    row = session.scalar(select(TicketRow).where(TicketRow.case_key == subject.key(kind)))
    if row is not None or (subject.device is None and subject.household is None):
        return row
    keys = [subject.key(related) for related in _related(kind)]
    cases = select(TicketRow).where(TicketRow.case_key.in_(keys))
    return session.scalar(cases.order_by(TicketRow.opened_at).limit(1))


def _related(kind: TicketKind) -> tuple[TicketKind, ...]:
    if kind == "complaint":
        return HEAT_KINDS
    return ("complaint",) if kind in HEAT_KINDS else ()


def add_ticket(
    session: Session,
    kind: TicketKind,
    subject: CaseSubject,
    terms: ServiceTerms,
    now: int,
    source: str = "telemetry",
) -> TicketRow:
    """A new ticket with the next number of its day; the caller has found no open case."""
    number = _next_number(session, terms.ticket_day(now))
    ticket = open_ticket(terms.ticket_id(now, number), now, terms.profile)
    row = TicketRow(
        id=ticket.id,
        kind=kind,
        state=ticket.state,
        priority="medium",
        case_key=subject.key(kind),
        device=subject.device,
        gateway=subject.location.gateway,
        household=subject.household,
        brand=subject.brand,
        district=subject.location.district,
        town=subject.location.town,
        village=subject.location.village,
        source=source,
        opened_at=ticket.opened_at,
        dispatch_by=ticket.dispatch_by,
        onsite_by=ticket.onsite_by,
        repair_by=ticket.repair_by,
        parts=[],
        summary={"zh": "", "en": ""},
        version=ticket.version,
    )
    session.add(row)
    session.flush()
    return row


def _next_number(session: Session, day: str) -> int:
    ids = select(TicketRow.id).where(TicketRow.id.startswith(day))
    # After 9999 ids grow by a digit, so the longest is the newest.
    newest = session.scalar(
        ids.order_by(func.length(TicketRow.id).desc(), TicketRow.id.desc()).limit(1)
    )
    return 1 if newest is None else int(newest.removeprefix(day)) + 1


def note_all_clear(session: Session, tickets: Iterable[str], now: int) -> list[str]:
    """Note in the audit trail of each open ticket of `tickets` that all its alerts have cleared.

    Returns the ids of those tickets.
    """
    quiet = []
    for ticket in sorted(set(tickets)):
        alerts = select(AlertRow.id).where(AlertRow.ticket_id == ticket)
        active = session.scalar(alerts.where(AlertRow.state == "active").limit(1))
        row = session.get(TicketRow, ticket)
        if row is None or row.state in FINAL or active is not None:
            continue
        add_event(session, ticket, "all_clear", SYSTEM, now, {})
        quiet.append(ticket)
    return quiet


def add_event(
    session: Session, ticket: str, event: str, by: str, now: int, details: dict[str, Any]
) -> None:
    """Append to a ticket's audit trail."""
    session.add(TicketEventRow(ticket_id=ticket, at=now, event=event, by=by, details=details))


def to_ticket(row: TicketRow) -> Ticket:
    """The part of a ticket that decides its next step."""
    return Ticket(
        id=row.id,
        state=cast("TicketState", row.state),
        opened_at=row.opened_at,
        dispatch_by=row.dispatch_by,
        onsite_by=row.onsite_by,
        repair_by=row.repair_by,
        dispatched_at=row.dispatched_at,
        arrived_at=row.arrived_at,
        repaired_at=row.repaired_at,
        verified_at=row.verified_at,
        closed_at=row.closed_at,
        version=row.version,
    )


def store_ticket(row: TicketRow, ticket: Ticket) -> None:
    """Write what a step changed.

    A ticket that has ended frees its case for a new one; a reopened ticket takes it again.
    """
    assert ticket.id == row.id, "a step belongs to its own ticket"
    row.state, row.version = ticket.state, ticket.version
    row.dispatched_at, row.arrived_at = ticket.dispatched_at, ticket.arrived_at
    row.repaired_at, row.verified_at = ticket.repaired_at, ticket.verified_at
    row.closed_at = ticket.closed_at
    row.case_key = None if ticket.state in FINAL else case_of(row)


def case_of(row: TicketRow) -> str:
    """The case key of a ticket while it is open."""
    location = Location(row.district, row.town, row.village, row.gateway)
    subject = CaseSubject(location, row.device, row.household)
    return subject.key(cast("TicketKind", row.kind))


def overdue_tickets(session: Session, now: int) -> list[TicketRow]:
    """Open tickets with a deadline passed at `now` that may still have to escalate."""
    passed = or_(
        (TicketRow.dispatch_by < now) & _not_escalated("dispatch"),
        (TicketRow.onsite_by < now) & _not_escalated("onsite"),
        (TicketRow.repair_by < now) & _not_escalated("repair"),
    )
    rows = select(TicketRow).where(TicketRow.state.not_in(sorted(FINAL)), passed)
    return list(session.scalars(rows.order_by(TicketRow.id)))


def _not_escalated(stage: str) -> Any:
    done = select(EscalationRow.stage).where(
        EscalationRow.ticket_id == TicketRow.id, EscalationRow.stage == stage
    )
    return ~done.exists()


def escalate(session: Session, row: TicketRow, now: int) -> list[str]:
    """Record each passed deadline that was not recorded yet; returns the new stages."""
    recorded = select(EscalationRow.stage).where(EscalationRow.ticket_id == row.id)
    done = set(session.scalars(recorded))
    new = [due for due in passed_deadlines(to_ticket(row), now) if due.stage not in done]
    for due in new:
        session.add(EscalationRow(ticket_id=row.id, stage=due.stage, due=due.due, at=now))
        details = {"stage": due.stage, "due": due.due}
        add_event(session, row.id, "escalated", SYSTEM, now, details)
    return [due.stage for due in new]
