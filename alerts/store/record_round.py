"""Decisions of the rules become alert records, tickets, feed lines and effects: all or none."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from alerts.core.life import apply, begin_new_case, has_risen, is_shelved, isa_state
from alerts.core.model import Decided
from alerts.core.practice import Practice
from alerts.core.record import AlertRecord, Key, key_of
from alerts.store.announce import announce_alert
from alerts.store.cases import link_alert, open_case
from alerts.store.records import (
    active_of_devices,
    active_of_ended_cases,
    latest_records,
    save_records,
)
from desk.ledger.out_of_service import among_out_of_service
from desk.tickets.cases import note_all_clear, raise_priority
from desk.tickets.documents import publish_tickets


@dataclass(slots=True)
class Recorded:
    """What a transaction changed: records by id as they are now, and how many of each edge."""

    records: dict[str, AlertRecord] = field(default_factory=dict)
    edges: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass(slots=True)
class _Known:
    """What a round begins with.

    `latest` is the newest record of each key, `active` the active ones of the devices that raise,
    `before` the records as stored, by id.
    """

    latest: dict[Key, AlertRecord]
    active: list[AlertRecord]
    out_of_service: Collection[str]
    before: Mapping[str, AlertRecord]


def record_decisions(
    session: Session, decided: Sequence[Decided], practice: Practice, now: int
) -> Recorded:
    """Apply transitions in order; one already recorded, or of an older past, changes nothing."""
    known = _known(session, decided, now)
    recorded = Recorded()
    for decision in decided:
        _apply(known, decision, recorded, practice, now)
    if recorded.records:
        _write(session, recorded, known.before, practice, now)
    return recorded


def announce(
    session: Session, records: Iterable[AlertRecord], practice: Practice, now: int
) -> Recorded:
    """Announce active alerts that were kept from view, unless something still keeps them there."""
    latest = latest_records(session, {record.key for record in records})
    out = among_out_of_service(session, {record.subject for record in latest.values()}, now)
    recorded = Recorded()
    for record in latest.values():
        held = record.announced_at is None and record.state == "active"
        if held and _is_in_view(record, out, now):
            recorded.records[record.id] = replace(record, announced_at=now)
    if recorded.records:
        before = {record.id: record for record in latest.values()}
        _write(session, recorded, before, practice, now)
    return recorded


def begin_cases_again(session: Session, practice: Practice, now: int) -> Recorded:
    """Give each active alert whose case has ended a new case, once its time out of service is over.

    Those on the shelf, and of devices out of service, wait until they are back.
    """
    ended = active_of_ended_cases(session, now)
    out = among_out_of_service(session, {record.subject for record in ended}, now)
    again = {record.id: begin_new_case(record) for record in ended}
    recorded = Recorded(
        {alert: record for alert, record in again.items() if _is_in_view(record, out, now)}
    )
    if recorded.records:
        _write(session, recorded, {record.id: record for record in ended}, practice, now)
    return recorded


def _known(session: Session, decided: Sequence[Decided], now: int) -> _Known:
    latest = latest_records(session, {key_of(decision.transition) for decision in decided})
    holding = [decision.transition for decision in decided if decision.transition.edge != "clear"]
    devices = {each.subject for each in holding if each.subject_kind == "device"}
    raising = {each.subject for each in holding if each.edge == "raise"} & devices
    active = active_of_devices(session, raising)
    out = among_out_of_service(session, devices, now)
    return _Known(latest, active, out, {record.id: record for record in latest.values()})


def _apply(
    known: _Known, decision: Decided, recorded: Recorded, practice: Practice, now: int
) -> None:
    transition = decision.transition
    key = key_of(transition)
    changed = apply(known.latest.get(key), transition, decision.location, now)
    if changed is None:
        return
    if transition.edge == "raise":
        changed = replace(changed, cause=_cause(changed, known.active, practice))
    if _is_due(known.latest.get(key), changed, decision) and _is_in_view(
        changed, known.out_of_service, now
    ):
        changed = replace(changed, announced_at=now)
    if transition.edge == "raise":
        known.active.append(changed)
    if transition.edge == "clear":
        known.active = [record for record in known.active if record.id != changed.id]
    known.latest[key] = changed
    recorded.records[changed.id] = changed
    counted = (transition.rule, transition.edge)
    recorded.edges[counted] = recorded.edges.get(counted, 0) + 1


def _is_due(before: AlertRecord | None, record: AlertRecord, decision: Decided) -> bool:
    """Whether people are to be notified now for the first time: it began, or has become graver."""
    if not decision.live or record.announced_at is not None:
        return False
    edge = decision.transition.edge
    return edge == "raise" or (before is not None and has_risen(record, before))


def _cause(record: AlertRecord, active: Sequence[AlertRecord], practice: Practice) -> str | None:
    """The first alert of the same device that this one may follow from (ISA-18.2 "first-out")."""
    followed = practice.follows.get(record.rule, ())
    for earlier in active:
        if earlier.rule in followed and earlier.subject == record.subject:
            return earlier.cause or earlier.id
    return None


def _is_in_view(record: AlertRecord, out_of_service: Collection[str], now: int) -> bool:
    is_out = record.subject in out_of_service
    return isa_state(record, now, out_of_service=is_out) not in ("shelved", "out_of_service")


def _write(
    session: Session,
    recorded: Recorded,
    before: Mapping[str, AlertRecord],
    practice: Practice,
    now: int,
) -> None:
    _open_cases(session, recorded, practice, now)
    session.flush()
    changed = list(recorded.records.values())
    save_records(session, before.keys(), changed)
    announced = [record for record in changed if record.announced_at is not None]
    _publish(session, announced, before, now)


def _open_cases(session: Session, recorded: Recorded, practice: Practice, now: int) -> None:
    for record in list(recorded.records.values()):
        # An alert that cleared within this very round gets its ticket too: how messages fall into
        # rounds decides nothing.
        if record.announced_at is not None and record.ticket is None:
            cause = recorded.records.get(record.cause or "")
            of_cause = None if cause is None else cause.ticket
            ticket = open_case(session, record, practice, now, of_cause)
            recorded.records[record.id] = replace(record, ticket=ticket)


def _publish(
    session: Session,
    changed: Sequence[AlertRecord],
    before: Mapping[str, AlertRecord],
    now: int,
) -> None:
    tickets: set[str] = set()
    for record in changed:
        if record.ticket is not None and _changes_case(session, record, before, now):
            tickets.add(record.ticket)
        if not is_shelved(record, now):
            announce_alert(session, record, now)
    cleared = [
        record.ticket
        for record in changed
        if record.state == "cleared" and record.ticket is not None
    ]
    publish_tickets(session, tickets | set(note_all_clear(session, cleared, now)), now)


def _changes_case(
    session: Session, record: AlertRecord, before: Mapping[str, AlertRecord], now: int
) -> bool:
    """Link an alert that is new to its ticket, and raise the ticket's priority with the alert's."""
    assert record.ticket is not None, "an alert without a ticket changes none"
    known = before.get(record.id)
    if known is None or known.ticket != record.ticket:
        link_alert(session, record.ticket, record, now)
        return True
    rises = has_risen(record, known)
    return rises and raise_priority(session, record.ticket, record.priority, now)
