"""The extreme-cold mode: the forecast proposes it, a person confirms it (requirements R20)."""

from typing import Annotated, Any, Final, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.store.queries import AlertFilter, list_alerts
from api.callers import KnownCaller
from api.context import Context
from api.problems import not_found
from desk.accounts.scope import Scope
from desk.audit.trail import acting
from desk.database.engine import reading
from desk.database.tables import GatewayRow
from desk.extreme_cold import confirm, confirmed_document, end
from wire.units import DAY_MS

router = APIRouter(prefix="/extreme-cold")

MAX_LASTS_MS: Final = 30 * DAY_MS
"""Longer than any cold wave: a mode that somebody forgot ends by itself."""

Time = Annotated[int, Field(ge=0, lt=2**53)]


class Confirmation(BaseModel):
    """The body of a confirmation: from when until when (UTC ms, at most 30 days) the mode holds."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    since: Annotated[Time, Field(alias="from")]
    until: Time

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.since < self.until <= self.since + MAX_LASTS_MS:
            raise ValueError("until must be after from, and at most 30 days")
        return self


@router.get("")
def extreme_cold(context: Context, caller: KnownCaller) -> dict[str, Any]:
    """`proposals`: open alerts of the rule; `confirmed`: the mode that holds, or null."""
    wanted = AlertFilter(state="active", rule="extreme_cold")
    with reading(context.database) as session:
        proposals = list_alerts(session, caller.scope, wanted, limit=10)
        return {
            "proposals": proposals["items"],
            "confirmed": confirmed_document(session, context.clock()),
        }


@router.post("/confirm")
def confirm_extreme_cold(
    wanted: Confirmation, context: Context, caller: KnownCaller
) -> dict[str, Any] | None:
    """Let the rules' limits for extreme cold hold for a time; only for the district.

    Answers with the mode that holds now.
    """
    now = context.clock()
    with acting(context.database, caller.actor, "extreme_cold.confirm", now) as session:
        _check_district(session, caller.scope)
        confirm(session, wanted.since, wanted.until, caller.name, now)
        return confirmed_document(session, now)


@router.post("/end")
def end_extreme_cold(context: Context, caller: KnownCaller) -> dict[str, Any]:
    """End the mode now; only for the district."""
    now = context.clock()
    with acting(context.database, caller.actor, "extreme_cold.end", now) as session:
        _check_district(session, caller.scope)
        end(session, now)
    return {"confirmed": None}


def _check_district(session: Session, scope: Scope) -> None:
    """Raise Problem 404 for a role below the district, or of another district."""
    theirs = scope.scope is None or session.scalar(
        select(GatewayRow.id).where(scope.gateways()).limit(1)
    )
    if scope.role != "district" or theirs is None:
        raise not_found("the extreme-cold mode")
