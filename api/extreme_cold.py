"""The extreme-cold mode: the forecast proposes it, a person confirms it (requirements R20)."""

from http import HTTPStatus
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.orm import Session

from alerts.store.queries import AlertFilter, list_alerts
from api.callers import KnownCaller
from api.context import Context
from api.problems import Problem, not_found
from desk.accounts.scope import Scope
from desk.audit.trail import acting
from desk.database.engine import reading
from desk.extreme_cold import confirm, confirmed_document, districts_of, end
from wire.units import DAY_MS

router = APIRouter(prefix="/extreme-cold")

MAX_LASTS_MS: Final = 30 * DAY_MS
"""Longer than any cold wave: a mode that somebody forgot ends by itself."""

Time = Annotated[int, Field(ge=0, lt=2**53)]


District = Annotated[str | None, Field(min_length=1, max_length=48)]


class Ending(BaseModel):
    """The body of an end: which district, if the account has several."""

    model_config = ConfigDict(extra="forbid")

    district: District = None


_UNNAMED: Final = Ending()


class Confirmation(BaseModel):
    """The body of a confirmation: from when until when (UTC ms, at most 30 days) the mode holds.

    `district` names where, if the account has several.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    since: Annotated[Time, Field(alias="from")]
    until: Time
    district: District = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.since < self.until <= self.since + MAX_LASTS_MS:
            raise ValueError("until must be after from, and at most 30 days")
        return self


@router.get("")
def extreme_cold(
    context: Context,
    caller: KnownCaller,
    district: Annotated[str | None, Query(max_length=48)] = None,
) -> dict[str, Any]:
    """`proposals`: open alerts of the rule; `confirmed`: the mode that holds, or null.

    Of several districts it is the mode of `district`, else of the first by name that has one.
    """
    wanted = AlertFilter(state="active", rule="extreme_cold")
    with reading(context.database) as session:
        proposals = list_alerts(session, caller.scope, wanted, limit=10)
        districts = districts_of(session, caller.scope)
        modes = [
            confirmed_document(session, each, context.clock())
            for each in districts
            if district in (None, each)
        ]
    confirmed = next((mode for mode in modes if mode is not None), None)
    return {"proposals": proposals["items"], "confirmed": confirmed}


@router.post("/confirm")
def confirm_extreme_cold(
    wanted: Confirmation, context: Context, caller: KnownCaller
) -> dict[str, Any] | None:
    """Let the rules' limits for extreme cold hold in a district for a time; only for its account.

    Answers with the mode that holds now. 422 `district_missing` where the account has several
    districts and names none.
    """
    now = context.clock()
    with acting(context.database, caller.actor, "extreme_cold.confirm", now) as session:
        district = _district_of(session, caller.scope, wanted.district)
        confirm(session, district, wanted.since, wanted.until, caller.name, now)
        return confirmed_document(session, district, now)


@router.post("/end")
def end_extreme_cold(
    context: Context, caller: KnownCaller, wanted: Ending = _UNNAMED
) -> dict[str, Any]:
    """End the mode of a district now; only for its account. Refusals as for a confirmation."""
    now = context.clock()
    with acting(context.database, caller.actor, "extreme_cold.end", now) as session:
        district = _district_of(session, caller.scope, wanted.district)
        end(session, district, now)
    return {"confirmed": None}


def _district_of(session: Session, scope: Scope, named: str | None) -> str:
    """The district that is meant, which must be one of the account's.

    Raises Problem 404 for a role below the district and for another district, and 422 where one of
    several has to be named.
    """
    districts = districts_of(session, scope) if scope.role == "district" else []
    meant = [each for each in districts if named in (None, each)]
    if not meant:
        raise not_found("the extreme-cold mode")
    if len(meant) > 1:
        detail = f"name the district: {', '.join(meant)}"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "district_missing", detail)
    return meant[0]
