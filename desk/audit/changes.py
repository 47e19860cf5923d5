"""What a transaction changes in rows of people, tickets and devices, before and after.

The changes are read from SQLAlchemy's unit of work, so that no act can forget to note one.
Secrets never reach the log, and of a phone number only its end does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from desk.database.tables import (
    AccountRow,
    ApiTokenRow,
    AssignmentRow,
    ExtremeColdRow,
    OutOfServiceRow,
    RetirementRow,
    TicketRow,
)

AUDITED: Final[Mapping[type[Any], str]] = MappingProxyType(
    {
        AccountRow: "account",
        ApiTokenRow: "token",
        TicketRow: "ticket",
        OutOfServiceRow: "out_of_service",
        ExtremeColdRow: "extreme_cold",
        RetirementRow: "box",
        AssignmentRow: "device",
    }
)
"""By table: the kind that stands before the key in `subject`, as `ticket:T-20260101-0001`."""

_SECRET: Final = frozenset(("password_hash", "hash"))
_PHONES: Final = frozenset(("caller_phone", "phone"))
_SHOWN_OF_A_KEY: Final = {"token": 8}
_CHANGES: Final = "audited_changes"


@dataclass(slots=True)
class Change:
    """One thing that changes: its fields before (None for a new one) and after (None: removed)."""

    subject: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


@dataclass(slots=True)
class Changes:
    """The changes of one transaction so far, by subject."""

    by_subject: dict[str, Change] = field(default_factory=dict)

    def note(
        self, subject: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> None:
        """Add a step of `subject`: what was first and what is last count."""
        known = self.by_subject.setdefault(subject, Change(subject, _shown(before)))
        if before is not None and known.before is not None:
            known.before = {**(_shown(before) or {}), **known.before}
        known.after = None if after is None else {**(known.after or {}), **(_shown(after) or {})}


def watch_changes(session: Session) -> Changes:
    """Collect what `session` changes from now on."""
    changes = Changes()
    session.info[_CHANGES] = changes
    event.listen(session, "before_flush", lambda session, *_: _collect(session, changes))
    return changes


def note_change(session: Session, subject: str, before: Any, after: Any) -> None:
    """Note the change of a dataclass that reaches the database without the unit of work."""
    changes: Changes | None = session.info.get(_CHANGES)
    if changes is None:
        return
    names = [
        name for name in type(after).__slots__ if getattr(before, name) != getattr(after, name)
    ]
    was, is_now = ({name: getattr(each, name) for name in names} for each in (before, after))
    changes.note(subject, was, is_now)


def note_facts(session: Session, subject: str, facts: Mapping[str, Any]) -> None:
    """Note what a person said with an act, beside the fields that it changes."""
    changes: Changes | None = session.info.get(_CHANGES)
    if changes is not None:
        changes.note(subject, {}, facts)


def _collect(session: Session, changes: Changes) -> None:
    for row in _audited(session.new):
        changes.note(_subject(row), None, {name: getattr(row, name) for name in _columns(row)})
    for row in _audited(session.deleted):
        changes.note(_subject(row), {name: getattr(row, name) for name in _columns(row)}, None)
    for row in _audited(session.dirty):
        before, after = _differences(row)
        if after:
            changes.note(_subject(row), before, after)


def _audited(rows: Any) -> Iterator[Any]:
    return (row for row in rows if type(row) in AUDITED)


def _columns(row: Any) -> list[str]:
    return [column.key for column in inspect(type(row)).column_attrs]


def _differences(row: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    before, after = {}, {}
    for name in _columns(row):
        history = inspect(row).attrs[name].history
        if history.has_changes():
            before[name] = history.deleted[0] if history.deleted else None
            after[name] = getattr(row, name)
    return before, after


def _subject(row: Any) -> str:
    kind = AUDITED[type(row)]
    key = "/".join(str(getattr(row, column.key)) for column in inspect(type(row)).primary_key)
    return f"{kind}:{key[: _SHOWN_OF_A_KEY.get(kind)]}"


def _shown(state: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if state is None:
        return None
    return {name: _plain(name, value) for name, value in state.items() if value is not None}


def _plain(name: str, value: Any) -> Any:
    if name in _SECRET:
        return "hidden"
    if name in _PHONES:
        return f"…{str(value)[-4:]}"
    return value if isinstance(value, str | int | float | bool | list | dict) else str(value)
