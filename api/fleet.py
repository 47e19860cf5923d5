"""A point over all devices of a village, a town or a district."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from api.callers import KnownCaller
from api.context import Context
from api.leaving import ReadingSearch
from api.windows import (
    Statistic,
    Time,
    entries,
    invalid,
    read_points,
    read_step,
    window_of,
)
from desk.errors import NotFoundError
from ingest.store import Area
from wire.identifiers import is_identifier
from wire.location import Location
from wire.units import DAY_MS, HOUR_MS

router = APIRouter(prefix="/fleet")

LONGEST_FROM_READINGS_MS: Final = 2 * DAY_MS
"""300 units give 1.7 million readings in two days; a season by the hour takes as long."""

PlaceFilter = Annotated[str | None, Query(max_length=48)]


@router.get("/readings")
def readings(
    context: Context,
    caller: KnownCaller,
    search: ReadingSearch,
    district: Annotated[str, Query(max_length=48)],
    point: str,
    town: PlaceFilter = None,
    village: PlaceFilter = None,
    start: Annotated[Time, Query(alias="from")] = None,
    end: Annotated[Time, Query(alias="to")] = None,
    step: Annotated[str, Query(max_length=16)] = "1h",
    stat: Statistic = "all",
) -> dict[str, Any]:
    """A point over the devices of an area in `from <= at < to` (UTC ms; the last 24 h by default),
    by `step`.

    Each entry is `[at, count, mean, min, max]` over the means of the devices: `count` is how many
    gave a value, `min` is the lowest device's mean. `stat` leaves one of them. Intervals are of
    local time: those of a day begin at midnight of `[season] timezone`. The first is a whole one,
    and `from` in the answer is its beginning. Steps of whole hours
    come from the hourly aggregates and lack the hour that is not finished; shorter ones reach over
    two days at most. Outside the caller's scope: 404.
    """
    area = Area(district, town, village)
    named = all(is_identifier(level) for level in area.levels().values())
    if not named or not caller.scope.covers(Location(district, town or "", village or "")):
        raise NotFoundError(district)
    if village is not None and town is None:
        raise invalid("village: needs its town")
    wanted, *others = read_points(point)
    if others:
        raise invalid("point: one at a time")
    step_ms = read_step(step)
    since, until = window_of(start, end, context.clock(), step_ms, context.store.offset_ms)
    hourly = step_ms % HOUR_MS == 0
    if not hourly and until - since > LONGEST_FROM_READINGS_MS:
        raise invalid("steps below an hour: at most two days")
    answer = context.store.fleet_hours if hourly else context.store.fleet
    with search.under_way():
        series = entries(answer(area, since, until, wanted, step_ms), stat)
    return {
        "area": area.levels(),
        "point": wanted,
        "from": since,
        "to": until,
        "step": step_ms,
        "values": series,
    }
