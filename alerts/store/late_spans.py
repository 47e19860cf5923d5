"""Between which event times late readings came, by device: still to be evaluated as history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from alerts.core.model import Span
from alerts.core.record import AlertRecord
from alerts.store.records import save_records
from desk.database.tables import AlertRow, LateSpanRow


@dataclass(frozen=True, slots=True)
class LateSpan:
    """Late readings of a device between `since` and `until` (event time, UTC ms).

    The newest of them came at `heard` (server time).
    """

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
    """Spans whose device sent nothing late since `before` (server time), the oldest first."""
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
    session: Session, evaluated: Sequence[LateSpan], past: Sequence[AlertRecord]
) -> list[AlertRecord]:
    """Write past records as alert history and forget the spans that were evaluated.

    A record that overlaps a known one, current or past, is that one and changes nothing. Returns
    the records that were new.
    """
    new = [record for record in past if not _is_known(session, record)]
    save_records(session, (), new)
    for span in evaluated:
        unchanged = (LateSpanRow.device == span.device) & (LateSpanRow.heard == span.heard)
        session.execute(delete(LateSpanRow).where(unchanged))
    return new


def _is_known(session: Session, record: AlertRecord) -> bool:
    same = select(AlertRow.id).filter_by(subject=record.subject, rule=record.rule, code=record.code)
    overlapping = same.where(
        AlertRow.onset <= record.ended,
        AlertRow.ended.is_(None) | (AlertRow.ended >= record.onset),
    )
    return session.scalar(overlapping.limit(1)) is not None
