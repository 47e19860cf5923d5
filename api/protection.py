"""What guards every request and response, whatever the endpoint: headers, body size, forged
origins."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem

MAX_BODY_BYTES: Final = 65_536
"""A hotline case with the longest texts the API takes is under 16 kB; four times that is room
enough."""

BODY_S: Final = 20.0
"""Time for a whole body: the largest one in four seconds at 128 kbit/s, and patience."""

# Everything comes from this server: the console works without internet. `style-src-attr` stays
# closed too; scripts set styles through the object model, which the policy allows.
_SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

_TOO_LARGE: Final = f"the request body is larger than {MAX_BODY_BYTES} bytes"
# As itself, in JSON, and in a form; PostgreSQL takes it in no text.
_NULS: Final = (b"\0", b"\\u0000", b"%00")
_LONGEST_NUL: Final = 5  # bytes of one that the next part of a body may complete
_NUL: Final = "the request holds a NUL character; leave it out"
_TOO_SLOW: Final = f"the request body did not arrive within {BODY_S:g} seconds"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def is_forged(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser sent this unsafe request on behalf of another site.

    Browsers say so in `Sec-Fetch-Site`, older ones in `Origin`. A request with neither comes from
    no browser, so it carries no cookie that its sender did not mean to send.
    """
    if method in _SAFE_METHODS:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


class SecurityHeaders:
    """Adds the security headers to every response, and forbids caching of what does not say
    otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BodyLimit:
    """Refuses a body above `MAX_BODY_BYTES` with 413, by its declared length and by what really
    arrives, one that takes longer than `BODY_S` with 408, and a NUL anywhere with 422."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared) > MAX_BODY_BYTES:
            problem = Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", _TOO_LARGE)
            await problem.response()(scope, receive, send)
            return
        if b"%00" in scope.get("raw_path", b"") + scope["query_string"]:
            problem = Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", _NUL)
            await problem.response()(scope, receive, send)
            return
        await self._app(scope, _BoundedBody(receive).receive, send)


class _BoundedBody:
    """Passes a body on as long as it keeps to size and time; its exceptions get through FastAPI."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._received = 0
        self._end = b""
        self._due: float | None = asyncio.get_running_loop().time() + BODY_S

    async def receive(self) -> Message:
        """The next message; raises HTTPException 408, 413 or 422."""
        try:
            async with asyncio.timeout_at(self._due):
                message = await self._receive()
        except TimeoutError as error:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, _TOO_SLOW) from error
        body = message.get("body", b"")
        self._received += len(body)
        if self._received > MAX_BODY_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LARGE)
        if any(nul in self._end + body for nul in _NULS):
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, _NUL)
        self._end = body[-_LONGEST_NUL:]
        if not message.get("more_body", False):
            self._due = None  # from here on it is a feed that waits for its reader to leave
        return message
