"""The counts at the head of a page (contract §7)."""

from typing import Any

from fastapi import APIRouter

from alerts.store.queries import summarise
from api.callers import KnownCaller
from api.context import Context
from desk.database.engine import reading

router = APIRouter()


@router.get("/summary")
def summary(context: Context, caller: KnownCaller) -> dict[str, Any]:
    """Active and unacknowledged alerts by priority, tickets by state, devices, server time."""
    with reading(context.database) as session:
        return {**summarise(session, caller.scope), "at": context.clock()}
