"""One transaction: what the rules decided becomes alerts, tickets, feed events and outbox rows, all
or none."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from alerts.core.life import Episode, Key, Spot, apply, is_shelved, key_of
from alerts.store.records import active_of_devices, latest_episodes, save_episodes
from desk.database.effects import announce_alert
from desk.ledger.out_of_service import among_out_of_service
from desk.tickets.cases import link_alert, note_all_clear, open_case, publish_tickets
from desk.tickets.life_cycle import Practice
from rules.transitions.transition import Transition


@dataclass(frozen=True, slots=True)
class Decided:
    """A transition, and where its subject stands.

    `live` is False while it tells of the past (design §4.7): the alert is then kept to ourselves
    until it is known that its condition still holds on the newest data.
    """

    transition: Transition
    spot: Spot
    live: bool = True


@dataclass(slots=True)
class Recorded:
    """What a transaction changed: episodes by id as they are now, and how many of each edge took
    effect."""

    episodes: dict[str, Episode] = field(default_factory=dict)
    edges: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass(slots=True)
class _Known:
    """What a round begins with: the newest episode of each key, the active ones of its devices, and
    who is out.

    `before` are the episodes as stored, by id.
    """

    latest: dict[Key, Episode]
    active: list[Episode]
    out_of_service: Collection[str]
    before: Mapping[str, Episode]


def record(session: Session, decided: Sequence[Decided], practice: Practice, now: int) -> Recorded:
    """Apply transitions in order; what is already recorded, or tells of an older past, changes
    nothing."""
    known = _known(session, decided, now)
    recorded = Recorded()
    for item in decided:
        _apply(known, item, recorded, practice, now)
    if recorded.episodes:
        _write(session, recorded, known.before, practice, now)
    return recorded


def announce(
    session: Session, episodes: Iterable[Episode], practice: Practice, now: int
) -> Recorded:
    """Announce active episodes that were held back; those announced, cleared, shelved or out of
    service stay so."""
    latest = latest_episodes(session, {episode.key for episode in episodes})
    out = among_out_of_service(session, {episode.subject for episode in latest.values()}, now)
    recorded = Recorded()
    for episode in latest.values():
        held = episode.announced_at is None and episode.state == "active"
        if held and not is_shelved(episode, now) and not _is_out(episode, out):
            recorded.episodes[episode.id] = replace(episode, announced_at=now)
    if recorded.episodes:
        _write(session, recorded, {e.id: e for e in latest.values()}, practice, now)
    return recorded


def _known(session: Session, decided: Sequence[Decided], now: int) -> _Known:
    latest = latest_episodes(session, {key_of(item.transition) for item in decided})
    raising = {
        item.transition.subject
        for item in decided
        if item.transition.edge == "raise" and item.transition.subject_kind == "device"
    }
    active, out = active_of_devices(session, raising), among_out_of_service(session, raising, now)
    return _Known(latest, active, out, {episode.id: episode for episode in latest.values()})


def _apply(known: _Known, item: Decided, recorded: Recorded, practice: Practice, now: int) -> None:
    transition = item.transition
    key = key_of(transition)
    changed = apply(known.latest.get(key), transition, item.spot, now)
    if changed is None:
        return
    if transition.edge == "raise":
        changed = replace(changed, cause=_cause(changed, known.active, practice))
        if (
            item.live
            and not is_shelved(changed, now)
            and not _is_out(changed, known.out_of_service)
        ):
            changed = replace(changed, announced_at=now)
        known.active.append(changed)
    if transition.edge == "clear":
        known.active = [episode for episode in known.active if episode.id != changed.id]
    known.latest[key] = changed
    recorded.episodes[changed.id] = changed
    counted = (transition.rule, transition.edge)
    recorded.edges[counted] = recorded.edges.get(counted, 0) + 1


def _cause(episode: Episode, active: Sequence[Episode], practice: Practice) -> str | None:
    """The alert of the same device that came first of those this one may follow from (ISA-18.2
    "first-out")."""
    followed = practice.follows.get(episode.rule, ())
    first = (one for one in active if one.rule in followed and one.subject == episode.subject)
    found = next(first, None)
    return None if found is None else found.cause or found.id


def _is_out(episode: Episode, out_of_service: Collection[str]) -> bool:
    return episode.subject_kind == "device" and episode.subject in out_of_service


def _write(
    session: Session,
    recorded: Recorded,
    before: Mapping[str, Episode],
    practice: Practice,
    now: int,
) -> None:
    for episode in recorded.episodes.values():
        # One that cleared within this very round gets its ticket too: how messages fall into rounds
        # decides nothing.
        if episode.announced_at is not None and episode.ticket is None:
            cause = recorded.episodes.get(episode.cause or "")
            ticket = open_case(
                session, episode, practice, now, None if cause is None else cause.ticket
            )
            recorded.episodes[episode.id] = replace(episode, ticket=ticket)
    session.flush()
    changed = list(recorded.episodes.values())
    save_episodes(session, before.keys(), changed)
    _tell(
        session, [episode for episode in changed if episode.announced_at is not None], before, now
    )


def _tell(
    session: Session, changed: Sequence[Episode], before: Mapping[str, Episode], now: int
) -> None:
    tickets: set[str] = set()
    for episode in changed:
        if episode.ticket is not None and not _was_linked(before.get(episode.id)):
            link_alert(session, episode.ticket, episode, now)
            tickets.add(episode.ticket)
        if not is_shelved(episode, now):
            announce_alert(session, episode, now)
    cleared = [
        episode.ticket
        for episode in changed
        if episode.state == "cleared" and episode.ticket is not None
    ]
    publish_tickets(session, tickets | set(note_all_clear(session, cleared, now)), now)


def _was_linked(episode: Episode | None) -> bool:
    return episode is not None and episode.ticket is not None
