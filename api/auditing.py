"""What the audit log holds of requests: refusals, and readings of personal data (contract §17)."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError

from api.addresses import address_of
from api.context import ApiContext
from desk.accounts.accounts import Caller
from desk.audit.entry import Actor
from desk.audit.trail import record
from desk.database.engine import writing

_log = structlog.get_logger()

REFUSALS: Final = frozenset(
    (
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.TOO_MANY_REQUESTS,
    )
)
_PERSONAL: Final = ("household", "caller", "complaints")
_NOBODY: Final = "nobody"
_LONGEST: Final = 200


def note_refusal(request: Request, status: int, code: str, subject: str | None = None) -> None:
    """Write that a request was refused; of many from one sender, the first and then their number.

    A request is noted once. `subject` is what was asked for, such as the account that a login
    named. A path that nobody serves counts only where the caller is known. A database that is away
    loses no answer: the log of the process has the line.
    """
    caller: Caller | None = getattr(request.state, "caller", None)
    if status not in REFUSALS or (status == HTTPStatus.NOT_FOUND and caller is None):
        return
    if getattr(request.state, "refusal_noted", False):
        return
    request.state.refusal_noted = True
    context: ApiContext = request.app.state.context
    address = address_of(request)
    actor = caller.actor if caller else Actor(_NOBODY, address)
    now = context.clock()
    sender = f"{actor.name} {address}"
    unwritten = context.refusals.count(sender, now, is_known=caller is not None)
    if unwritten is None:
        return
    stated = {"code": code, "method": request.method, "path": request.url.path[:_LONGEST]}
    facts = {**stated, **({"unwritten": unwritten} if unwritten else {})}
    named = None if subject is None else subject[:_LONGEST]
    try:
        with writing(context.database) as session:
            record(session, actor, "refused", now, named, None, facts)
    except SQLAlchemyError as error:
        _log.error("audit_not_written", what="refused", who=actor.name, error=str(error), **stated)


def note_tickets_read(
    context: ApiContext, caller: Caller, tickets: Iterable[Mapping[str, Any]]
) -> None:
    """Write which tickets with personal data were shown; each once an hour for each caller and
    address."""
    note_read(context, caller, "read.ticket", _with_personal_data(tickets))


def note_devices_read(
    context: ApiContext, caller: Caller, devices: Iterable[Mapping[str, Any]]
) -> None:
    """Write which devices of a household were shown; each once an hour for each caller and
    address."""
    note_read(context, caller, "read.device", _with_personal_data(devices))


def note_read(context: ApiContext, caller: Caller, what: str, things: Iterable[str]) -> None:
    """Write that `caller` read `things`, before they are handed out.

    Raises SQLAlchemyError where that cannot be written: the things are then not shown.
    """
    wanted, now = [*things], context.clock()
    reader = f"{what} {caller.name} {caller.address}"
    found = context.readings.new(reader, wanted, now)
    if not found:
        return
    try:
        with writing(context.database) as session:
            alone = found[0] if len(found) == 1 else None
            after = None if alone else {"ids": found}
            record(session, caller.actor, what, now, alone, None, after)
    except SQLAlchemyError:
        context.readings.forget(reader, found)
        raise


def _with_personal_data(documents: Iterable[Mapping[str, Any]]) -> list[str]:
    return [
        str(document["id"])
        for document in documents
        if any(_is_given(document.get(name)) for name in _PERSONAL)
    ]


def _is_given(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(each is not None for each in value.values())
    return value is not None and value != []
