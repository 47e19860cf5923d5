"""The alerts that operators were notified of, for the figures of alarm performance."""

from typing import cast

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from alerts.core.alarm_performance import Alarm, Announcement
from desk.accounts.scope import Scope
from desk.database.paging import where
from desk.database.tables import AlertRow
from wire.messages import Priority


def announcements(
    session: Session,
    scope: Scope,
    since: int,
    until: int,
    town: str | None = None,
    village: str | None = None,
) -> list[Announcement]:
    """Alerts announced before `until`, and active at `since` or announced after it (UTC ms).

    Alerts that were never announced do not count: those found in late readings, shelved, or of
    devices out of service.
    """
    within = or_(
        AlertRow.announced_at >= since, AlertRow.cleared_at.is_(None), AlertRow.cleared_at >= since
    )
    names = (*Alarm._fields, "priority", "announced_at", "cleared_at")
    columns = (getattr(AlertRow, name) for name in names)
    wanted = select(*columns).where(scope.alerts(), AlertRow.announced_at < until, within)
    rows = session.execute(where(wanted, {AlertRow.town: town, AlertRow.village: village}))
    return [
        Announcement(Alarm(*alarm), cast("Priority", priority), at, ended)
        for *alarm, priority, at, ended in rows
    ]
