"""Episodes of alerts in the database."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Final, cast

from sqlalchemy import Table, and_, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from alerts.core.life import Episode, Key, Spot, State
from desk.database.tables import AlertRow
from rules.transitions.transition import SubjectKind
from wire.messages import Priority

_TABLE: Final = cast("Table", AlertRow.__table__)
# Far below the number of parameters SQLite (32,766) and PostgreSQL (65,535) take in a statement.
_CHUNK: Final = 500
_KEY: Final = ("subject", "rule", "code", "realm")


def latest_episodes(session: Session, keys: Collection[Key]) -> dict[Key, Episode]:
    """The newest episode of each of `keys` that ever had one."""
    found: dict[Key, Episode] = {}
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
            (episode.key, episode)
            for episode in map(to_episode, session.scalars(select(AlertRow).join(newest, same)))
        )
    return {key: found[key] for key in keys if key in found}


def active_episodes(session: Session) -> list[Episode]:
    """Every active episode, announced or not, oldest first."""
    rows = session.scalars(
        select(AlertRow).where(AlertRow.state == "active").order_by(AlertRow.raised_at, AlertRow.id)
    )
    return [to_episode(row) for row in rows]


def active_of_devices(session: Session, devices: Collection[str]) -> list[Episode]:
    """The active episodes of these devices, the oldest onset first."""
    found: list[Episode] = []
    for chunk in _chunks(sorted(devices)):
        of_them = (
            AlertRow.subject.in_(chunk)
            & (AlertRow.subject_kind == "device")
            & (AlertRow.state == "active")
        )
        found += [to_episode(row) for row in session.scalars(select(AlertRow).where(of_them))]
    return sorted(found, key=lambda episode: (episode.onset, episode.id))


def due_from_shelf(session: Session, now: int) -> list[Episode]:
    """Episodes, active or cleared, whose time on the shelf is over."""
    return [
        to_episode(row)
        for row in session.scalars(select(AlertRow).where(AlertRow.shelved_until <= now))
    ]


def save_episodes(session: Session, known: Collection[str], episodes: Sequence[Episode]) -> None:
    """Write `episodes`; those whose id is in `known` replace their row, the others are new.

    What clears is written before what is raised, for a subject may do both in one transaction.
    """
    changed = [_columns(episode) for episode in episodes if episode.id in known]
    new = [_columns(episode) for episode in episodes if episode.id not in known]
    if changed:
        values: dict[str, Any] = {name: bindparam(name) for name in _STORED}
        statement = update(_TABLE).where(_TABLE.c.id == bindparam("row_id")).values(values)
        session.connection().execute(statement, [{**row, "row_id": row["id"]} for row in changed])
    if new:
        session.connection().execute(insert(_TABLE), new)


def to_episode(row: AlertRow) -> Episode:
    """The episode a row holds."""
    return Episode(
        id=row.id,
        rule=row.rule,
        subject=row.subject,
        subject_kind=cast("SubjectKind", row.subject_kind),
        code=row.code,
        spot=Spot(row.district, row.town, row.village, row.gateway),
        priority=cast("Priority", row.priority),
        state=cast("State", row.state),
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
        ticket=row.ticket_id,
        cause=row.cause,
    )


def _columns(episode: Episode) -> dict[str, Any]:
    return {
        "id": episode.id,
        "rule": episode.rule,
        "subject": episode.subject,
        "subject_kind": episode.subject_kind,
        "code": episode.code,
        "district": episode.spot.district,
        "town": episode.spot.town,
        "village": episode.spot.village,
        "gateway": episode.spot.gateway,
        "priority": episode.priority,
        "state": episode.state,
        "onset": episode.onset,
        "raised_at": episode.raised_at,
        "reason": episode.reason,
        "text": episode.text,
        "value": episode.value,
        "limit_value": episode.limit,
        "unit": episode.unit,
        "children": episode.children,
        "announced_at": episode.announced_at,
        "cleared_at": episode.cleared_at,
        "ended": episode.ended,
        "acknowledged_by": episode.acknowledged_by,
        "acknowledged_at": episode.acknowledged_at,
        "shelved_until": episode.shelved_until,
        "shelved_by": episode.shelved_by,
        "shelved_reason": episode.shelved_reason,
        "ticket_id": episode.ticket,
        "realm": episode.realm,
        "cause": episode.cause,
    }


_STORED: Final = tuple(column.name for column in _TABLE.columns if column.name != "id")


def _chunks(subjects: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(subjects)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
