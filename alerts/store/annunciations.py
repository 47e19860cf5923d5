"""What operators were told, from the ticket database, for the figures of alarm performance."""

from typing import cast

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from alerts.core.alarm_performance import Alarm, Annunciation
from desk.accounts.scope import Scope
from desk.database.paging import where
from desk.database.tables import AlertRow, DeviceRow, GatewayRow
from wire.messages import Priority


def annunciations(
    session: Session,
    scope: Scope,
    since: int,
    until: int,
    town: str | None = None,
    village: str | None = None,
) -> list[Annunciation]:
    """Alerts of the scope told before `until` and active at `since` or told after it (UTC ms).

    What was never told does not count: episodes found in late readings, and what was shelved or out
    of service.
    """
    within = or_(
        AlertRow.announced_at >= since, AlertRow.cleared_at.is_(None), AlertRow.cleared_at >= since
    )
    columns = (
        getattr(AlertRow, name)
        for name in (*Alarm._fields, "priority", "announced_at", "cleared_at")
    )
    wanted = select(*columns).where(scope.alerts(), AlertRow.announced_at < until, within)
    rows = session.execute(where(wanted, {AlertRow.town: town, AlertRow.village: village}))
    return [
        Annunciation(Alarm(*alarm), cast("Priority", priority), at, ended)
        for *alarm, priority, at, ended in rows
    ]


def sees_place(session: Session, scope: Scope, town: str | None, village: str | None) -> bool:
    """Whether the scope has a gateway or device in a place, which otherwise does not exist for
    it."""
    return any(
        session.scalar(
            where(select(row.id).where(condition), {row.town: town, row.village: village}).limit(1)
        )
        for row, condition in ((GatewayRow, scope.gateways()), (DeviceRow, scope.devices()))
    )
