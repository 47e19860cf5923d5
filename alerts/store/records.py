"""Alert records in the database."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Final, cast

from sqlalchemy import Table, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.orm import Session

from alerts.core.record import AlertRecord, ConditionState, Key
from desk.database.tables import AlertRow, TicketRow
from desk.tickets.life_cycle import FINAL
from rules.transitions.transition import SubjectKind
from wire.location import Location
from wire.messages import Alert, Priority

_TABLE: Final = cast("Table", AlertRow.__table__)
# Far below the number of parameters SQLite (32,766) and PostgreSQL (65,535) take in a statement.
_CHUNK: Final = 500
_KEY: Final = ("subject", "rule", "code", "realm")


def latest_records(session: Session, keys: Collection[Key]) -> dict[Key, AlertRecord]:
    """The newest record of each of `keys` that ever had one."""
    found: dict[Key, AlertRecord] = {}
    subjects = sorted({key[0] for key in keys})
    for chunk in _chunks(subjects):
        newest = (
            select(
                *(getattr(AlertRow, name) for name in _KEY), func.max(AlertRow.onset).label("onset")
            )
            .where(AlertRow.subject.in_(chunk))
            .group_by(*(getattr(AlertRow, name) for name in _KEY))
            .subquery()
        )
        same = and_(*(newest.c[name] == getattr(AlertRow, name) for name in (*_KEY, "onset")))
        found.update(
            (record.key, record)
            for record in map(to_record, session.scalars(select(AlertRow).join(newest, same)))
        )
    return {key: found[key] for key in keys if key in found}


def active_records(session: Session) -> list[AlertRecord]:
    """Every active record, announced or not, oldest first."""
    rows = session.scalars(
        select(AlertRow).where(AlertRow.state == "active").order_by(AlertRow.raised_at, AlertRow.id)
    )
    return [to_record(row) for row in rows]


def active_of_devices(session: Session, devices: Collection[str]) -> list[AlertRecord]:
    """The active records of these devices, the oldest onset first."""
    found: list[AlertRecord] = []
    for chunk in _chunks(sorted(devices)):
        of_them = (
            AlertRow.subject.in_(chunk)
            & (AlertRow.subject_kind == "device")
            & (AlertRow.state == "active")
        )
        found += [to_record(row) for row in session.scalars(select(AlertRow).where(of_them))]
    return sorted(found, key=lambda record: (record.onset, record.id))


def active_of_ended_cases(session: Session, now: int) -> list[AlertRecord]:
    """Active records whose ticket has ended, and that are not out of service at `now`."""
    ended = TicketRow.state.in_(sorted(FINAL))
    due = or_(AlertRow.out_until.is_(None), AlertRow.out_until <= now)
    rows = select(AlertRow).join(TicketRow, TicketRow.id == AlertRow.ticket_id)
    wanted = rows.where(AlertRow.state == "active", ended, due)
    return [to_record(row) for row in session.scalars(wanted.order_by(AlertRow.onset, AlertRow.id))]


def active_of_ticket(session: Session, ticket: str) -> list[AlertRecord]:
    """The active records of a ticket, the oldest onset first."""
    rows = select(AlertRow).where(AlertRow.ticket_id == ticket, AlertRow.state == "active")
    return [to_record(row) for row in session.scalars(rows.order_by(AlertRow.onset, AlertRow.id))]


def is_active_again(session: Session, alert: Alert) -> bool:
    """Whether a later alert of the same condition is active and announced."""
    same = {
        name: getattr(alert, name) for name in ("subject", "rule", "district", "town", "village")
    }
    again = select(AlertRow.id).filter_by(**same, code=alert.code or "", state="active")
    return session.scalar(again.where(AlertRow.announced_at.is_not(None)).limit(1)) is not None


def due_from_shelf(session: Session, now: int) -> list[AlertRecord]:
    """Records, active or cleared, whose time on the shelf is over."""
    return [
        to_record(row)
        for row in session.scalars(select(AlertRow).where(AlertRow.shelved_until <= now))
    ]


def save_records(session: Session, known: Collection[str], records: Sequence[AlertRecord]) -> None:
    """Write `records`; those whose id is in `known` replace their row, the others are new.

    Clears are written before raises, for a subject may do both in one transaction.
    """
    changed = [_columns(record) for record in records if record.id in known]
    new = [_columns(record) for record in records if record.id not in known]
    if changed:
        values: dict[str, Any] = {name: bindparam(name) for name in _STORED}
        statement = update(_TABLE).where(_TABLE.c.id == bindparam("row_id")).values(values)
        session.connection().execute(statement, [{**row, "row_id": row["id"]} for row in changed])
    if new:
        session.connection().execute(insert(_TABLE), new)


def to_record(row: AlertRow) -> AlertRecord:
    """The record a row holds."""
    return AlertRecord(
        id=row.id,
        rule=row.rule,
        subject=row.subject,
        subject_kind=cast("SubjectKind", row.subject_kind),
        code=row.code,
        location=Location(row.district, row.town, row.village, row.gateway),
        priority=cast("Priority", row.priority),
        state=cast("ConditionState", row.state),
        onset=row.onset,
        raised_at=row.raised_at,
        reason=row.reason,
        text=row.text,
        value=row.value,
        limit=row.limit,
        unit=row.unit,
        children=row.children,
        announced_at=row.announced_at,
        cleared_at=row.cleared_at,
        ended=row.ended,
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=row.acknowledged_at,
        shelved_until=row.shelved_until,
        shelved_by=row.shelved_by,
        shelved_reason=row.shelved_reason,
        out_until=row.out_until,
        out_by=row.out_by,
        out_reason=row.out_reason,
        ticket=row.ticket_id,
        cause=row.cause,
    )


def _columns(record: AlertRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "rule": record.rule,
        "subject": record.subject,
        "subject_kind": record.subject_kind,
        "code": record.code,
        "district": record.location.district,
        "town": record.location.town,
        "village": record.location.village,
        "gateway": record.location.gateway,
        "priority": record.priority,
        "state": record.state,
        "onset": record.onset,
        "raised_at": record.raised_at,
        "reason": record.reason,
        "text": record.text,
        "value": record.value,
        "limit_value": record.limit,
        "unit": record.unit,
        "children": record.children,
        "announced_at": record.announced_at,
        "cleared_at": record.cleared_at,
        "ended": record.ended,
        "acknowledged_by": record.acknowledged_by,
        "acknowledged_at": record.acknowledged_at,
        "shelved_until": record.shelved_until,
        "shelved_by": record.shelved_by,
        "shelved_reason": record.shelved_reason,
        "out_until": record.out_until,
        "out_by": record.out_by,
        "out_reason": record.out_reason,
        "ticket_id": record.ticket,
        "realm": record.realm,
        "cause": record.cause,
    }


_STORED: Final = tuple(column.name for column in _TABLE.columns if column.name != "id")


def _chunks(subjects: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(subjects)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
