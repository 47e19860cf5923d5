"""Alerts: list, acknowledge, shelve (contract §7)."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from alerts.store.queries import acknowledge_alert, get_alert, list_alerts, shelve_alert
from api.callers import KnownCaller
from api.context import Context
from api.lists import DEFAULT, Cursor, Limit, Page
from desk.database.tables import reading, writing
from wire.messages import Priority

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
    state: Literal["active", "cleared"] | None = None,
    town: str | None = None,
    village: str | None = None,
    priority: Priority | None = None,
    rule: str | None = None,
    subject: str | None = None,
    acknowledged: bool | None = None,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Alerts, newest first."""
    with reading(context.database) as session:
        return list_alerts(
            session,
            caller.scope,
            state=state,
            town=town,
            village=village,
            priority=priority,
            rule=rule,
            subject=subject,
            acknowledged=acknowledged,
            limit=limit,
            cursor=cursor,
        )


@router.get("/{alert}")
def alert(alert: str, context: Context, caller: KnownCaller) -> dict[str, Any]:
    """One alert; `advice` has what it means and first checks for the household and the crew, in
    each language."""
    with reading(context.database) as session:
        document = get_alert(session, caller.scope, alert)
    return {**document, "advice": context.advice(document["rule"], document["code"])}


@router.post("/{alert}/acknowledge")
def acknowledge(alert: str, context: Context, caller: KnownCaller) -> dict[str, Any]:
    """Take note of an alert; a second time changes nothing. Answers with the alert."""
    with writing(context.database) as session:
        return acknowledge_alert(session, caller.scope, alert, caller.name, context.clock())


@router.post("/{alert}/shelve")
def shelve(alert: str, shelving: Shelving, context: Context, caller: KnownCaller) -> dict[str, Any]:
    """Put an alert aside for a time; it returns by itself. Answers with the alert."""
    now = context.clock()
    with writing(context.database) as session:
        return shelve_alert(
            session, caller.scope, alert, shelving.until, shelving.reason, caller.name, now
        )
