"""The life of an alert, as pure functions: a transition and what is known give what is to be
changed.

Words are those of ISA-18.2. Times are UTC ms; `onset` and `ended` are event times, all others
server times. What a redelivery, a replay or a late reading tells a second time changes nothing.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from rules.transitions.transition import SubjectKind, Transition, realm_of
from wire.messages import Alert, Priority
from wire.topics import GatewayPath
from wire.units import HOUR_MS

State = Literal["active", "cleared"]
IsaState = Literal["normal", "unacknowledged", "acknowledged", "returned_unacknowledged", "shelved"]

# console "shelve": at most 8 h, it returns by itself.
MAX_SHELVE_MS: Final = 8 * HOUR_MS

Key = tuple[str, str, str, str]
"""(subject, rule, code, realm), with '' for no code: at most one episode of it is active."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where the subject of an alert stands; a village has no gateway."""

    district: str
    town: str
    village: str
    gateway: str | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode of one condition of one subject: everything an alert is.

    `cause` is the id of the alert that this one follows from, by its rule's `follows`.
    """

    id: str
    rule: str
    subject: str
    subject_kind: SubjectKind
    code: str
    spot: Spot
    priority: Priority
    state: State
    onset: int
    raised_at: int
    reason: str
    text: dict[str, str]
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    children: int = 0
    announced_at: int | None = None
    cleared_at: int | None = None
    ended: int | None = None
    acknowledged_by: str | None = None
    acknowledged_at: int | None = None
    shelved_until: int | None = None
    shelved_by: str | None = None
    shelved_reason: str | None = None
    ticket: str | None = None
    cause: str | None = None

    @property
    def key(self) -> Key:
        """What may have only one active episode."""
        return (self.subject, self.rule, self.code, self.realm)

    @property
    def realm(self) -> str:
        """Within what the subject's id is unique (`rules.transitions.transition.realm_of`)."""
        spot = self.spot
        return realm_of(
            self.subject_kind,
            GatewayPath(spot.district, spot.town, spot.village, spot.gateway or ""),
        )


class ShelveRefusedError(ValueError):
    """An alert that may not be shelved so; `code` is stable, the message says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def key_of(transition: Transition) -> Key:
    """The key a transition speaks of."""
    return (transition.subject, transition.rule, transition.code or "", transition.realm)


def alert_id(key: Key, onset: int) -> str:
    """The id of the episode of `key` that began at `onset`; the same wherever and whenever it is
    computed."""
    subject, rule, code, realm = key
    parts = (subject, rule, code, str(onset), *([realm] if realm else []))
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=10)
    return f"A-{digest.hexdigest()}"


def apply(latest: Episode | None, transition: Transition, spot: Spot, now: int) -> Episode | None:
    """The episode as `transition` leaves it, or None where it changes nothing.

    `latest` is the newest episode of the same key, active or cleared.
    """
    if transition.edge == "raise":
        return _raise(latest, transition, spot, now)
    if latest is None or latest.state != "active" or transition.at < latest.onset:
        return None
    return (
        _clear(latest, transition, now)
        if transition.edge == "clear"
        else _update(latest, transition)
    )


def _raise(latest: Episode | None, transition: Transition, spot: Spot, now: int) -> Episode | None:
    if latest is not None and (latest.state == "active" or _is_past(latest, transition)):
        return None
    key = key_of(transition)
    return Episode(
        id=alert_id(key, transition.onset),
        rule=transition.rule,
        subject=transition.subject,
        subject_kind=transition.subject_kind,
        code=transition.code or "",
        spot=spot,
        priority=transition.priority,
        state="active",
        onset=transition.onset,
        raised_at=now,
        reason=transition.reason,
        text=transition.text,
        value=transition.value,
        limit=transition.limit,
        unit=transition.unit,
        children=transition.children,
        **_still_shelved(latest, now),
    )


def _still_shelved(latest: Episode | None, now: int) -> dict[str, Any]:
    """What is shelved is the alarm, not one episode of it: one that returns within the time is
    shelved too."""
    if latest is None or latest.shelved_until is None or latest.shelved_until <= now:
        return {}
    return {
        name: getattr(latest, name) for name in ("shelved_until", "shelved_by", "shelved_reason")
    }


def _is_past(latest: Episode, transition: Transition) -> bool:
    """Whether a raise tells of a time that `latest` already covers: a replay or a late reading."""
    return transition.onset <= latest.onset or (
        latest.ended is not None and transition.at <= latest.ended
    )


def _update(latest: Episode, transition: Transition) -> Episode | None:
    changed = replace(
        latest,
        priority=transition.priority,
        value=transition.value,
        limit=transition.limit,
        children=transition.children,
        text=transition.text,
        reason=transition.reason,
    )
    return changed if changed != latest else None


def _clear(latest: Episode, transition: Transition, now: int) -> Episode:
    return replace(
        latest,
        state="cleared",
        cleared_at=now,
        ended=transition.at,
        reason=transition.reason,
    )


def acknowledge(episode: Episode, by: str, now: int) -> Episode:
    """The episode as taken note of by `by`; the first one who did stays."""
    if episode.acknowledged_by is not None:
        return episode
    return replace(episode, acknowledged_by=by, acknowledged_at=now)


def shelve(episode: Episode, until: int, reason: str, by: str, now: int) -> Episode:
    """The episode as put aside until `until`; raises ShelveRefusedError."""
    if episode.state != "active":
        raise ShelveRefusedError("not_active", "the alert has cleared; there is nothing to shelve")
    if not reason.strip():
        raise ShelveRefusedError("reason_missing", "say why the alert is shelved")
    if not now < until <= now + MAX_SHELVE_MS:
        raise ShelveRefusedError(
            "out_of_bounds", "an alert is shelved until a time at most 8 hours ahead"
        )
    return replace(episode, shelved_until=until, shelved_by=by, shelved_reason=reason)


def unshelve(episode: Episode, now: int) -> Episode:
    """The episode as back from the shelf, if its time has come."""
    if episode.shelved_until is None or episode.shelved_until > now:
        return episode
    return replace(episode, shelved_until=None, shelved_by=None, shelved_reason=None)


def is_shelved(episode: Episode, now: int) -> bool:
    """Whether the alert is put aside at `now`: it opens no ticket and is told to nobody."""
    return (
        episode.state == "active"
        and episode.shelved_until is not None
        and episode.shelved_until > now
    )


def isa_state(episode: Episode, now: int) -> IsaState:
    """The ISA-18.2 state; a suppressed alert is never raised, so it does not stand here."""
    if is_shelved(episode, now):
        return "shelved"
    if episode.state == "active":
        return "unacknowledged" if episode.acknowledged_by is None else "acknowledged"
    return "returned_unacknowledged" if episode.acknowledged_by is None else "normal"


def as_alert(episode: Episode) -> Alert:
    """The episode as the contract shows it (contract §3)."""
    return Alert(
        id=episode.id,
        rule=episode.rule,
        subject=episode.subject,
        district=episode.spot.district,
        town=episode.spot.town,
        village=episode.spot.village,
        priority=episode.priority,
        state=episode.state,
        onset=episode.onset,
        raised_at=episode.raised_at,
        text=episode.text,
        acknowledged_by=episode.acknowledged_by,
        shelved_until=episode.shelved_until if episode.state == "active" else None,
        cleared_at=episode.cleared_at,
        value=episode.value,
        limit=episode.limit,
        unit=episode.unit,
        code=episode.code or None,
        children=episode.children,
        ticket=episode.ticket,
        cause=episode.cause,
    )
