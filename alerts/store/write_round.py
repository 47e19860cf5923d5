"""One round of the core as one transaction: gateways, alerts, tickets, deadlines, shelves."""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from alerts.core.life import unshelve
from alerts.core.model import GatewayBirth, GatewayChange, GatewayDevices, Round
from alerts.core.practice import Practice
from alerts.core.record import AlertRecord
from alerts.store.announce import announce_alert
from alerts.store.late_spans import note_late
from alerts.store.record_round import (
    Recorded,
    announce,
    begin_cases_again,
    record_decisions,
)
from alerts.store.records import active_of_devices, due_from_shelf, save_records
from desk.audit.trail import expire
from desk.ledger.device_registry import (
    store_birth,
    store_devices,
    store_last_heard,
    store_last_will,
)
from desk.ledger.out_of_service import take_returned
from desk.live_feed import add_line, trim_feed
from desk.tickets.cases import escalate, overdue_tickets
from desk.tickets.documents import publish_tickets
from wire.location import Location


@dataclass(frozen=True, slots=True)
class Kept:
    """How long lines of the live feed and of the audit log are kept, ms."""

    feed: int
    audit: int


@dataclass(slots=True)
class Written:
    """What a round changed: the alerts, and the stages of tickets that escalated."""

    recorded: Recorded
    escalated: list[str] = field(default_factory=list)


def write_round(
    session: Session, round_: Round, practice: Practice, kept: Kept | None = None
) -> Written:
    """Write a round; doing it again after a crash changes nothing more.

    A timed round removes feed and audit lines older than `kept`.
    """
    now = round_.now
    for status in round_.statuses:
        _store_status(session, status, now)
    if round_.heard:
        store_last_heard(session, round_.gateways, round_.heard)
    if round_.late:
        note_late(session, round_.late, now)
    written = Written(record_decisions(session, round_.decided, practice, now))
    due = [*round_.due, *(_returning(session, now) if round_.timed else ())]
    if due:
        written.recorded.records |= announce(session, due, practice, now).records
    if round_.timed:
        written.recorded.records |= begin_cases_again(session, practice, now).records
        written.escalated = _escalate(session, now)
        if kept is not None:
            trim_feed(session, now - kept.feed)
            expire(session, now - kept.audit, now)
    return written


def _store_status(session: Session, status: GatewayChange, now: int) -> None:
    if isinstance(status, GatewayDevices):
        store_devices(session, status.gateway, status.owned)
        return
    if isinstance(status, GatewayBirth):
        online = True
        is_news = store_birth(session, status.gateway, status.status, status.owned, now)
    else:
        online = False
        is_news = store_last_will(session, status.gateway)
    if not is_news:
        return
    location = Location.of(status.gateway)
    line = {**location._asdict(), "online": online, "at": now}
    add_line(session, "status", line, location, now)


def _returning(session: Session, now: int) -> list[AlertRecord]:
    """Active alerts that come back into view: off the shelf, or of devices back in service."""
    return [*_unshelve(session, now), *active_of_devices(session, take_returned(session, now))]


def _unshelve(session: Session, now: int) -> list[AlertRecord]:
    back = [unshelve(record, now) for record in due_from_shelf(session, now)]
    save_records(session, {record.id for record in back}, back)
    active = [record for record in back if record.state == "active"]
    for record in active:
        if record.announced_at is not None:
            announce_alert(session, record, now)
    return active


def _escalate(session: Session, now: int) -> list[str]:
    overdue = overdue_tickets(session, now)
    stages = [stage for row in overdue for stage in escalate(session, row, now)]
    publish_tickets(session, [row.id for row in overdue], now)
    return stages
