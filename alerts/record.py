"""One transaction: what the rules decided becomes alerts, tickets, feed events and outbox rows, all or none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from alerts.lifecycle import Episode, Key, Spot, apply, key_of
from alerts.store.cases import link_alert, note_all_clear, open_case, publish_tickets
from alerts.store.effects import announce_alert
from alerts.store.episodes import latest_episodes, save_episodes
from alerts.tickets import ServiceProfile
from rules.transition import Transition


@dataclass(frozen=True, slots=True)
class Decided:
    """A transition, and where its subject stands.

    `live` is False while it tells of the past (DESIGN §4.7): the alert is then kept to ourselves until it is known
    that its condition still holds on the newest data.
    """

    transition: Transition
    spot: Spot
    live: bool = True


@dataclass(slots=True)
class Recorded:
    """What a transaction changed: episodes by id as they are now, and how many of each edge took effect."""

    episodes: dict[str, Episode] = field(default_factory=dict)
    edges: dict[tuple[str, str], int] = field(default_factory=dict)


def record(session: Session, decided: Sequence[Decided], profile: ServiceProfile, now: int) -> Recorded:
    """Apply transitions in order; what is already recorded, or tells of an older past, changes nothing."""
    latest = latest_episodes(session, {key_of(item.transition) for item in decided})
    known = {episode.id for episode in latest.values()}
    before = {episode.id: episode for episode in latest.values()}
    recorded = Recorded()
    for item in decided:
        _apply(latest, item, recorded, now)
    if recorded.episodes:
        _write(session, recorded, known, before, profile, now)
    return recorded


def announce(session: Session, episodes: Iterable[Episode], profile: ServiceProfile, now: int) -> Recorded:
    """Announce active episodes that were held back; those that have been announced or cleared meanwhile stay."""
    held = list(episodes)
    latest = latest_episodes(session, {episode.key for episode in held})
    recorded = Recorded()
    for episode in latest.values():
        if episode.state == "active" and episode.announced_at is None:
            recorded.episodes[episode.id] = replace(episode, announced_at=now)
    known = {episode.id for episode in latest.values()}
    if recorded.episodes:
        _write(session, recorded, known, {e.id: e for e in latest.values()}, profile, now)
    return recorded


def _apply(latest: dict[Key, Episode], item: Decided, recorded: Recorded, now: int) -> None:
    transition = item.transition
    key = key_of(transition)
    changed = apply(latest.get(key), transition, item.spot, now)
    if changed is None:
        return
    if transition.edge == "raise" and item.live:
        changed = replace(changed, announced_at=now)
    latest[key] = changed
    recorded.episodes[changed.id] = changed
    counted = (transition.rule, transition.edge)
    recorded.edges[counted] = recorded.edges.get(counted, 0) + 1


def _write(
    session: Session,
    recorded: Recorded,
    known: set[str],
    before: Mapping[str, Episode],
    profile: ServiceProfile,
    now: int,
) -> None:
    for episode in recorded.episodes.values():
        # One that cleared within this very round gets its ticket too: how messages fall into rounds decides nothing.
        if episode.announced_at is not None and episode.ticket is None:
            recorded.episodes[episode.id] = replace(episode, ticket=open_case(session, episode, profile, now))
    session.flush()
    changed = list(recorded.episodes.values())
    save_episodes(session, known, changed)
    _tell(session, [episode for episode in changed if episode.announced_at is not None], before, now)


def _tell(session: Session, changed: Sequence[Episode], before: Mapping[str, Episode], now: int) -> None:
    tickets: set[str] = set()
    for episode in changed:
        if episode.ticket is not None and not _was_linked(before.get(episode.id)):
            link_alert(session, episode.ticket, episode, now)
            tickets.add(episode.ticket)
        announce_alert(session, episode, now)
    cleared = [episode.ticket for episode in changed if episode.state == "cleared" and episode.ticket is not None]
    publish_tickets(session, tickets | set(note_all_clear(session, cleared, now)), now)


def _was_linked(episode: Episode | None) -> bool:
    return episode is not None and episode.ticket is not None
