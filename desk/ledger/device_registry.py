"""The registry of devices and gateways, as their births and readings report them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from sqlalchemy import Table, and_, bindparam, select, update
from sqlalchemy.orm import Session

from desk.database.tables import DeviceRow, GatewayRow
from desk.ledger.known import KnownGateway, LastHeard
from wire.messages import AnnouncedDevice, Status
from wire.topics import GatewayPath
from wire.units import SECOND_MS

_DEVICE: Final = cast("Table", DeviceRow.__table__)
_LAST: Final = ("last_at", "last_heard", "last_state")
_UPDATE_LAST_HEARD: Final = (
    update(_DEVICE)
    .where(_DEVICE.c.id == bindparam("row_id"))
    .values({name: bindparam(name) for name in _LAST})
)


def known_gateways(session: Session) -> list[KnownGateway]:
    """Every gateway of the registry with the devices of its last birth."""
    known: dict[GatewayPath, KnownGateway] = {}
    for row in session.scalars(select(GatewayRow)):
        gateway = GatewayPath(row.district, row.town, row.village, row.id)
        known[gateway] = KnownGateway(gateway, row.interval_ms)
    for device in session.scalars(select(DeviceRow).order_by(DeviceRow.id)):
        gateway = GatewayPath(device.district, device.town, device.village, device.gateway)
        entry = known.setdefault(gateway, KnownGateway(gateway))
        (entry.devices if device.listed else entry.others).append(device.id)
        if device.last_at is not None:
            entry.last_at[device.id] = device.last_at
    return list(known.values())


def store_birth(
    session: Session,
    gateway: GatewayPath,
    status: Status,
    owned: Sequence[AnnouncedDevice],
    now: int,
) -> bool:
    """Write a birth: the gateway, and of the devices it lists those it owns.

    Returns whether the gateway had been away.
    """
    row = _find_gateway(session, gateway)
    was_away = row is None or not row.online
    row = row or _add_gateway(session, gateway)
    row.online, row.epoch, row.software = True, status.epoch, status.software
    row.interval_ms = None if status.interval_s is None else round(status.interval_s * SECOND_MS)
    row.birth_at, row.last_heard = status.at, now
    store_devices(session, gateway, owned)
    return was_away


def store_devices(session: Session, gateway: GatewayPath, owned: Sequence[AnnouncedDevice]) -> None:
    """Write that of all devices `gateway` has exactly `owned`."""
    unlist(session, gateway)
    for device in owned:
        _store_device(session, gateway, device)


def store_last_will(session: Session, gateway: GatewayPath) -> bool:
    """Write that a gateway is away; returns whether that is news."""
    row = _find_gateway(session, gateway)
    if row is not None and not row.online:
        return False
    row = row or _add_gateway(session, gateway)
    row.online = False
    return True


def store_last_heard(
    session: Session, gateways: Mapping[str, GatewayPath], heard: Mapping[str, LastHeard]
) -> None:
    """Write the newest reading of devices; one that no birth has listed yet joins its gateway."""
    rows: list[dict[str, Any]] = [
        {"row_id": device, "last_at": last.at, "last_heard": last.heard, "last_state": last.state}
        for device, last in heard.items()
    ]
    updated = session.connection().execute(_UPDATE_LAST_HEARD, rows).rowcount
    if updated < len(rows):
        _add_missing(session, gateways, heard)
        session.connection().execute(_UPDATE_LAST_HEARD, rows)


def _add_missing(
    session: Session, gateways: Mapping[str, GatewayPath], heard: Mapping[str, LastHeard]
) -> None:
    known = set(session.scalars(select(DeviceRow.id)))
    for device in sorted(heard.keys() - known):
        gateway = gateways[device]
        _add_device(session, gateway, device)
        if _find_gateway(session, gateway) is None:
            _add_gateway(session, gateway)
    session.flush()


def brand_of(profile: str) -> str:
    """The brand of a register map: the first part of its name, `midea` of `midea-mthermal`."""
    return profile.partition("-")[0]


def _find_gateway(session: Session, gateway: GatewayPath) -> GatewayRow | None:
    key = (gateway.district, gateway.town, gateway.village, gateway.gateway)
    return session.get(GatewayRow, key)


def _add_gateway(session: Session, gateway: GatewayPath) -> GatewayRow:
    row = GatewayRow(
        district=gateway.district,
        town=gateway.town,
        village=gateway.village,
        id=gateway.gateway,
        online=True,
    )
    session.add(row)
    return row


def unlist(session: Session, gateway: GatewayPath) -> None:
    """Write that `gateway` announces no device any more."""
    here = and_(
        DeviceRow.district == gateway.district,
        DeviceRow.town == gateway.town,
        DeviceRow.village == gateway.village,
        DeviceRow.gateway == gateway.gateway,
    )
    session.execute(update(DeviceRow).where(here).values(listed=False))


def _store_device(session: Session, gateway: GatewayPath, device: AnnouncedDevice) -> None:
    row = session.get(DeviceRow, device.device) or _add_device(session, gateway, device.device)
    row.district, row.town, row.village = gateway.district, gateway.town, gateway.village
    row.gateway, row.listed = gateway.gateway, True
    row.profile, row.brand = device.profile, brand_of(device.profile)
    row.bus, row.address = device.bus, device.address


def _add_device(session: Session, gateway: GatewayPath, device: str) -> DeviceRow:
    row = DeviceRow(
        id=device,
        district=gateway.district,
        town=gateway.town,
        village=gateway.village,
        gateway=gateway.gateway,
        listed=False,
    )
    session.add(row)
    return row
