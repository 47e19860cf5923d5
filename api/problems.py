"""Errors as `application/problem+json` with a stable `code` (RFC 9457; contract §7)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi.responses import JSONResponse
from prometheus_client import Counter

MEDIA_TYPE: Final = "application/problem+json"
REFUSED: Final = Counter("hearthwatch_http_refused", "Requests answered with a problem", ["code"])


class Problem(Exception):  # noqa: N818 - a state or an answer, not a mistake of ours
    """An answer other than success: HTTP `status`, stable `code`, and a sentence of advice."""

    def __init__(
        self, status: HTTPStatus, code: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers

    def response(self, **extra: Any) -> JSONResponse:
        """The problem document, counted by its code; `extra` members stand beside the standard
        ones."""
        REFUSED.labels(self.code).inc()
        document = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "code": self.code,
            "detail": self.detail,
            **extra,
        }
        return JSONResponse(document, int(self.status), self.headers, MEDIA_TYPE)


def not_found(what: str) -> Problem:
    """404: `what` does not exist, or lies outside the caller's scope; the two must look alike."""
    return Problem(
        HTTPStatus.NOT_FOUND, "not_found", f"{what} does not exist, or is not yours to see"
    )
