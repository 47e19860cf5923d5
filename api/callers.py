"""Finds who makes a request, and refuses one that another site made the browser send."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends, Request

from api.addresses import address_of
from api.context import ApiContext, Context
from api.problems import Problem
from api.protection import is_forged
from api.session_cookie import session_cookie
from desk.accounts.accounts import (
    Caller,
    caller_by_cookie,
    caller_by_token,
    note_use,
    secret_hash,
)
from desk.database.engine import reading

_BEARER: Final = "bearer "


def find_caller(request: Request, context: ApiContext) -> Caller | None:
    """The caller by bearer token or else by cookie; None without a valid one.

    Notes the use. Raises Problem for a forged request.
    """
    caller = _find(request, context)
    if caller is None:
        return None
    note_use(context.database, caller, context.clock())
    request.state.caller = caller = replace(caller, address=address_of(request))
    return caller


def _find(request: Request, context: ApiContext) -> Caller | None:
    header = request.headers.get("authorization", "")
    cookie = session_cookie(request)
    if header.lower().startswith(_BEARER):
        with reading(context.database) as session:
            token = secret_hash(header[len(_BEARER) :].strip())
            return caller_by_token(session, token, context.clock())
    if cookie is None:
        return None
    refuse_forged(request)
    with reading(context.database) as session:
        return caller_by_cookie(session, secret_hash(cookie), context.clock())


def refuse_forged(request: Request) -> None:
    """Raise Problem 403 for an unsafe request that another site made the browser send."""
    if is_forged(request.method, request.headers):
        detail = "this request came from another site; open the console itself and try again"
        raise Problem(HTTPStatus.FORBIDDEN, "cross_site", detail)


def _required(request: Request, context: Context) -> Caller:
    caller = find_caller(request, context)
    if caller is None:
        detail = (
            "log in at POST /api/v1/login, "
            "or send Authorization: Bearer with a token that is still valid"
        )
        headers = {"WWW-Authenticate": 'Bearer realm="hearthwatch"'}
        raise Problem(HTTPStatus.UNAUTHORIZED, "not_logged_in", detail, headers)
    return caller


KnownCaller = Annotated[Caller, Depends(_required)]
