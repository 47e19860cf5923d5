"""Devices within a caller's scope, and taking them out of service; outside it nothing exists."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.accounts.rights import check_right, seen_device
from desk.accounts.scope import Scope
from desk.database.paging import DEFAULT_LIMIT, bounded, where
from desk.database.tables import DeviceRow, GatewayRow
from desk.errors import ActRefusedError, NotFoundError
from desk.ledger.out_of_service import put_back, take_out
from wire.units import DAY_MS

MAX_OUT_OF_SERVICE_MS: Final = 366 * DAY_MS
"""A year: nothing is forgotten for ever, and a unit sealed after a season is back for the next."""


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Which devices a list holds: those that equal every field that is not None."""

    town: str | None = None
    village: str | None = None
    gateway: str | None = None
    profile: str | None = None
    brand: str | None = None


def list_devices(
    session: Session,
    scope: Scope,
    wanted: DeviceFilter | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Devices by id, as `{"items": […], "next": cursor or None}` (contract §11)."""
    wanted = wanted or DeviceFilter()
    equal = {getattr(DeviceRow, name): getattr(wanted, name) for name in DeviceFilter.__slots__}
    devices = where(select(DeviceRow).where(scope.devices()), equal)
    if cursor is not None:
        devices = devices.where(DeviceRow.id > cursor)
    limit = bounded(limit)
    rows = session.scalars(devices.order_by(DeviceRow.id).limit(limit + 1)).all()
    following = rows[limit - 1].id if len(rows) > limit else None
    items = [seen_device(scope, device_document(row)) for row in rows[:limit]]
    return {"items": items, "next": following}


def get_device(session: Session, scope: Scope, device: str) -> dict[str, Any]:
    """One device; raises NotFoundError."""
    return seen_device(scope, device_document(_find_device(session, scope, device)))


def take_device_out(
    session: Session, scope: Scope, device: str, until: int, reason: str, by: str, now: int
) -> None:
    """Take a device out of service until `until` (UTC ms, at most MAX_OUT_OF_SERVICE_MS ahead).

    A device that is out already gets the new end and reason. Raises NotFoundError, or
    ActRefusedError for an end out of bounds or a missing reason.
    """
    row = _find_device(session, scope, device)
    check_right(scope, "take_out_of_service", ("until", "reason"))
    if not reason.strip():
        raise ActRefusedError("reason_missing", "say why the device is out of service")
    if not now < until <= now + MAX_OUT_OF_SERVICE_MS:
        message = "a device is out of service until a time at most a year ahead"
        raise ActRefusedError("out_of_bounds", message)
    take_out(session, row.id, until, reason, by, now)


def put_device_back(session: Session, scope: Scope, device: str, now: int) -> None:
    """Put a device back into service; one that is in service stays so. Raises NotFoundError."""
    row = _find_device(session, scope, device)
    check_right(scope, "put_back_in_service")
    put_back(session, row.id, now)


def sees_place(session: Session, scope: Scope, town: str | None, village: str | None) -> bool:
    """Whether the scope has a gateway or a device in a place."""
    tables = ((GatewayRow, scope.gateways()), (DeviceRow, scope.devices()))
    return any(
        session.scalar(
            where(select(row.id).where(condition), {row.town: town, row.village: village}).limit(1)
        )
        for row, condition in tables
    )


def device_document(row: DeviceRow) -> dict[str, Any]:
    """A device as the HTTP API shows it."""
    return {
        "id": row.id,
        "district": row.district,
        "town": row.town,
        "village": row.village,
        "gateway": row.gateway,
        "listed": row.listed,
        "profile": row.profile,
        "brand": row.brand,
        "bus": row.bus,
        "address": row.address,
        "household": row.household,
        "last_at": row.last_at,
        "last_heard": row.last_heard,
        "state": row.last_state,
    }


def _find_device(session: Session, scope: Scope, device: str) -> DeviceRow:
    row = session.scalar(select(DeviceRow).where(DeviceRow.id == device, scope.devices()))
    if row is None:
        raise NotFoundError(device)
    return row
