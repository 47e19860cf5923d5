"""An alert's way out of a transaction: a line of the live feed, and an effect for the bus."""

from typing import Any, Final

from sqlalchemy.orm import Session

from alerts.core.record import AlertRecord, as_alert
from desk.database.outbox import add_effect
from desk.database.tables import DeviceRow, TicketRow
from desk.live_feed import add_line
from wire.encode import alert_document

ALERT_EFFECT: Final = "alert"
"""The kind of outbox rows that the alert feed on MQTT sends."""


def announce_alert(session: Session, record: AlertRecord, now: int) -> None:
    """Put the alert as it is now on the live feed and in the outbox."""
    document = alert_document(as_alert(record))
    add_effect(session, ALERT_EFFECT, document, now)
    subject = _subject_of(session, record)
    add_line(session, "alert", document, record.location, now, **subject)


def _subject_of(session: Session, record: AlertRecord) -> dict[str, Any]:
    ticket = None if record.ticket is None else session.get(TicketRow, record.ticket)
    subject: dict[str, Any] = {} if ticket is None else {"crew": ticket.crew}
    if record.subject_kind != "device":
        return subject
    device = session.get(DeviceRow, record.subject)
    if device is None:
        return subject
    of_device = {"device": device.id, "brand": device.brand, "household": device.household}
    return subject | of_device
