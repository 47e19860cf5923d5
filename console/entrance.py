"""The way in and out: login, logout, the own password, the language."""

from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api import (
    Context,
    Credentials,
    PasswordChange,
    Problem,
    close_session,
    find_caller,
    note_refusal,
    open_session,
    replace_own_password,
)
from console.rendering import LANGUAGE_COOKIE, render
from console.texts import Language

_YEAR_S: Final = 365 * 86_400

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/login")
def login_page(request: Request, context: Context) -> Response:
    """The login form."""
    if find_caller(request, context) is not None:
        return RedirectResponse("/", HTTPStatus.SEE_OTHER)
    return render(request, "login.html", {"failure": None, "name": ""})


@router.post("/login")
def login(
    request: Request, context: Context, credentials: Annotated[Credentials, Form()]
) -> Response:
    """Log in by the form; on failure the form again, saying why."""
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    try:
        open_session(context, credentials, request, response)
    except Problem as problem:
        return render(
            request,
            "login.html",
            {"failure": problem.code, "name": credentials.name},
            problem.status,
        )
    return response


@router.post("/logout")
def logout(request: Request, context: Context) -> Response:
    """Log out and show the login form."""
    response = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    close_session(context, request, response)
    return response


@router.get("/password")
def password_page(request: Request, context: Context) -> Response:
    """The form for a new password of one's own."""
    if find_caller(request, context) is None:
        return RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    return render(request, "password.html", {"failure": None})


@router.post("/password")
def change_password(
    request: Request, context: Context, change: Annotated[PasswordChange, Form()]
) -> Response:
    """Change the own password and show the login; on failure the form again, saying why."""
    response = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    caller = find_caller(request, context)
    if caller is None:
        return response
    try:
        replace_own_password(context, caller, change, request, response)
    except Problem as problem:
        note_refusal(request, problem.status, problem.code, f"account:{caller.name}")
        return render(request, "password.html", {"failure": problem.code}, problem.status)
    return response


@router.get("/language/{language}")
def choose_language(language: Language, request: Request) -> Response:
    """Remember the language and go back to the page that asked."""
    response = RedirectResponse(_page_before(request), HTTPStatus.SEE_OTHER)
    response.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_S, samesite="lax", httponly=True)
    return response


def _page_before(request: Request) -> str:
    before = urlsplit(request.headers.get("referer", ""))
    if (
        before.netloc != request.url.netloc
        or not before.path.startswith("/")
        or before.path.startswith("//")
    ):
        return "/"
    return f"{before.path}?{before.query}" if before.query else before.path
