"""The cookie of a browser session: for this host alone, and over TLS never without it."""

from typing import Final

from fastapi import Request, Response

from desk.accounts.accounts import SESSION_MS

_NAME: Final = "hearthwatch_session"
_OF_THIS_HOST: Final = "__Host-"
"""Browsers take a cookie of this prefix over TLS only, for the whole host and no other (RFC 6265bis
section 4.1.3)."""


def session_cookie(request: Request) -> str | None:
    """The cookie that a request carries."""
    return request.cookies.get(_name(request))


def set_session_cookie(request: Request, response: Response, cookie: str) -> None:
    """Let the browser keep the cookie of a new session for as long as one lasts."""
    _put(request, response, cookie, SESSION_MS // 1_000)


def remove_session_cookie(request: Request, response: Response) -> None:
    """Let the browser forget it."""
    _put(request, response, "", 0)


def _put(request: Request, response: Response, value: str, seconds: int) -> None:
    secure = request.url.scheme == "https"
    response.set_cookie(
        _name(request), value, max_age=seconds, httponly=True, samesite="lax", secure=secure
    )


def _name(request: Request) -> str:
    return f"{_OF_THIS_HOST}{_NAME}" if request.url.scheme == "https" else _NAME
