"""What leaves the database after a transaction: lines of the live feed, and alerts for the bus."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from alerts.core.life import Episode, as_alert
from desk.database.tables import DeviceRow, FeedEventRow, OutboxRow, TicketRow
from wire.encode import alert_document


def announce_alert(session: Session, episode: Episode, now: int) -> None:
    """Put the alert as it is now on the live feed and in the outbox to the bus."""
    document = alert_document(as_alert(episode))
    session.add(OutboxRow(kind="alert", payload=document, created=now))
    device = session.get(DeviceRow, episode.subject) if episode.subject_kind == "device" else None
    ticket = session.get(TicketRow, episode.ticket) if episode.ticket is not None else None
    session.add(
        FeedEventRow(
            at=now,
            kind="alert",
            payload=document,
            district=episode.spot.district,
            town=episode.spot.town,
            village=episode.spot.village,
            device=episode.subject if device is not None else None,
            brand=device.brand if device is not None else None,
            household=device.household if device is not None else None,
            crew=ticket.crew if ticket is not None else None,
        )
    )


def announce_ticket(session: Session, row: TicketRow, document: dict[str, Any], now: int) -> None:
    """Put the ticket as it is now on the live feed."""
    session.add(
        FeedEventRow(
            at=now,
            kind="ticket",
            payload=document,
            district=row.district,
            town=row.town,
            village=row.village,
            device=row.device,
            brand=row.brand,
            household=row.household,
            crew=row.crew,
        )
    )


def announce_status(
    session: Session, payload: dict[str, Any], place: dict[str, str], now: int
) -> None:
    """Put a gateway's coming or going on the live feed; `place` has district, town and village."""
    session.add(FeedEventRow(at=now, kind="status", payload=payload, **place))


def due_effects(session: Session, after: int, limit: int) -> list[OutboxRow]:
    """The oldest outbox rows with an id above `after`, in order."""
    rows = select(OutboxRow).where(OutboxRow.id > after).order_by(OutboxRow.id).limit(limit)
    return list(session.scalars(rows))


def forget_effects(session: Session, ids: Iterable[int]) -> None:
    """Remove outbox rows whose effect is confirmed."""
    session.execute(delete(OutboxRow).where(OutboxRow.id.in_(list(ids))))


def trim_feed(session: Session, before: int) -> None:
    """Remove feed events older than `before`; a reader that was away longer starts from the
    lists."""
    session.execute(delete(FeedEventRow).where(FeedEventRow.at < before))
