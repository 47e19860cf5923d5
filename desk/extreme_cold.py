"""The extreme-cold mode of each district as a person confirmed it (requirements R20)."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.accounts.scope import Scope
from desk.database.tables import DeviceRow, ExtremeColdRow, GatewayRow


def confirm(session: Session, district: str, since: int, until: int, by: str, now: int) -> None:
    """Let the mode hold in `district` from `since` to `until` (UTC ms); again: new times."""
    row = ExtremeColdRow(district=district, since=since, until=until, by=by, confirmed_at=now)
    session.merge(row)


def end(session: Session, district: str, now: int) -> None:
    """End it in `district` now; ending it twice changes nothing."""
    row = session.get(ExtremeColdRow, district)
    if row is not None:
        row.until = min(row.until, now)


def districts_in_extreme_cold(session: Session, now: int) -> frozenset[str]:
    """The districts in which the mode holds at `now`."""
    holds = (ExtremeColdRow.since <= now) & (now < ExtremeColdRow.until)
    return frozenset(session.scalars(select(ExtremeColdRow.district).where(holds)))


def confirmed_document(session: Session, district: str, now: int) -> dict[str, Any] | None:
    """The mode as confirmed, also before it begins; None where it is over or never was."""
    row = session.get(ExtremeColdRow, district)
    if row is None or row.until <= now:
        return None
    return {
        "district": district,
        "from": row.since,
        "until": row.until,
        "by": row.by,
        "confirmed_at": row.confirmed_at,
    }


def districts_of(session: Session, scope: Scope) -> list[str]:
    """The districts in which the scope sees a gateway or a device, by name."""
    of_gateways = select(GatewayRow.district).where(scope.gateways())
    of_devices = select(DeviceRow.district).where(scope.devices())
    return sorted(set(session.scalars(of_gateways.union(of_devices))))
