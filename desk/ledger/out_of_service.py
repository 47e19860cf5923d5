"""Devices that a person has taken out of service, with reason and end (ISA-18.2 "out of service").

Their alerts are recorded, but open no ticket and notify nobody until the device is back.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from desk.database.tables import OutOfServiceRow


def take_out(session: Session, device: str, until: int, reason: str, by: str, now: int) -> None:
    """Take a device out of service until `until` (UTC ms); the first `since` stays."""
    row = session.get(OutOfServiceRow, device)
    since = now if row is None else row.since
    session.merge(OutOfServiceRow(device=device, until=until, reason=reason, by=by, since=since))


def put_back(session: Session, device: str, now: int) -> None:
    """End it now; the next round of the alert service announces what is active of the device."""
    row = session.get(OutOfServiceRow, device)
    if row is not None:
        row.until = now


def among_out_of_service(session: Session, devices: Collection[str], now: int) -> set[str]:
    """Those of `devices` that are out of service at `now`."""
    out = session.scalars(select(OutOfServiceRow.device).where(OutOfServiceRow.until > now))
    return set(out).intersection(devices)


def take_returned(session: Session, now: int) -> list[str]:
    """The devices whose time out of service is over; each is given once."""
    over = OutOfServiceRow.until <= now
    rows = select(OutOfServiceRow.device).where(over).order_by(OutOfServiceRow.device)
    devices = list(session.scalars(rows))
    if devices:
        session.execute(delete(OutOfServiceRow).where(over))
    return devices


def out_of_service_document(session: Session, device: str, now: int) -> dict[str, Any] | None:
    """Since and until when a device is out of service, why and by whom; None where it is not."""
    row = session.get(OutOfServiceRow, device)
    if row is None or row.until <= now:
        return None
    return {"since": row.since, "until": row.until, "reason": row.reason, "by": row.by}
