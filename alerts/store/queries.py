"""What the HTTP API asks of the ticket database. Every function takes the caller's scope; outside
it nothing exists.

Functions that change something want a session of `desk.database.tables.writing`, the others one of
`reading`. Lists are `{"items": […], "next": cursor or None}` (contract §11).
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from alerts.core.life import Episode, ShelveRefusedError, acknowledge, as_alert, shelve
from alerts.store.records import save_episodes, to_episode
from desk.accounts.scope import Scope
from desk.database.effects import announce_alert
from desk.database.paging import DEFAULT_LIMIT, bounded, newest_first, where
from desk.database.tables import AlertRow, DeviceRow, FeedEventRow, TicketEventRow, TicketRow
from desk.ledger.device_registry import device_document
from desk.ledger.out_of_service import put_back, take_out
from desk.tickets.cases import (
    Subject,
    add_event,
    add_ticket,
    case_of,
    escalate,
    find_open,
    publish_tickets,
    store_ticket,
    ticket_documents,
    to_ticket,
)
from desk.tickets.life_cycle import FINAL, Event, Kind, ServiceProfile, Source, step
from wire.encode import alert_document
from wire.units import DAY_MS

Document = dict[str, Any]

# Who may put an urgent alert aside (console "shelve": urgent needs a supervisor).
_SUPERVISORS: Final = frozenset({"district", "town"})

MAX_OUT_OF_SERVICE_MS: Final = 366 * DAY_MS
"""A year: nothing is forgotten for ever, and a unit sealed after one season is back before the next
has ended."""


class NotFoundError(LookupError):
    """There is no such thing within the caller's scope."""


class ConflictError(Exception):
    """The thing is not as the caller believes; `code` is `stale_version` or `case_open`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Intake:
    """A report taken by people: who called, about what; `device` or else the place says where (UTC
    ms)."""

    kind: Kind
    source: Source
    text: str
    device: str | None = None
    household: str | None = None
    district: str | None = None
    town: str | None = None
    village: str | None = None
    caller_name: str | None = None
    caller_phone: str | None = None
    called_at: int | None = None


@dataclass(frozen=True, slots=True)
class StepDetails:
    """What comes with a ticket event; what is None stays as it is. `score` is the call-back result
    1 to 5."""

    crew: str | None = None
    payer: str | None = None
    fault: str | None = None
    measures: str | None = None
    parts: list[str] | None = None
    score: int | None = None
    note: str | None = None


def list_alerts(
    session: Session,
    scope: Scope,
    *,
    state: str | None = None,
    district: str | None = None,
    town: str | None = None,
    village: str | None = None,
    priority: str | None = None,
    rule: str | None = None,
    subject: str | None = None,
    acknowledged: bool | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Document:
    """Alerts, newest first. An active one that is still being checked against newer data is left
    out."""
    wanted = select(AlertRow).where(
        scope.alerts(), or_(AlertRow.state == "cleared", AlertRow.announced_at.is_not(None))
    )
    wanted = where(
        wanted,
        {
            AlertRow.state: state,
            AlertRow.district: district,
            AlertRow.town: town,
            AlertRow.village: village,
            AlertRow.priority: priority,
            AlertRow.rule: rule,
            AlertRow.subject: subject,
        },
    )
    if acknowledged is not None:
        wanted = wanted.where(
            AlertRow.acknowledged_by.is_not(None)
            if acknowledged
            else AlertRow.acknowledged_by.is_(None)
        )
    rows, following = newest_first(session, wanted, AlertRow, AlertRow.raised_at, limit, cursor)
    return {"items": [_alert_document(to_episode(row)) for row in rows], "next": following}


def get_alert(session: Session, scope: Scope, alert: str) -> Document:
    """One alert; raises NotFoundError."""
    return _alert_document(to_episode(_alert(session, scope, alert)))


def acknowledge_alert(session: Session, scope: Scope, alert: str, by: str, now: int) -> Document:
    """Take note of an alert; a second time is a no-op. Raises NotFoundError."""
    before = to_episode(_alert(session, _acting(scope), alert))
    return _store_alert(session, before, acknowledge(before, by, now), now)


def shelve_alert(
    session: Session, scope: Scope, alert: str, until: int, reason: str, by: str, now: int
) -> Document:
    """Put an active alert aside until `until` (UTC ms); raises NotFoundError or
    ShelveRefusedError."""
    before = to_episode(_alert(session, _acting(scope), alert))
    if before.priority == "urgent" and scope.role not in _SUPERVISORS:
        raise ShelveRefusedError(
            "supervisor_needed", "an urgent alert is shelved by a town's or district's supervisor"
        )
    after = shelve(before, until, reason, by, now)
    document = _store_alert(session, before, after, now)
    if after.ticket is not None:
        add_event(
            session,
            after.ticket,
            "shelved",
            by,
            now,
            {"alert": alert, "until": until, "reason": reason},
        )
    return document


def list_tickets(
    session: Session,
    scope: Scope,
    *,
    state: str | None = None,
    kind: str | None = None,
    town: str | None = None,
    village: str | None = None,
    device: str | None = None,
    source: str | None = None,
    unfinished: bool | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Document:
    """Tickets, newest first; `unfinished` leaves out those closed or cancelled (or, if False, only
    shows them)."""
    wanted = where(
        select(TicketRow).where(scope.tickets()),
        {
            TicketRow.state: state,
            TicketRow.kind: kind,
            TicketRow.town: town,
            TicketRow.village: village,
            TicketRow.device: device,
            TicketRow.source: source,
        },
    )
    if unfinished is not None:
        ended = TicketRow.state.in_(sorted(FINAL))
        wanted = wanted.where(~ended if unfinished else ended)
    rows, following = newest_first(session, wanted, TicketRow, TicketRow.opened_at, limit, cursor)
    return {"items": ticket_documents(session, rows), "next": following}


def get_ticket(session: Session, scope: Scope, ticket: str) -> Document:
    """One ticket with its audit trail under `events`; raises NotFoundError."""
    row = _ticket(session, scope, ticket)
    trail = (
        select(TicketEventRow).where(TicketEventRow.ticket_id == ticket).order_by(TicketEventRow.id)
    )
    events = [
        {"at": e.at, "event": e.event, "by": e.by, "details": e.details}
        for e in session.scalars(trail)
    ]
    return {**ticket_documents(session, [row])[0], "events": events}


def create_ticket(
    session: Session, scope: Scope, intake: Intake, by: str, now: int, profile: ServiceProfile
) -> tuple[Document, bool]:
    """Take in a report: the ticket it belongs to, and whether that is new.

    A household's fault is one case whatever the channel (features row 7): where one is open, the
    report becomes a complaint of it. Raises NotFoundError for a device or place outside the scope.
    """
    subject = _subject(session, scope, intake)
    row = find_open(session, intake.kind, subject)
    created = row is None
    if row is None:
        row = add_ticket(session, intake.kind, subject, profile, now, intake.source)
        row.caller_name, row.caller_phone = intake.caller_name, intake.caller_phone
        row.called_at, row.fault = intake.called_at or now, intake.text
        row.summary = {"zh": intake.text, "en": intake.text}
        add_event(session, row.id, "opened", by, now, {"source": intake.source})
    add_event(session, row.id, "complaint", by, now, _complaint(intake))
    publish_tickets(session, [row.id], now)
    return ticket_documents(session, [row])[0], created


def ticket_event(
    session: Session,
    scope: Scope,
    ticket: str,
    event: Event,
    by: str,
    now: int,
    details: StepDetails | None = None,
    version: int | None = None,
) -> Document:
    """Step a ticket; with `version`, only if it is still that one.

    Raises NotFoundError, IllegalTransitionError (with the reason) or ConflictError.
    """
    row = _ticket(session, scope if event == "note" else _acting(scope), ticket)
    if version is not None and version != row.version:
        raise ConflictError(
            "stale_version", f"the ticket is at version {row.version}; read it again"
        )
    after = step(to_ticket(row), event, now)
    if event == "reopen" and row.state in FINAL:
        _check_case_is_free(session, row)
    escalate(session, row, now)
    store_ticket(row, after)
    add_event(session, ticket, event, by, now, _fill(row, details or StepDetails()))
    publish_tickets(session, [ticket], now)
    return ticket_documents(session, [row])[0]


def list_devices(
    session: Session,
    scope: Scope,
    *,
    town: str | None = None,
    village: str | None = None,
    gateway: str | None = None,
    profile: str | None = None,
    brand: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Document:
    """Devices by id."""
    wanted = where(
        select(DeviceRow).where(scope.devices()),
        {
            DeviceRow.town: town,
            DeviceRow.village: village,
            DeviceRow.gateway: gateway,
            DeviceRow.profile: profile,
            DeviceRow.brand: brand,
        },
    )
    if cursor is not None:
        wanted = wanted.where(DeviceRow.id > cursor)
    limit = bounded(limit)
    rows = session.scalars(wanted.order_by(DeviceRow.id).limit(limit + 1)).all()
    following = rows[limit - 1].id if len(rows) > limit else None
    return {"items": [device_document(row) for row in rows[:limit]], "next": following}


def get_device(session: Session, scope: Scope, device: str) -> Document:
    """One device; raises NotFoundError."""
    return device_document(_device(session, scope, device))


def take_device_out(
    session: Session, scope: Scope, device: str, until: int, reason: str, by: str, now: int
) -> None:
    """Take a device out of service until `until` (UTC ms, at most MAX_OUT_OF_SERVICE_MS ahead), or
    change that.

    Raises NotFoundError, or ShelveRefusedError where the end or the reason will not do.
    """
    row = _device(session, _acting(scope), device)
    if not reason.strip():
        raise ShelveRefusedError("reason_missing", "say why the device is out of service")
    if not now < until <= now + MAX_OUT_OF_SERVICE_MS:
        raise ShelveRefusedError(
            "out_of_bounds", "a device is out of service until a time at most a year ahead"
        )
    take_out(session, row.id, until, reason, by, now)


def put_device_back(session: Session, scope: Scope, device: str, now: int) -> None:
    """Put a device back into service; one that is in service stays so. Raises NotFoundError."""
    put_back(session, _device(session, _acting(scope), device).id, now)


def feed_events(session: Session, scope: Scope, after: int, limit: int = 500) -> list[FeedEventRow]:
    """Feed events of the scope with an id above `after`, in order."""
    wanted = select(FeedEventRow).where(FeedEventRow.id > after, scope.feed())
    return list(session.scalars(wanted.order_by(FeedEventRow.id).limit(limit)))


def newest_feed_id(session: Session) -> int:
    """The id of the newest feed event, 0 if there is none yet."""
    return session.scalar(select(func.max(FeedEventRow.id))) or 0


def summarise(session: Session, scope: Scope) -> Document:
    """Counts for the head of a page: active alerts and unacknowledged ones by priority, tickets by
    state, devices."""
    announced = and_(scope.alerts(), AlertRow.announced_at.is_not(None), AlertRow.state == "active")
    return {
        "alerts": _counts(session, AlertRow.priority, announced),
        "unacknowledged": _counts(
            session, AlertRow.priority, announced & AlertRow.acknowledged_by.is_(None)
        ),
        "tickets": _counts(session, TicketRow.state, scope.tickets()),
        "devices": session.scalar(
            select(func.count()).select_from(DeviceRow).where(scope.devices())
        )
        or 0,
    }


def _counts(session: Session, column: InstrumentedAttribute[str], condition: Any) -> dict[str, int]:
    counted = select(column, func.count()).where(condition).group_by(column)
    return {name: count for name, count in session.execute(counted)}  # noqa: C416 - a Row is not typed as a pair


def _acting(scope: Scope) -> Scope:
    if scope.role == "household":
        raise NotFoundError
    return scope


def _alert(session: Session, scope: Scope, alert: str) -> AlertRow:
    row = session.scalar(select(AlertRow).where(AlertRow.id == alert, scope.alerts()))
    if row is None:
        raise NotFoundError(alert)
    return row


def _device(session: Session, scope: Scope, device: str) -> DeviceRow:
    row = session.scalar(select(DeviceRow).where(DeviceRow.id == device, scope.devices()))
    if row is None:
        raise NotFoundError(device)
    return row


def _ticket(session: Session, scope: Scope, ticket: str) -> TicketRow:
    row = session.scalar(select(TicketRow).where(TicketRow.id == ticket, scope.tickets()))
    if row is None:
        raise NotFoundError(ticket)
    return row


def _alert_document(episode: Episode) -> Document:
    return alert_document(as_alert(episode))


def _store_alert(session: Session, before: Episode, after: Episode, now: int) -> Document:
    if after != before:
        save_episodes(session, {before.id}, [after])
        announce_alert(session, after, now)
    return _alert_document(after)


def _subject(session: Session, scope: Scope, intake: Intake) -> Subject:
    if intake.device is not None:
        row = session.scalar(
            select(DeviceRow).where(DeviceRow.id == intake.device, scope.devices())
        )
        if row is None:
            raise NotFoundError(intake.device)
        household = row.household or intake.household
        return Subject(
            row.district, row.town, row.village, row.gateway, row.id, household, row.brand
        )
    place = (intake.district, intake.town, intake.village)
    district, town, village = place
    if (
        district is None
        or town is None
        or village is None
        or not scope.covers(district, town, village)
    ):
        raise NotFoundError("/".join(level or "" for level in place))
    return Subject(district, town, village, household=intake.household)


def _complaint(intake: Intake) -> dict[str, Any]:
    return {
        "source": intake.source,
        "text": intake.text,
        "caller": intake.caller_name,
        "phone": intake.caller_phone,
        "called_at": intake.called_at,
    }


def _check_case_is_free(session: Session, row: TicketRow) -> None:
    other = session.scalar(select(TicketRow.id).where(TicketRow.case_key == case_of(row)))
    if other is not None:
        raise ConflictError("case_open", f"the same fault has another open ticket, {other}")


def _fill(row: TicketRow, details: StepDetails) -> dict[str, Any]:
    """Write what came with an event onto the ticket; returns it for the audit trail."""
    given = {
        name: value
        for name in StepDetails.__slots__
        if (value := getattr(details, name)) is not None
    }
    for name, value in given.items():
        if name != "note":
            setattr(row, name, value)
    return given
