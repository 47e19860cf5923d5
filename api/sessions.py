"""Log in and out, and ask who is logged in (contract §7)."""

from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from api.addresses import address_of
from api.auditing import note_refusal
from api.callers import KnownCaller, find_caller, refuse_forged
from api.context import ApiContext, Context
from api.problems import Problem
from api.session_cookie import remove_session_cookie, session_cookie, set_session_cookie
from desk.accounts.accounts import log_in, log_out

router = APIRouter()
_log = structlog.get_logger()


class Credentials(BaseModel):
    """The body of a login."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=256)]


def open_session(
    context: ApiContext, credentials: Credentials, request: Request, response: Response
) -> None:
    """Set the cookie of a new session on `response`.

    Raises Problem `wrong_password`, `too_many` or `cross_site`.
    """
    try:
        cookie = _log_in(context, credentials, request)
    except Problem as problem:
        note_refusal(request, problem.status, problem.code, f"account:{credentials.name}")
        raise
    set_session_cookie(request, response, cookie)


def _log_in(context: ApiContext, credentials: Credentials, request: Request) -> str:
    refuse_forged(request)
    name, now = credentials.name, context.clock()
    with context.logins.taken():
        address = begin_try(context, name, request)
        former = session_cookie(request)
        cookie = log_in(context.database, name, credentials.password, now, address, former)
    if cookie is None:
        _log.warning("login_failed", name=name, address=address)
        raise Problem(
            HTTPStatus.UNAUTHORIZED, "wrong_password", "name and password do not belong together"
        )
    context.guess_lock.succeeded(name, address)
    return cookie


def begin_try(context: ApiContext, name: str, request: Request) -> str:
    """Count a try of the password of `name`; returns the address it comes from.

    Raises Problem `too_many` while the name is locked for that address.
    """
    address = address_of(request) or ""
    wait = context.guess_lock.begin(name, address, context.clock())
    if wait > 0:
        raise _locked(wait)
    return address


def close_session(context: ApiContext, request: Request, response: Response) -> None:
    """End the browser session of a request, if there is one, and remove its cookie."""
    caller = find_caller(request, context)
    if caller is not None:
        log_out(context.database, caller, context.clock())
    remove_session_cookie(request, response)


def _locked(wait: int) -> Problem:
    seconds = wait // 1000 + 1
    detail = f"too many failed tries; wait {seconds} seconds"
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many", detail, {"Retry-After": str(seconds)})


@router.post("/login", status_code=HTTPStatus.NO_CONTENT)
def login(credentials: Credentials, request: Request, response: Response, context: Context) -> None:
    """Open a browser session; five wrong passwords lock the name for this address (429)."""
    open_session(context, credentials, request, response)


@router.post("/logout", status_code=HTTPStatus.NO_CONTENT)
def logout(caller: KnownCaller, request: Request, response: Response, context: Context) -> None:
    """End the browser session; a bearer token stays valid."""
    log_out(context.database, caller, context.clock())
    remove_session_cookie(request, response)


@router.get("/me")
def me(caller: KnownCaller) -> dict[str, Any]:
    """The caller's name, role and the id it is limited to."""
    return {"name": caller.name, "role": caller.scope.role, "scope": caller.scope.scope}
