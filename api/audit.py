"""The audit log, for the auditor (contract §17)."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from api.callers import KnownCaller
from api.context import Context
from api.lists import Page, WantedPage
from api.problems import Problem
from desk.audit.trail import AuditFilter, lines, record
from desk.database.engine import reading, writing
from desk.database.paging import BadCursorError

router = APIRouter(prefix="/audit")

Name = Annotated[str | None, Query(max_length=64)]
Time = Annotated[int | None, Query(ge=0, lt=2**53)]
_LONGEST_CURSOR: Final = 18


@router.get("", response_model=Page)
def audit(
    context: Context,
    caller: KnownCaller,
    page: WantedPage,
    who: Name = None,
    what: Name = None,
    start: Annotated[Time, Query(alias="from")] = None,
    end: Annotated[Time, Query(alias="to")] = None,
) -> dict[str, Any]:
    """Lines of the audit log in `from <= at < to` (UTC ms), the newest first; auditors only.

    `what` is an act such as `login` or `ticket.close`, or a beginning with its dot: `ticket.`.
    Reading the log is a line of it.
    """
    if caller.scope.role != "auditor":
        detail = "only an auditor reads the audit log; ask for an account of that role"
        raise Problem(HTTPStatus.FORBIDDEN, "not_permitted", detail)
    wanted = AuditFilter(who, what, start, end)
    before = None if page.cursor is None else _read_cursor(page.cursor)
    with writing(context.database) as session:
        record(session, caller.actor, "read.audit", context.clock())
    with reading(context.database) as session:
        found = lines(session, wanted, page.limit + 1, before)
    items = [asdict(line) for line in found[: page.limit]]
    more = len(found) > page.limit
    return {"items": items, "next": str(items[-1]["id"]) if more else None}


def _read_cursor(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal()) or len(cursor) > _LONGEST_CURSOR:
        raise BadCursorError(cursor)
    return int(cursor)
