"""How well the alarms serve those who answer them (ISA-18.2, IEC 62682)."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from alerts.core.alarm_performance import measure
from alerts.store.announcements import announcements
from api.callers import KnownCaller
from api.context import Context
from api.problems import Problem, not_found
from desk.database.engine import reading
from desk.ledger.devices import sees_place
from wire.units import DAY_MS, WEEK_MS

router = APIRouter()

DEFAULT_MS: Final = WEEK_MS
MAX_MS: Final = 366 * DAY_MS

Time = Annotated[int | None, Query(ge=0, lt=2**53)]


@router.get("/alarm-performance")
def alarm_performance(
    context: Context,
    caller: KnownCaller,
    start: Annotated[Time, Query(alias="from")] = None,
    end: Annotated[Time, Query(alias="to")] = None,
    town: str | None = None,
    village: str | None = None,
) -> dict[str, Any]:
    """Alarm performance in `from <= at < to` (UTC ms; the last 7 days by default, at most 366).

    Alerts per operator and hour, the share of hours above 6, 12 and 30 of them, floods (from ten in
    ten minutes until fewer than five), chattering, fleeting and stale alarms, the ten most frequent
    ones and their share, and the priorities beside those recommended; `aims` is the most that
    ISA-18.2 recommends of each. `[alerts] operators` says how many are on duty. 404 for a
    place outside the caller's scope.
    """
    until = context.clock() + 1 if end is None else end
    since = max(0, until - DEFAULT_MS) if start is None else start
    if not since < until <= since + MAX_MS:
        detail = "to must be after from, and at most 366 days"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail)
    with reading(context.database) as session:
        if (town, village) != (None, None) and not sees_place(session, caller.scope, town, village):
            raise not_found("/".join(level for level in (town, village) if level is not None))
        announced = announcements(session, caller.scope, since, until, town, village)
    return measure(announced, since, until, context.operators).to_document()
