"""When late readings came of which device: what is still to be judged as history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from alerts.core.life import Episode
from alerts.store.records import save_episodes
from desk.database.tables import AlertRow, LateSpanRow

Span = tuple[int, int]
"""First and last event time (UTC ms)."""


@dataclass(frozen=True, slots=True)
class LateSpan:
    """Late readings of a device between `since` and `until` (event time); the newest came at
    `heard` (server time)."""

    device: str
    since: int
    until: int
    heard: int


def note_late(session: Session, spans: Mapping[str, Span], now: int) -> None:
    """Remember that late readings came; a device's spans are joined."""
    known = {row.device: row for row in session.scalars(select(LateSpanRow))}
    for device, (since, until) in spans.items():
        row = known.get(device)
        if row is None:
            session.add(LateSpanRow(device=device, since=since, until=until, heard=now))
        else:
            row.since, row.until, row.heard = min(row.since, since), max(row.until, until), now


def quiet_spans(session: Session, before: int, at_most: int) -> list[LateSpan]:
    """Spans of devices of which nothing late has come since `before` (server time), the oldest
    first."""
    wanted = (
        select(LateSpanRow)
        .where(LateSpanRow.heard <= before)
        .order_by(LateSpanRow.heard, LateSpanRow.device)
    )
    return [
        LateSpan(row.device, row.since, row.until, row.heard)
        for row in session.scalars(wanted.limit(at_most)).all()
    ]


def store_history(
    session: Session, judged: Sequence[LateSpan], past: Sequence[Episode]
) -> list[Episode]:
    """Write past episodes as alert history and forget the spans that were judged; returns those
    that were new.

    One that overlaps an episode already known, current or past, is that one and changes nothing.
    """
    new = [episode for episode in past if not _is_known(session, episode)]
    save_episodes(session, (), new)
    for span in judged:
        unchanged = (LateSpanRow.device == span.device) & (LateSpanRow.heard == span.heard)
        session.execute(delete(LateSpanRow).where(unchanged))
    return new


def _is_known(session: Session, episode: Episode) -> bool:
    same = select(AlertRow.id).filter_by(
        subject=episode.subject, rule=episode.rule, code=episode.code
    )
    overlapping = same.where(
        AlertRow.onset <= episode.ended,
        AlertRow.ended.is_(None) | (AlertRow.ended >= episode.onset),
    )
    return session.scalar(overlapping.limit(1)) is not None
