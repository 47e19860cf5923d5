"""Tickets in the database: one open case for each fault of a household, its audit trail and its
escalations."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from alerts.core.life import Episode
from desk.database.effects import announce_ticket
from desk.database.tables import (
    AlertRow,
    DeviceRow,
    EscalationRow,
    TicketAlertRow,
    TicketEventRow,
    TicketRow,
)
from desk.tickets.life_cycle import (
    FINAL,
    HEAT_KINDS,
    Kind,
    Practice,
    ServiceProfile,
    State,
    Ticket,
    case_key,
    open_ticket,
    passed_deadlines,
    ticket_day,
    ticket_id,
)

SYSTEM: Final = "hearthwatch"
"""Who is named in the audit trail where the service itself acted."""

_PRIORITIES: Final = ("urgent", "high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a ticket is about: a household's device where it is known, otherwise a gateway or a
    village."""

    district: str
    town: str
    village: str
    gateway: str | None = None
    device: str | None = None
    household: str | None = None
    brand: str | None = None

    def key(self, kind: Kind) -> str:
        """The case key of a `kind` of fault of this subject."""
        who = self.household or self.device
        if who is not None:
            return case_key(kind, self.district, who)
        path = (self.district, self.town, self.village, self.gateway)
        return case_key(kind, *(level for level in path if level is not None))


def subject_of(session: Session, episode: Episode) -> Subject:
    """The subject of an alert, with what the device register knows of it."""
    spot = episode.spot
    place = (spot.district, spot.town, spot.village, spot.gateway)
    if episode.subject_kind != "device":
        return Subject(*place)
    row = session.get(DeviceRow, episode.subject)
    if row is None:
        return Subject(*place, device=episode.subject)
    return Subject(*place, device=episode.subject, household=row.household, brand=row.brand)


def open_case(
    session: Session, episode: Episode, practice: Practice, now: int, of_cause: str | None = None
) -> str | None:
    """The id of the ticket an alert belongs to, opened if there is none yet; None where its rule
    opens none.

    What follows from another alert joins the ticket of that one while it is open; `of_cause` is its
    id where the database does not know it yet. The caller stores the alert, then links it with
    `link_alert`.
    """
    kind = practice.kinds.get(episode.rule)
    if kind is None:
        return None
    subject = subject_of(session, episode)
    row = _open_case_of_cause(session, episode, of_cause) or find_open(session, kind, subject)
    if row is None:
        row = add_ticket(session, kind, subject, practice.profile, now)
        row.priority, row.summary, row.fault = episode.priority, episode.text, episode.code or None
        add_event(session, row.id, "opened", SYSTEM, now, {"source": row.source})
    row.priority = min(row.priority, episode.priority, key=_PRIORITIES.index)
    return row.id


def _open_case_of_cause(session: Session, episode: Episode, ticket: str | None) -> TicketRow | None:
    if ticket is None and episode.cause is not None:
        ticket = session.scalar(select(AlertRow.ticket_id).where(AlertRow.id == episode.cause))
    row = None if ticket is None else session.get(TicketRow, ticket)
    return None if row is None or row.state in FINAL else row


def find_open(session: Session, kind: Kind, subject: Subject) -> TicketRow | None:
    """The open case that a new report of `kind` about `subject` belongs to.

    That is the one of the same kind; failing that, a call and a fault of one household's heat are
    one case.
    """
    row = session.scalar(select(TicketRow).where(TicketRow.case_key == subject.key(kind)))
    if row is not None or (subject.device is None and subject.household is None):
        return row
    related = HEAT_KINDS if kind == "complaint" else ("complaint",) if kind in HEAT_KINDS else ()
    keys = [subject.key(other) for other in related]
    return session.scalar(
        select(TicketRow).where(TicketRow.case_key.in_(keys)).order_by(TicketRow.opened_at).limit(1)
    )


def add_ticket(
    session: Session,
    kind: Kind,
    subject: Subject,
    profile: ServiceProfile,
    now: int,
    source: str = "telemetry",
) -> TicketRow:
    """A new ticket with the next number of its day; the caller has made sure that there is none
    open."""
    ticket = open_ticket(ticket_id(now, _next_number(session, now)), now, profile)
    row = TicketRow(
        id=ticket.id,
        kind=kind,
        state=ticket.state,
        priority="medium",
        case_key=subject.key(kind),
        device=subject.device,
        gateway=subject.gateway,
        household=subject.household,
        brand=subject.brand,
        district=subject.district,
        town=subject.town,
        village=subject.village,
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


def _next_number(session: Session, now: int) -> int:
    day = ticket_day(now)
    ids = select(TicketRow.id).where(TicketRow.id.startswith(day))
    # After 9999 ids grow by a digit, so the longest is the newest.
    newest = session.scalar(
        ids.order_by(func.length(TicketRow.id).desc(), TicketRow.id.desc()).limit(1)
    )
    return 1 if newest is None else int(newest.removeprefix(day)) + 1


def link_alert(session: Session, ticket: str, episode: Episode, now: int) -> None:
    """Tie a stored alert to its ticket and tell so in the audit trail."""
    if session.get(TicketAlertRow, (ticket, episode.id)) is not None:
        return
    session.add(TicketAlertRow(ticket_id=ticket, alert_id=episode.id))
    details = {
        "alert": episode.id,
        "rule": episode.rule,
        "code": episode.code or None,
        "onset": episode.onset,
    }
    add_event(session, ticket, "alert", SYSTEM, now, details)


def note_all_clear(session: Session, tickets: Iterable[str], now: int) -> list[str]:
    """Tell in the audit trail of each open ticket of `tickets` whose alerts have all cleared;
    returns those ids."""
    quiet = []
    for ticket in sorted(set(tickets)):
        active = (
            select(AlertRow.id)
            .where(AlertRow.ticket_id == ticket, AlertRow.state == "active")
            .limit(1)
        )
        row = session.get(TicketRow, ticket)
        if row is None or row.state in FINAL or session.scalar(active) is not None:
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
    """What decides a ticket's next step."""
    return Ticket(
        id=row.id,
        state=cast("State", row.state),
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
    """Write what a step changed; a ticket that has ended frees its case for a new one, a reopened
    one takes it."""
    row.state, row.version = ticket.state, ticket.version
    row.dispatched_at, row.arrived_at = ticket.dispatched_at, ticket.arrived_at
    row.repaired_at, row.verified_at, row.closed_at = (
        ticket.repaired_at,
        ticket.verified_at,
        ticket.closed_at,
    )
    row.case_key = None if ticket.state in FINAL else case_of(row)


def case_of(row: TicketRow) -> str:
    """The case key of a ticket while it is open."""
    place = (row.district, row.town, row.village, row.gateway)
    return Subject(*place, device=row.device, household=row.household).key(cast("Kind", row.kind))


def overdue_tickets(session: Session, now: int) -> list[TicketRow]:
    """Open tickets with a deadline passed at `now` that may still have to escalate."""
    passed = or_(
        (TicketRow.dispatch_by < now) & _not_escalated("dispatch"),
        (TicketRow.onsite_by < now) & _not_escalated("onsite"),
        (TicketRow.repair_by < now) & _not_escalated("repair"),
    )
    rows = (
        select(TicketRow)
        .where(TicketRow.state.not_in(sorted(FINAL)), passed)
        .order_by(TicketRow.id)
    )
    return list(session.scalars(rows))


def _not_escalated(stage: str) -> Any:
    done = select(EscalationRow.stage).where(
        EscalationRow.ticket_id == TicketRow.id, EscalationRow.stage == stage
    )
    return ~done.exists()


def escalate(session: Session, row: TicketRow, now: int) -> list[str]:
    """Record each deadline of the ticket that has passed and was not recorded yet; returns the new
    stages."""
    done = set(
        session.scalars(select(EscalationRow.stage).where(EscalationRow.ticket_id == row.id))
    )
    new = [due for due in passed_deadlines(to_ticket(row), now) if due.stage not in done]
    for due in new:
        session.add(EscalationRow(ticket_id=row.id, stage=due.stage, due=due.due, at=now))
        add_event(session, row.id, "escalated", SYSTEM, now, {"stage": due.stage, "due": due.due})
    return [due.stage for due in new]


def publish_tickets(session: Session, ids: Iterable[str], now: int) -> None:
    """Put the tickets `ids` as they are now on the live feed."""
    wanted = sorted(set(ids))
    rows = [row for row in (session.get(TicketRow, ticket) for ticket in wanted) if row is not None]
    for row, document in zip(rows, ticket_documents(session, rows), strict=True):
        announce_ticket(session, row, document, now)


def ticket_documents(session: Session, rows: Sequence[TicketRow]) -> list[dict[str, Any]]:
    """The tickets as the HTTP API and the feed show them (contract §11), in the order of `rows`."""
    session.flush()
    ids = [row.id for row in rows]
    alerts, escalations, complaints = (
        _linked(session, ids),
        _escalations(session, ids),
        _complaints(session, ids),
    )
    return [_document(row, alerts[row.id], escalations[row.id], complaints[row.id]) for row in rows]


def _linked(session: Session, tickets: Sequence[str]) -> dict[str, list[str]]:
    linked: dict[str, list[str]] = defaultdict(list)
    wanted = (
        select(TicketAlertRow)
        .where(TicketAlertRow.ticket_id.in_(tickets))
        .order_by(TicketAlertRow.alert_id)
    )
    for link in session.scalars(wanted):
        linked[link.ticket_id].append(link.alert_id)
    return linked


def _escalations(session: Session, tickets: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    escalations: dict[str, list[dict[str, Any]]] = defaultdict(list)
    wanted = (
        select(EscalationRow)
        .where(EscalationRow.ticket_id.in_(tickets))
        .order_by(EscalationRow.due)
    )
    for row in session.scalars(wanted):
        escalations[row.ticket_id].append({"stage": row.stage, "due": row.due, "at": row.at})
    return escalations


def _complaints(session: Session, tickets: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    complaints: dict[str, list[dict[str, Any]]] = defaultdict(list)
    called = select(TicketEventRow).where(
        TicketEventRow.ticket_id.in_(tickets), TicketEventRow.event == "complaint"
    )
    for event in session.scalars(called.order_by(TicketEventRow.id)):
        complaints[event.ticket_id].append({"at": event.at, "by": event.by, **event.details})
    return complaints


def _document(
    row: TicketRow,
    alerts: list[str],
    escalations: list[dict[str, Any]],
    complaints: list[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "state": row.state,
        "priority": row.priority,
        "device": row.device,
        "gateway": row.gateway,
        "household": row.household,
        "brand": row.brand,
        "district": row.district,
        "town": row.town,
        "village": row.village,
        "source": row.source,
        "opened_at": row.opened_at,
        "dispatch_by": row.dispatch_by,
        "onsite_by": row.onsite_by,
        "repair_by": row.repair_by,
        "dispatched_at": row.dispatched_at,
        "arrived_at": row.arrived_at,
        "repaired_at": row.repaired_at,
        "verified_at": row.verified_at,
        "closed_at": row.closed_at,
        "escalations": escalations,
        "alerts": alerts,
        "complaints": complaints,
        "crew": row.crew,
        "payer": row.payer,
        "caller": {"name": row.caller_name, "phone": row.caller_phone, "at": row.called_at},
        "fault": row.fault,
        "measures": row.measures,
        "parts": row.parts,
        "score": row.score,
        "summary": row.summary,
        "version": row.version,
    }
