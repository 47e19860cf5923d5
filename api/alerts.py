"""Alerts: list, acknowledge, shelve (contract §7)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from alerts.store.actions import acknowledge_alert, shelve_alert
from alerts.store.queries import AlertFilter, get_alert, list_alerts
from api.callers import KnownCaller
from api.context import Context
from api.lists import Page, WantedPage
from desk.audit.trail import acting
from desk.database.engine import reading

router = APIRouter(prefix="/alerts")


class Shelving(BaseModel):
    """The body of a shelving: until when (UTC ms, at most 8 h ahead) and why."""

    model_config = ConfigDict(extra="forbid")

    until: Annotated[int, Field(ge=0, lt=2**53)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


@router.get("", response_model=Page)
def alerts(
    context: Context,
    caller: KnownCaller,
    wanted: Annotated[AlertFilter, Depends()],
    page: WantedPage,
) -> dict[str, Any]:
    """Alerts, newest first."""
    with reading(context.database) as session:
        return list_alerts(session, caller.scope, wanted, page.limit, page.cursor)


@router.get("/{alert}")
def alert(alert: str, context: Context, caller: KnownCaller) -> dict[str, Any]:
    """One alert; `advice` holds its meaning and the first checks for household and crew."""
    with reading(context.database) as session:
        document = get_alert(session, caller.scope, alert)
    return {**document, "advice": context.advice(document["rule"], document["code"])}


@router.post("/{alert}/acknowledge")
def acknowledge(alert: str, context: Context, caller: KnownCaller) -> dict[str, Any]:
    """Acknowledge an alert; a second time changes nothing. Answers with the alert."""
    now = context.clock()
    with acting(context.database, caller.actor, "alert.acknowledge", now) as session:
        return acknowledge_alert(session, caller.scope, alert, caller.name, now)


@router.post("/{alert}/shelve")
def shelve(alert: str, shelving: Shelving, context: Context, caller: KnownCaller) -> dict[str, Any]:
    """Put an alert aside for a time; it returns by itself. Answers with the alert."""
    now = context.clock()
    with acting(context.database, caller.actor, "alert.shelve", now) as session:
        return shelve_alert(
            session, caller.scope, alert, shelving.until, shelving.reason, caller.name, now
        )
