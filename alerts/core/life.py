"""The life of an alert as one transition table, in the words of ISA-18.2; pure.

An alert has an alarm state and, beside it, an attention state: a shelved alert still clears, and an
acknowledged one may be shelved. `TRANSITIONS` holds every step of both; an event that the table
does not list for a state changes nothing, or is refused where a person asked for it. A redelivery,
a replay or a late reading that repeats a transition changes nothing.
"""

from dataclasses import replace
from types import MappingProxyType
from typing import Final, Literal

from alerts.core.record import AlertRecord, alert_id, key_of
from desk.errors import ActRefusedError
from desk.tickets.life_cycle import RANK
from rules.transitions.transition import Transition
from wire.location import Location
from wire.units import HOUR_MS

AlarmState = Literal["normal", "unacknowledged", "acknowledged", "returned_unacknowledged"]
AttentionState = Literal["in_view", "shelved", "suppressed_by_design", "out_of_service"]
IsaState = AlarmState | AttentionState
LifeEvent = Literal[
    "raise",
    "clear",
    "acknowledge",
    "shelve",
    "unshelve",
    "suppress",
    "release",
    "take_out",
    "put_back",
    "rise",
]

TRANSITIONS: Final[MappingProxyType[tuple[IsaState, LifeEvent], IsaState]] = MappingProxyType(
    {
        # alarm state: `rules` raise and clear, people acknowledge
        ("normal", "raise"): "unacknowledged",
        ("unacknowledged", "acknowledge"): "acknowledged",
        ("unacknowledged", "clear"): "returned_unacknowledged",
        ("acknowledged", "clear"): "normal",
        ("returned_unacknowledged", "acknowledge"): "normal",
        ("returned_unacknowledged", "raise"): "unacknowledged",
        # a priority that rises takes back what a person decided about the lesser alert
        ("acknowledged", "rise"): "unacknowledged",
        # attention state: people shelve alerts, and take out of service a device, or an alert whose
        # case they close; `rules.presence` suppresses what one cause explains (design §4.8)
        ("in_view", "shelve"): "shelved",
        ("shelved", "shelve"): "shelved",
        ("shelved", "unshelve"): "in_view",
        ("in_view", "suppress"): "suppressed_by_design",
        ("suppressed_by_design", "release"): "in_view",
        ("in_view", "take_out"): "out_of_service",
        ("out_of_service", "put_back"): "in_view",
        ("shelved", "rise"): "in_view",
        ("out_of_service", "rise"): "in_view",  # of the alert; its device stays out
    }
)

MAX_SHELVE_MS: Final = 8 * HOUR_MS
"""console "shelve": at most 8 h, it returns by itself."""

OUT_MS: Final = 8 * HOUR_MS
"""How long an alert is out of service whose case was closed while it was active: a shift."""


def alarm_state(record: AlertRecord | None) -> AlarmState:
    """The alarm state; `normal` also where there never was a record."""
    if record is None:
        return "normal"
    acknowledged = record.acknowledged_by is not None
    if record.state == "active":
        return "acknowledged" if acknowledged else "unacknowledged"
    return "normal" if acknowledged else "returned_unacknowledged"


def attention_state(
    record: AlertRecord, now: int, *, out_of_service: bool = False
) -> AttentionState:
    """The attention state at `now`; `out_of_service` says whether its device is.

    What is suppressed by design is never raised, so no record is in that state.
    """
    if is_out(record, now) or (out_of_service and record.subject_kind == "device"):
        return "out_of_service"
    return "shelved" if is_shelved(record, now) else "in_view"


def isa_state(record: AlertRecord, now: int, *, out_of_service: bool = False) -> IsaState:
    """The ISA-18.2 state: the attention state where it keeps the alert from view."""
    attention = attention_state(record, now, out_of_service=out_of_service)
    return alarm_state(record) if attention == "in_view" else attention


def is_shelved(record: AlertRecord, now: int) -> bool:
    """Whether the alert is put aside at `now`: it opens no ticket and notifies nobody."""
    on_shelf = record.shelved_until is not None and record.shelved_until > now
    return record.state == "active" and on_shelf


def is_out(record: AlertRecord, now: int) -> bool:
    """Whether the alert itself is out of service at `now`: its case was closed for a reason."""
    out = record.out_until is not None and record.out_until > now
    return record.state == "active" and out


def has_risen(record: AlertRecord, before: AlertRecord) -> bool:
    """Whether the priority of `record` is higher than it was `before`."""
    return RANK[record.priority] < RANK[before.priority]


def apply(
    latest: AlertRecord | None, transition: Transition, location: Location, now: int
) -> AlertRecord | None:
    """The record as `transition` leaves it, or None where it changes nothing.

    `latest` is the newest record of the same key, active or cleared.
    """
    if transition.edge == "raise":
        return _raise(latest, transition, location, now)
    if latest is None or latest.state != "active" or transition.at < latest.onset:
        return None
    return (
        _clear(latest, transition, now)
        if transition.edge == "clear"
        else _update(latest, transition)
    )


def _raise(
    latest: AlertRecord | None, transition: Transition, location: Location, now: int
) -> AlertRecord | None:
    if (alarm_state(latest), "raise") not in TRANSITIONS or _is_past(latest, transition):
        return None
    raised = AlertRecord(
        id=alert_id(key_of(transition), transition.onset),
        rule=transition.rule,
        subject=transition.subject,
        subject_kind=transition.subject_kind,
        code=transition.code or "",
        location=location,
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
    )
    return raised if latest is None else _still_shelved(raised, latest, now)


def _still_shelved(raised: AlertRecord, latest: AlertRecord, now: int) -> AlertRecord:
    """The record on the shelf of the one before: people shelve the alarm, not one record of it.

    One that comes back graver is off the shelf.
    """
    if latest.shelved_until is None or latest.shelved_until <= now or has_risen(raised, latest):
        return raised
    return replace(
        raised,
        shelved_until=latest.shelved_until,
        shelved_by=latest.shelved_by,
        shelved_reason=latest.shelved_reason,
    )


def _is_past(latest: AlertRecord | None, transition: Transition) -> bool:
    """Whether `latest` already covers the time of a raise: a replay or a late reading."""
    if latest is None:
        return False
    return transition.onset <= latest.onset or (
        latest.ended is not None and transition.at <= latest.ended
    )


def _update(latest: AlertRecord, transition: Transition) -> AlertRecord | None:
    changed = replace(
        latest,
        priority=min(latest.priority, transition.priority, key=RANK.__getitem__),
        value=transition.value,
        limit=transition.limit,
        children=transition.children,
        text=transition.text,
        reason=transition.reason,
    )
    if changed == latest:
        return None
    return _rise(changed) if has_risen(changed, latest) else changed


def _rise(record: AlertRecord) -> AlertRecord:
    """Take back acknowledgement, shelf and out of service; a case closed meanwhile is over."""
    lesser = record if record.out_until is None else begin_new_case(record)
    off_shelf = replace(lesser, shelved_until=None, shelved_by=None, shelved_reason=None)
    return replace(off_shelf, acknowledged_by=None, acknowledged_at=None)


def _clear(latest: AlertRecord, transition: Transition, now: int) -> AlertRecord:
    return replace(
        put_back(latest),
        state="cleared",
        cleared_at=now,
        ended=transition.at,
        reason=transition.reason,
    )


def acknowledge(record: AlertRecord, by: str, now: int) -> AlertRecord:
    """The record as acknowledged by `by`; the first person who did so stays."""
    if (alarm_state(record), "acknowledge") not in TRANSITIONS:
        return record
    return replace(record, acknowledged_by=by, acknowledged_at=now)


def shelve(record: AlertRecord, until: int, reason: str, by: str, now: int) -> AlertRecord:
    """The record as shelved until `until`; raises ActRefusedError."""
    if record.state != "active":
        raise ActRefusedError("not_active", "the alert has cleared; there is nothing to shelve")
    if not reason.strip():
        raise ActRefusedError("reason_missing", "say why the alert is shelved")
    if not now < until <= now + MAX_SHELVE_MS:
        raise ActRefusedError(
            "out_of_bounds", "an alert is shelved until a time at most 8 hours ahead"
        )
    return replace(record, shelved_until=until, shelved_by=by, shelved_reason=reason)


def unshelve(record: AlertRecord, now: int) -> AlertRecord:
    """The record as back from the shelf, if its time has come."""
    if record.shelved_until is None or record.shelved_until > now:
        return record
    return replace(record, shelved_until=None, shelved_by=None, shelved_reason=None)


def take_out(record: AlertRecord, why: str, by: str, now: int) -> AlertRecord:
    """The record as out of service for `OUT_MS`, because `by` closed its case while it goes on."""
    return replace(record, out_until=now + OUT_MS, out_by=by, out_reason=why)


def put_back(record: AlertRecord) -> AlertRecord:
    """The record as back in service."""
    return replace(record, out_until=None, out_by=None, out_reason=None)


def begin_new_case(record: AlertRecord) -> AlertRecord:
    """The record as unacknowledged and without a ticket: its case was closed, and it goes on."""
    return replace(put_back(record), ticket=None, acknowledged_by=None, acknowledged_at=None)
