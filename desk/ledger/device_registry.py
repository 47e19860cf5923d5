"""The devices and gateways as their births and readings tell of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from sqlalchemy import Table, and_, bindparam, select, update
from sqlalchemy.orm import Session

from desk.database.tables import DeviceRow, GatewayRow
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


@dataclass(frozen=True, slots=True)
class Known:
    """A gateway of the register: its poll interval (None before its first birth) and the devices it
    listed.

    `others` were heard there or listed earlier. `last_at` is the newest event time (UTC ms) of each
    device.
    """

    place: GatewayPath
    interval_ms: int | None = None
    devices: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    last_at: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class LastHeard:
    """What was last heard of a device: event time, server time (both UTC ms) and operating
    state."""

    at: int
    heard: int
    state: str


def known_gateways(session: Session) -> list[Known]:
    """Every gateway of the register with the devices of its last birth."""
    known = {
        _place(row): Known(_place(row), row.interval_ms)
        for row in session.scalars(select(GatewayRow))
    }
    for device in session.scalars(select(DeviceRow).order_by(DeviceRow.id)):
        place = GatewayPath(device.district, device.town, device.village, device.gateway)
        gateway = known.setdefault(place, Known(place))
        (gateway.devices if device.listed else gateway.others).append(device.id)
        if device.last_at is not None:
            gateway.last_at[device.id] = device.last_at
    return list(known.values())


def store_birth(
    session: Session, place: GatewayPath, status: Status, owned: Sequence[AnnouncedDevice], now: int
) -> bool:
    """Write a birth: the gateway, and of the devices it lists those it owns. Whether it had been
    away."""
    row = session.get(GatewayRow, (place.district, place.town, place.village, place.gateway))
    was_away = row is None or not row.online
    if row is None:
        row = _new_gateway(session, place)
    row.online, row.epoch, row.software, row.birth_at = (
        True,
        status.epoch,
        status.software,
        status.at,
    )
    row.interval_ms = None if status.interval_s is None else round(status.interval_s * SECOND_MS)
    row.last_heard = now
    _unlist(session, place)
    for device in owned:
        _store_device(session, place, device)
    return was_away


def store_last_will(session: Session, place: GatewayPath) -> bool:
    """Write that a gateway is away; whether that is news."""
    row = session.get(GatewayRow, (place.district, place.town, place.village, place.gateway))
    if row is not None and not row.online:
        return False
    if row is None:
        row = _new_gateway(session, place)
    row.online = False
    return True


def store_last_heard(
    session: Session, places: Mapping[str, GatewayPath], heard: Mapping[str, LastHeard]
) -> None:
    """Write what was last heard of devices; one that no birth has listed yet is added at its
    place."""
    rows: list[dict[str, Any]] = [
        {"row_id": device, "last_at": last.at, "last_heard": last.heard, "last_state": last.state}
        for device, last in heard.items()
    ]
    found = session.connection().execute(_UPDATE_LAST_HEARD, rows).rowcount
    if found < len(rows):
        _add_missing(session, places, heard)
        session.connection().execute(_UPDATE_LAST_HEARD, rows)


def _add_missing(
    session: Session, places: Mapping[str, GatewayPath], heard: Mapping[str, LastHeard]
) -> None:
    known = set(session.scalars(select(DeviceRow.id)))
    for device in sorted(heard.keys() - known):
        place = places[device]
        _add_device(session, place, device)
        if (
            session.get(GatewayRow, (place.district, place.town, place.village, place.gateway))
            is None
        ):
            _new_gateway(session, place)
    session.flush()


def brand_of(profile: str) -> str:
    """The brand a register map belongs to: the first part of its name, `midea` of
    `midea-mthermal`."""
    return profile.partition("-")[0]


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


def _new_gateway(session: Session, place: GatewayPath) -> GatewayRow:
    row = GatewayRow(
        district=place.district,
        town=place.town,
        village=place.village,
        id=place.gateway,
        online=True,
    )
    session.add(row)
    return row


def _unlist(session: Session, place: GatewayPath) -> None:
    here = and_(
        DeviceRow.district == place.district,
        DeviceRow.town == place.town,
        DeviceRow.village == place.village,
        DeviceRow.gateway == place.gateway,
    )
    session.execute(update(DeviceRow).where(here).values(listed=False))


def _store_device(session: Session, place: GatewayPath, device: AnnouncedDevice) -> None:
    row = session.get(DeviceRow, device.device) or _add_device(session, place, device.device)
    row.district, row.town, row.village, row.gateway = (
        place.district,
        place.town,
        place.village,
        place.gateway,
    )
    row.listed, row.profile, row.brand = True, device.profile, brand_of(device.profile)
    row.bus, row.address = device.bus, device.address


def _add_device(session: Session, place: GatewayPath, device: str) -> DeviceRow:
    row = DeviceRow(
        id=device,
        district=place.district,
        town=place.town,
        village=place.village,
        gateway=place.gateway,
        listed=False,
    )
    session.add(row)
    return row


def _place(row: GatewayRow) -> GatewayPath:
    return GatewayPath(row.district, row.town, row.village, row.id)
