"""Decisions on village boxes: a box is retired or taken back, a device is given to a box.

Each decision is written with its audit line and the effect that brings it to the bus. All times are
server time, UTC ms; a later decision on the same thing has a later time, whatever the clock does.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.accounts.scope import Scope
from desk.database.tables import AssignmentRow, BoxActRow, DeviceRow, GatewayRow, RetirementRow
from desk.errors import ActRefusedError, NotFoundError
from desk.ledger.box_decisions import publish_assignment, publish_retirement
from desk.ledger.device_registry import unlist
from wire.identifiers import is_identifier
from wire.location import Location
from wire.topics import GatewayPath, gateway_of


def list_boxes(session: Session, scope: Scope) -> list[dict[str, Any]]:
    """The gateways of the scope, in order of their paths, as documents."""
    rows = session.scalars(select(GatewayRow).where(scope.gateways()))
    return [_document(session, row) for row in sorted(rows, key=lambda row: str(_path(row)))]


def box_document(session: Session, scope: Scope, name: str) -> dict[str, Any]:
    """One gateway; raises NotFoundError or ActRefusedError as `retire_box` does."""
    return _document(session, _find_box(session, scope, name))


def retire_box(
    session: Session, scope: Scope, name: str, why: str, by: str, now: int, *, retired: bool = True
) -> None:
    """End the gateway `name` (path or unique id), or take it back where not `retired`.

    Raises NotFoundError, or ActRefusedError for a role that may not decide, a missing reason, an id
    that several gateways have, or a gateway that is so already.
    """
    gateway = _path(_find_box(session, scope, name))
    _check(scope, why)
    row = session.get(RetirementRow, str(gateway))
    before = row is not None and row.retired
    if before == retired:
        state = "retired" if retired else "in service"
        raise ActRefusedError("already_decided", f"{gateway} is {state} already")
    at = now if row is None else max(now, row.at + 1)
    session.merge(RetirementRow(gateway=str(gateway), at=at, retired=retired))
    if retired:
        unlist(session, gateway)
    act = "retire" if retired else "reinstate"
    _note(session, (act, str(gateway)), (_state(before), _state(retired)), why, by, now)
    publish_retirement(session, gateway, at, retired, now)


def assign_device(
    session: Session,
    scope: Scope,
    target: tuple[str, str | None],
    listed: str | None,
    why: str,
    by: str,
    now: int,
) -> str | None:
    """Give a device to a gateway, by the `target` (device, name); without a name to none.

    Within the scope must be the device, or the gateway where no birth has listed the device yet.
    `listed` is the gateway that the list of devices names, which comes first. Returns the path.
    Raises NotFoundError or ActRefusedError as `retire_box` does.
    """
    device, name = target
    gateway = None if name is None else _path(_find_box(session, scope, name))
    district = _district_of(session, scope, device, gateway)
    _check(scope, why)
    if listed is not None:
        message = f"the list of devices gives {device} to {listed}; change it there"
        raise ActRefusedError("decided_by_list", message)
    row = session.get(AssignmentRow, device)
    before, after = None if row is None else row.gateway, None if gateway is None else str(gateway)
    at = now if row is None else max(now, row.at + 1)
    session.merge(AssignmentRow(device=device, district=district, at=at, gateway=after))
    _note(session, ("assign", device), (before, after), why, by, now)
    publish_assignment(session, (district, device), at, after, now)
    return after


def _district_of(session: Session, scope: Scope, device: str, gateway: GatewayPath | None) -> str:
    """The district of a device within the scope; raises NotFoundError."""
    known = session.get(DeviceRow, device)
    if known is not None and scope.covers(Location.of(_home_of(known))):
        return known.district
    if known is None and gateway is not None and is_identifier(device):
        return gateway.district
    raise NotFoundError(device)


def box_acts(session: Session, gateway: str) -> list[dict[str, Any]]:
    """What was decided on a gateway, or gave it a device or took one: the newest first."""
    about = (
        (BoxActRow.subject == gateway)
        | (BoxActRow.before == gateway)
        | (BoxActRow.after == gateway)
    )
    rows = session.scalars(select(BoxActRow).where(about).order_by(BoxActRow.id.desc()))
    names = ("at", "by", "act", "subject", "before", "after", "why")
    return [{name: getattr(row, name) for name in names} for row in rows]


def _check(scope: Scope, why: str) -> None:
    if scope.role not in ("district", "town"):
        message = "only the district or the town decides on boxes; ask them"
        raise ActRefusedError("supervisor_needed", message)
    if not why.strip():
        raise ActRefusedError("reason_missing", "say why")


def _find_box(session: Session, scope: Scope, name: str) -> GatewayRow:
    path = gateway_of(name)
    if path is None:
        wanted = GatewayRow.id == name
    else:
        wanted = (
            (GatewayRow.district == path.district)
            & (GatewayRow.town == path.town)
            & (GatewayRow.village == path.village)
            & (GatewayRow.id == path.gateway)
        )
    rows: Sequence[GatewayRow] = session.scalars(
        select(GatewayRow).where(wanted, scope.gateways())
    ).all()
    if not rows:
        raise NotFoundError(name)
    if len(rows) > 1:
        paths = ", ".join(sorted(str(_path(row)) for row in rows))
        message = f"several gateways are called {name}: write one of {paths}"
        raise ActRefusedError("ambiguous_gateway", message)
    return rows[0]


def _document(session: Session, row: GatewayRow) -> dict[str, Any]:
    retirement = session.get(RetirementRow, str(_path(row)))
    here = (DeviceRow.district == row.district) & (DeviceRow.town == row.town)
    here &= (DeviceRow.village == row.village) & (DeviceRow.gateway == row.id)
    devices = session.scalars(select(DeviceRow.id).where(here, DeviceRow.listed))
    is_retired = retirement is not None and retirement.retired
    return {
        "gateway": str(_path(row)),
        "online": row.online and not is_retired,
        "retired_at": retirement.at if retirement is not None and is_retired else None,
        "born_at": row.birth_at,
        "last_heard": row.last_heard,
        "software": row.software,
        "devices": sorted(devices),
    }


def _note(
    session: Session,
    what: tuple[str, str],
    states: tuple[str | None, str | None],
    why: str,
    by: str,
    now: int,
) -> None:
    (act, subject), (before, after) = what, states
    session.add(
        BoxActRow(at=now, by=by, act=act, subject=subject, before=before, after=after, why=why)
    )


def _state(retired: bool) -> str:
    return "retired" if retired else "in_service"


def _path(row: GatewayRow) -> GatewayPath:
    return GatewayPath(row.district, row.town, row.village, row.id)


def _home_of(row: DeviceRow) -> GatewayPath:
    return GatewayPath(row.district, row.town, row.village, row.gateway)
