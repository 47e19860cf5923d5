"""Who may see what: six roles (features row 8), each limited to one id, and the auditor.

Outside a scope things do not exist. The auditor reads the audit log and nothing else.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from sqlalchemy import ColumnElement, and_, false, or_, select, true

from desk.database.tables import AlertRow, DeviceRow, FeedEventRow, GatewayRow, TicketRow
from wire.location import Location

Role = Literal["district", "town", "village", "manufacturer", "maintainer", "household", "auditor"]
ROLES: Final[tuple[str, ...]] = get_args(Role)

# From the innermost place outwards: a scope may be an id, or a path `town/village` where an id is
# not enough.
PLACES: Final[dict[str, tuple[str, ...]]] = {
    "district": ("district",),
    "town": ("town", "district"),
    "village": ("village", "town", "district"),
}

Condition = ColumnElement[bool]
PlacedRow = (
    type[AlertRow] | type[TicketRow] | type[DeviceRow] | type[GatewayRow] | type[FeedEventRow]
)


@dataclass(frozen=True, slots=True)
class Scope:
    """A role and the id it is limited to.

    Only a district role may go without an id, and then sees everything.
    Each method gives the WHERE clause that leaves of its table only what the scope may see.
    """

    role: Role
    scope: str | None = None

    def alerts(self) -> Condition:
        """Alerts of the scope's places, devices or tickets."""
        if self._is_placed():
            return self._by_place(AlertRow)
        return _through_devices(self.devices()) | self._assigned()

    def tickets(self) -> Condition:
        """Tickets of the scope's places, brand, crew or household."""
        return self._by_place(TicketRow) if self._is_placed() else self._by_column(TicketRow)

    def devices(self) -> Condition:
        """Devices of the scope's places, brand, household, or named in a ticket of its crew."""
        if self._is_placed():
            return self._by_place(DeviceRow)
        if self.scope is None or self.role == "auditor":
            return false()  # and not `household IS NULL`, which is most of them
        if self.role == "maintainer":
            return DeviceRow.id.in_(
                select(TicketRow.device).where(self.tickets(), TicketRow.device.is_not(None))
            )
        if self.role == "household":
            return or_(DeviceRow.household == self.scope, DeviceRow.id == self.scope)
        return DeviceRow.brand == self.scope

    def gateways(self) -> Condition:
        """Gateways of the scope's places; the other roles deal with devices alone."""
        return self._by_place(GatewayRow) if self._is_placed() else false()

    def feed(self) -> Condition:
        """Feed events of the scope's places, brand, crew or household."""
        return self._by_place(FeedEventRow) if self._is_placed() else self._by_column(FeedEventRow)

    def covers(self, location: Location) -> bool:
        """Whether a location lies within the scope, for a thing that has no row yet."""
        if not self._is_placed() or self.scope is None:
            return self.role == "district"
        return all(getattr(location, column) == value for column, value in self._wanted(self.scope))

    def _is_placed(self) -> bool:
        return self.role in PLACES

    def _by_place(self, row: PlacedRow) -> Condition:
        if self.scope is None:
            return true() if self.role == "district" else false()
        return and_(*(getattr(row, column) == value for column, value in self._wanted(self.scope)))

    def _wanted(self, scope: str) -> list[tuple[str, str]]:
        return list(zip(PLACES[self.role], reversed(scope.split("/")), strict=False))

    def _by_column(self, row: type[TicketRow] | type[FeedEventRow]) -> Condition:
        if self.scope is None or self.role == "auditor":
            return false()
        if self.role == "household":
            return or_(row.household == self.scope, row.device == self.scope)
        return self._of_crew(row) if self.role == "maintainer" else row.brand == self.scope

    def _of_crew(self, row: type[TicketRow] | type[FeedEventRow]) -> Condition:
        """Rows of the crew; its access to a ticket ends with the ticket."""
        own = row.crew == self.scope
        return own & TicketRow.closed_at.is_(None) if row is TicketRow else own

    def _assigned(self) -> Condition:
        if self.role != "maintainer":
            return false()
        return AlertRow.ticket_id.in_(select(TicketRow.id).where(self.tickets()))


def _through_devices(devices: Condition) -> Condition:
    return and_(
        AlertRow.subject_kind == "device", AlertRow.subject.in_(select(DeviceRow.id).where(devices))
    )
