"""An alert as the district keeps it: one record for each time a condition held for a subject.

Times are UTC ms; `onset` and `ended` are event times, all others server times.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

from rules.transitions.transition import SubjectKind, Transition, realm_of
from wire.location import Location
from wire.messages import Alert, Priority
from wire.topics import GatewayPath

ConditionState = Literal["active", "cleared"]

Key = tuple[str, str, str, str]
"""(subject, rule, code, realm), with '' for no code: at most one record of it is active."""


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """Everything an alert is.

    `announced_at` is None while the alert is kept from people: its data is old, it is shelved, or
    its device is out of service. `out_until`, `out_by` and `out_reason` say until when, by whom and
    why its case was closed although it goes on. `cause` is the id of the alert it follows from, by
    its rule's `follows`.
    """

    id: str
    rule: str
    subject: str
    subject_kind: SubjectKind
    code: str
    location: Location
    priority: Priority
    state: ConditionState
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
    out_until: int | None = None
    out_by: str | None = None
    out_reason: str | None = None
    ticket: str | None = None
    cause: str | None = None

    @property
    def key(self) -> Key:
        """Names the alarm: only one record of a key may be active."""
        return (self.subject, self.rule, self.code, self.realm)

    @property
    def realm(self) -> str:
        """Within which place the subject's id is unique (`rules.transition.realm_of`)."""
        here = self.location
        gateway = GatewayPath(here.district, here.town, here.village, here.gateway or "")
        return realm_of(self.subject_kind, gateway)


def key_of(transition: Transition) -> Key:
    """The key of the alarm that a transition changes."""
    return (transition.subject, transition.rule, transition.code or "", transition.realm)


def alert_id(key: Key, onset: int) -> str:
    """The id of the record of `key` that began at `onset`: the same wherever it is computed."""
    subject, rule, code, realm = key
    parts = (subject, rule, code, str(onset), *([realm] if realm else []))
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=10)
    return f"A-{digest.hexdigest()}"


def as_alert(record: AlertRecord) -> Alert:
    """The record as the contract shows it (contract §3)."""
    return Alert(
        id=record.id,
        rule=record.rule,
        subject=record.subject,
        district=record.location.district,
        town=record.location.town,
        village=record.location.village,
        priority=record.priority,
        state=record.state,
        onset=record.onset,
        raised_at=record.raised_at,
        text=record.text,
        acknowledged_by=record.acknowledged_by,
        shelved_until=record.shelved_until if record.state == "active" else None,
        cleared_at=record.cleared_at,
        value=record.value,
        limit=record.limit,
        unit=record.unit,
        code=record.code or None,
        children=record.children,
        ticket=record.ticket,
        cause=record.cause,
        out_of_service_until=record.out_until,
    )
