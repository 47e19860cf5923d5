"""Devices and their readings (contract §7)."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from api.auditing import note_devices_read, note_read
from api.callers import KnownCaller
from api.context import ApiContext, Context
from api.leaving import ReadingSearch
from api.lists import Page, WantedPage
from api.windows import (
    Statistic,
    Time,
    entries,
    invalid,
    read_points,
    read_step,
    window_of,
)
from desk.accounts.accounts import Caller
from desk.accounts.rights import seen_device
from desk.audit.trail import acting
from desk.database.engine import reading
from desk.ledger.devices import (
    DeviceFilter,
    get_device,
    list_devices,
    put_device_back,
    take_device_out,
)
from desk.ledger.out_of_service import out_of_service_document
from ingest.store import ReadingStore, StoreUnavailable, long_summaries
from wire.points import POINT_NAMES
from wire.units import MINUTE_MS

router = APIRouter(prefix="/devices")

NEWEST_WITHIN_MS: Final = 10 * MINUTE_MS
"""How far before the last reading heard the store is searched: it may be some readings behind."""


@router.get("", response_model=Page)
def devices(
    context: Context,
    caller: KnownCaller,
    wanted: Annotated[DeviceFilter, Depends()],
    page: WantedPage,
) -> dict[str, Any]:
    """Devices by id."""
    with reading(context.database) as session:
        listed = list_devices(session, caller.scope, wanted, page.limit, page.cursor)
    note_devices_read(context, caller, listed["items"])
    return listed


@router.get("/{device}")
def device(device: str, context: Context, caller: KnownCaller) -> dict[str, Any]:
    """One device, and the values of its newest reading."""
    return device_with_values(context, caller, device)


@router.get("/{device}/readings")
def readings(
    device: str,
    context: Context,
    caller: KnownCaller,
    search: ReadingSearch,
    start: Annotated[Time, Query(alias="from")] = None,
    end: Annotated[Time, Query(alias="to")] = None,
    points: Annotated[str | None, Query(max_length=500)] = None,
    step: Annotated[str | None, Query(max_length=16)] = None,
    stat: Statistic = "mean",
) -> dict[str, Any]:
    """Values of a device in `from <= at < to` (UTC ms; the last 24 h by default), as `[at, value]`
    per point.

    `points` are separated by commas, all by default. `step` (`5m`, or milliseconds) gives one entry
    for each such interval, its mean unless `stat` says `min`, `max` or `count`; `all` gives `[at,
    count, mean, min, max]`. Where an interval has no reading they are null and the count 0. Steps
    of whole hours (`1h`, `24h`) reach as far back as the hourly aggregates, beyond the readings
    themselves. Intervals are of local time: those of a day begin at midnight of `[season]
    timezone`. The first is a whole one, and `from` in the answer is its beginning. Without `step`,
    every reading. 422 `too_many_points` beyond `MAX_ROWS`.
    """
    with reading(context.database) as session:
        get_device(session, caller.scope, device)
    note_read(context, caller, "read.readings", [device])
    step_ms = None if step is None else read_step(step)
    since, until = window_of(start, end, context.clock(), step_ms, context.store.offset_ms)
    wanted = [*POINT_NAMES] if points is None else read_points(points)
    if step_ms is None:
        if stat != "mean":
            raise invalid("stat: needs a step")
        with search.under_way():
            window = context.store.window(device, since, until, wanted, None)
        return {"device": device, "from": since, "to": until, "step": None, "points": window}
    with search.under_way():
        summaries = long_summaries(context.store, device, since, until, wanted, step_ms)
    by_point = {point: entries(series, stat) for point, series in summaries.items()}
    return {"device": device, "from": since, "to": until, "step": step_ms, "points": by_point}


class OutOfServiceOrder(BaseModel):
    """The body that takes a device out of service: until when (UTC ms, within a year), and why."""

    model_config = ConfigDict(extra="forbid")

    until: Annotated[int, Field(ge=0, lt=2**53)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


@router.post("/{device}/out-of-service")
def take_out_of_service(
    device: str, wanted: OutOfServiceOrder, context: Context, caller: KnownCaller
) -> dict[str, Any] | None:
    """Take a device out of service: until it is back its alerts open no ticket, notify nobody.

    Answers with `since`, `until`, `reason` and `by`.
    """
    now = context.clock()
    with acting(context.database, caller.actor, "device.take_out_of_service", now) as session:
        take_device_out(
            session, caller.scope, device, wanted.until, wanted.reason, caller.name, now
        )
        return out_of_service_document(session, device, now)


@router.delete("/{device}/out-of-service", status_code=HTTPStatus.NO_CONTENT)
def put_back_into_service(device: str, context: Context, caller: KnownCaller) -> None:
    """Put a device back into service; its active alerts are then announced."""
    now = context.clock()
    with acting(context.database, caller.actor, "device.put_back_in_service", now) as session:
        put_device_back(session, caller.scope, device, now)


def device_with_values(context: ApiContext, caller: Caller, device: str) -> dict[str, Any]:
    """The device, and under `values` its newest reading by point.

    `values` is None where the store has none or is away. `out_of_service` is None, or says since
    and until when, and to those who call back why and by whom. Raises NotFoundError.
    """
    with reading(context.database) as session:
        document = get_device(session, caller.scope, device)
        out = out_of_service_document(session, device, context.clock())
    values = _newest_values(context.store, device, document["last_at"])
    seen = seen_device(caller.scope, {**document, "out_of_service": out, "values": values})
    note_devices_read(context, caller, [seen])
    return seen


def _newest_values(store: ReadingStore, device: str, at: int | None) -> dict[str, float] | None:
    if at is None:
        return None
    try:
        newest = store.history(device, at - NEWEST_WITHIN_MS, at + 1)
    except StoreUnavailable:
        # /readyz reports it; the ticket database still has the rest of the device.
        return None
    return newest[-1].reading.values if newest else None
