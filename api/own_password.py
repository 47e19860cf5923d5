"""Change one's own password (contract §7)."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from api.callers import KnownCaller
from api.context import ApiContext, Context
from api.problems import Problem
from api.session_cookie import remove_session_cookie
from api.sessions import begin_try
from desk.accounts.accounts import AccountError, Caller, change_own_password

router = APIRouter()

Password = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class PasswordChange(BaseModel):
    """The body of a change: the password until now, and the one from now on."""

    model_config = ConfigDict(extra="forbid")

    old: Password
    new: Password


@router.post("/me/password", status_code=HTTPStatus.NO_CONTENT)
def change_password(
    change: PasswordChange,
    caller: KnownCaller,
    request: Request,
    response: Response,
    context: Context,
) -> None:
    """Change the password of the person logged in, and end all the person's sessions."""
    replace_own_password(context, caller, change, request, response)


def replace_own_password(
    context: ApiContext,
    caller: Caller,
    change: PasswordChange,
    request: Request,
    response: Response,
) -> None:
    """Give the caller the new password, and remove the cookie of the session that ends.

    Raises Problem `no_password`, `password_refused`, `wrong_password` or `too_many`.
    """
    if not caller.by_cookie:
        detail = "a token has no password; log in at POST /api/v1/login as the person"
        raise Problem(HTTPStatus.FORBIDDEN, "no_password", detail)
    address = begin_try(context, caller.name, request)
    try:
        with context.logins.taken():
            fits = change_own_password(context.database, caller.actor, change.old, change.new)
    except AccountError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "password_refused", str(error)) from error
    if not fits:
        detail = "the old password is not that of this account"
        raise Problem(HTTPStatus.FORBIDDEN, "wrong_password", detail)
    context.guess_lock.succeeded(caller.name, address)
    remove_session_cookie(request, response)
