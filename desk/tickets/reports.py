"""A report by a person: whom it is about, as far as the caller's scope reaches."""

from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.accounts.scope import Scope
from desk.database.tables import DeviceRow
from desk.errors import NotFoundError
from desk.tickets.cases import CaseSubject
from desk.tickets.life_cycle import TicketKind, TicketSource
from wire.location import Location


@dataclass(frozen=True, slots=True)
class Intake:
    """A report taken by people: who called, about what; `device` or else the place says where.

    `called_at` is UTC ms. A household account names neither household nor place: it is its own.
    """

    kind: TicketKind
    source: TicketSource
    text: str
    device: str | None = None
    household: str | None = None
    district: str | None = None
    town: str | None = None
    village: str | None = None
    caller_name: str | None = None
    caller_phone: str | None = None
    called_at: int | None = None


def subject_of_report(session: Session, scope: Scope, intake: Intake) -> CaseSubject:
    """Return whom the report is about.

    Raises NotFoundError for a device, place or household outside the scope. The household of a
    device is the one on record; a report cannot give it another.
    """
    if scope.role == "household" and intake.device is None:
        intake = replace(intake, device=_own_device(session, scope))
    if intake.device is not None:
        return _of_device(session, scope, intake.device, intake.household)
    district, town, village = intake.district, intake.town, intake.village
    if district is None or town is None or village is None:
        raise NotFoundError("/".join(level or "" for level in (district, town, village)))
    location = Location(district, town, village)
    if not scope.covers(location):
        raise NotFoundError("/".join(location.levels()))
    _check_household(session, intake.household, location)
    return CaseSubject(location, household=intake.household, reported=True)


def _own_device(session: Session, scope: Scope) -> str:
    """The one device of a household account; raises NotFoundError where it has none or several."""
    devices = session.scalars(select(DeviceRow.id).where(scope.devices()).limit(2)).all()
    if len(devices) != 1:
        raise NotFoundError("say which device")
    return devices[0]


def _of_device(session: Session, scope: Scope, device: str, household: str | None) -> CaseSubject:
    row = session.scalar(select(DeviceRow).where(DeviceRow.id == device, scope.devices()))
    if row is None:
        raise NotFoundError(device)
    location = Location(row.district, row.town, row.village, row.gateway)
    if row.household is None:
        _check_household(session, household, location)
    return CaseSubject(location, row.id, row.household or household, row.brand, reported=True)


def _check_household(session: Session, household: str | None, location: Location) -> None:
    """Raise NotFoundError for a household that is on record in another village."""
    if household is None:
        return
    rows = select(DeviceRow).where(DeviceRow.household == household)
    villages = {(row.district, row.town, row.village) for row in session.scalars(rows)}
    here = (location.district, location.town, location.village)
    if villages and here not in villages:
        raise NotFoundError(household)
