"""One round of the service as one transaction: comings and goings, alerts, tickets, and what time
itself makes due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from alerts.core.inbox import Birth
from alerts.core.life import Episode, unshelve
from alerts.store.late_spans import Span, note_late
from alerts.store.record import Decided, Recorded, announce, record
from alerts.store.records import active_of_devices, due_from_shelf, save_episodes
from desk.database.effects import announce_alert, announce_status, trim_feed
from desk.ledger.device_registry import LastHeard, store_birth, store_last_heard, store_last_will
from desk.ledger.out_of_service import returned
from desk.tickets.cases import escalate, overdue_tickets, publish_tickets
from desk.tickets.life_cycle import Practice
from wire.topics import GatewayPath


@dataclass(slots=True)
class Round:
    """All that one transaction is to write at server time `now` (UTC ms).

    `due` are held-back alerts to announce now. `heard` and the `places` of its devices update the
    register; `late` is where readings came that were not the newest of their device. `timed` rounds
    also look at deadlines and shelves, and remove feed events from before `feed_from`.
    """

    now: int
    statuses: Sequence[Birth | GatewayPath] = ()
    decided: Sequence[Decided] = ()
    due: Sequence[Episode] = ()
    heard: Mapping[str, LastHeard] = field(default_factory=dict)
    places: Mapping[str, GatewayPath] = field(default_factory=dict)
    late: Mapping[str, Span] = field(default_factory=dict)
    timed: bool = False
    feed_from: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (
            self.statuses or self.decided or self.due or self.heard or self.late or self.timed
        )


@dataclass(slots=True)
class Written:
    """What a round changed: the alerts, and the stages of tickets that escalated."""

    recorded: Recorded
    escalated: list[str] = field(default_factory=list)


def write(session: Session, one: Round, practice: Practice) -> Written:
    """Write a round; doing it again after a crash changes nothing more."""
    for status in one.statuses:
        _store_status(session, status, one.now)
    if one.heard:
        store_last_heard(session, one.places, one.heard)
    if one.late:
        note_late(session, one.late, one.now)
    written = Written(record(session, one.decided, practice, one.now))
    due = list(one.due)
    if one.timed:
        due += _unshelve(session, one.now)
        due += active_of_devices(session, returned(session, one.now))
    if due:
        written.recorded.episodes |= announce(session, due, practice, one.now).episodes
    if one.timed:
        written.escalated = _escalate(session, one.now)
        trim_feed(session, one.feed_from)
    return written


def _store_status(session: Session, status: Birth | GatewayPath, now: int) -> None:
    if isinstance(status, Birth):
        place, online = status.place, True
        is_news = store_birth(session, place, status.status, status.owned, now)
    else:
        place, online = status, False
        is_news = store_last_will(session, place)
    if is_news:
        where = {"district": place.district, "town": place.town, "village": place.village}
        announce_status(
            session, {"gateway": place.gateway, "online": online, "at": now, **where}, where, now
        )


def _escalate(session: Session, now: int) -> list[str]:
    overdue = overdue_tickets(session, now)
    stages = [stage for row in overdue for stage in escalate(session, row, now)]
    publish_tickets(session, [row.id for row in overdue], now)
    return stages


def _unshelve(session: Session, now: int) -> list[Episode]:
    """Take back what was shelved long enough; those of it that are active."""
    back = [unshelve(episode, now) for episode in due_from_shelf(session, now)]
    save_episodes(session, {episode.id for episode in back}, back)
    active = [episode for episode in back if episode.state == "active"]
    for episode in active:
        if episode.announced_at is not None:
            announce_alert(session, episode, now)
    return active
