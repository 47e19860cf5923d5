"""Open cases in the database: one for each fault of a household, its audit trail, its deadlines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from desk.audit.changes import note_facts
from desk.database.tables import AlertRow, EscalationRow, TicketEventRow, TicketRow
from desk.tickets.life_cycle import (
    CLEARED_EARLY,
    FINAL,
    HEAT_KINDS,
    RANK,
    Ticket,
    TicketKind,
    TicketState,
    case_key,
    may_be_proposed,
    open_ticket,
    passed_deadlines,
    propose_close,
    run_on,
)
from desk.tickets.terms import ServiceTerms
from wire.location import Location
from wire.messages import Priority

SYSTEM: Final = "hearthwatch"
"""Named in the audit trail where the service itself acted."""


@dataclass(frozen=True, slots=True)
class CaseSubject:
    """Whom a case is about: a household's device where it is known, else a gateway or a village.

    `reported` says that a person called, who may have named neither household nor device.
    """

    location: Location
    device: str | None = None
    household: str | None = None
    brand: str | None = None
    reported: bool = False

    def key(self, kind: TicketKind) -> str | None:
        """The case key of a `kind` of fault of this subject, within its village.

        None for a call that names neither household nor device: nobody knows whether it belongs to
        another, so it is a case of its own.
        """
        return next(iter(self.keys(kind)), None)

    def keys(self, kind: TicketKind) -> list[str]:
        """Every key under which a case of this subject may be open, the one it gets first.

        A unit's case may be older than the knowledge whose household it heats.
        """
        place = self.location
        village = (place.district, place.town, place.village)
        named = (("household", self.household), ("device", self.device))
        known = [case_key(kind, *village, what, who) for what, who in named if who is not None]
        if known or self.reported:
            return known
        return [case_key(kind, *place.levels())]


def find_open(session: Session, kind: TicketKind, subject: CaseSubject) -> TicketRow | None:
    """The open case that a new report of `kind` about `subject` belongs to.

    That is the one of the same kind; failing that, a call and a fault of one household's heat are
    one case.
    """
    row = _oldest(session, subject.keys(kind))
    if row is not None or (subject.device is None and subject.household is None):
        return row
    return _oldest(session, [key for related in _related(kind) for key in subject.keys(related)])


def _oldest(session: Session, keys: Sequence[str]) -> TicketRow | None:
    cases = select(TicketRow).where(TicketRow.case_key.in_(keys))
    return session.scalar(cases.order_by(TicketRow.opened_at, TicketRow.id).limit(1))


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

    One for which nobody was sent is proposed for closing. Returns the ids of those tickets.
    """
    quiet = []
    for ticket in sorted(set(tickets)):
        row = session.get(TicketRow, ticket)
        if row is None or row.state in FINAL or active_alerts(session, ticket):
            continue
        add_event(session, ticket, "all_clear", SYSTEM, now, {})
        if may_be_proposed(to_ticket(row)) and not _has_complaint(session, ticket):
            _propose_close(session, row, now)
        quiet.append(ticket)
    return quiet


def active_alerts(session: Session, ticket: str) -> list[str]:
    """The ids of the active alerts of a ticket."""
    alerts = select(AlertRow.id).where(AlertRow.ticket_id == ticket, AlertRow.state == "active")
    return list(session.scalars(alerts.order_by(AlertRow.id)))


def _has_complaint(session: Session, ticket: str) -> bool:
    """Whether a person called about it: readings alone do not answer a call."""
    calls = select(TicketEventRow.id).where(
        TicketEventRow.ticket_id == ticket, TicketEventRow.event == "complaint"
    )
    return session.scalar(calls.limit(1)) is not None


def _propose_close(session: Session, row: TicketRow, now: int) -> None:
    escalate(session, row, now)  # what has passed until now has passed
    store_ticket(row, propose_close(to_ticket(row), now))
    add_event(session, row.id, "proposed", SYSTEM, now, {"event": "close", "why": CLEARED_EARLY})


def withdraw_proposal(session: Session, row: TicketRow, now: int, why: str) -> None:
    """End the proposal to close a ticket, if there is one; its clocks run on."""
    if row.proposed_at is None:
        return
    store_ticket(row, run_on(to_ticket(row), now))
    add_event(session, row.id, "proposal_withdrawn", SYSTEM, now, {"why": why})


def raise_priority(session: Session, ticket: str, priority: Priority, now: int) -> bool:
    """Raise the priority of an open ticket to `priority`; whether that is higher than it was."""
    row = session.get(TicketRow, ticket)
    if row is None or row.state in FINAL or RANK[row.priority] <= RANK[priority]:
        return False
    details = {"from": row.priority, "to": priority}
    row.priority = priority
    add_event(session, ticket, "priority_raised", SYSTEM, now, details)
    return True


def add_event(
    session: Session, ticket: str, event: str, by: str, now: int, details: dict[str, Any]
) -> None:
    """Append to a ticket's history; what a person says stands in the audit log, too."""
    note_facts(session, f"ticket:{ticket}", {"event": event, **details})
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
        proposed_at=row.proposed_at,
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
    row.closed_at, row.proposed_at = ticket.closed_at, ticket.proposed_at
    row.dispatch_by, row.onsite_by = ticket.dispatch_by, ticket.onsite_by
    row.repair_by = ticket.repair_by
    row.case_key = None if ticket.state in FINAL else case_of(row)


def case_of(row: TicketRow) -> str | None:
    """The case key of a ticket while it is open."""
    location = Location(row.district, row.town, row.village, row.gateway)
    reported = row.source != "telemetry"
    subject = CaseSubject(location, row.device, row.household, reported=reported)
    return subject.key(cast("TicketKind", row.kind))


def overdue_tickets(session: Session, now: int) -> list[TicketRow]:
    """Open tickets with a deadline passed at `now` that may still have to escalate."""
    passed = or_(
        (TicketRow.dispatch_by < now) & _not_escalated("dispatch"),
        (TicketRow.onsite_by < now) & _not_escalated("onsite"),
        (TicketRow.repair_by < now) & _not_escalated("repair"),
    )
    running = TicketRow.state.not_in(sorted(FINAL)) & TicketRow.proposed_at.is_(None)
    rows = select(TicketRow).where(running, passed)
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
