"""The answers of every endpoint in the OpenAPI document, refusals included, in one place."""

from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE

_REFUSALS: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_TEXTS: Final = ("type", "title", "code", "detail")
_PROBLEM: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "RFC 9457; `code` is stable, `detail` says what to do.",
    "type": "object",
    "required": [*_TEXTS, "status"],
    "properties": {
        **{name: {"type": "string"} for name in _TEXTS},
        "status": {"type": "integer"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
_SCHEMA: Final = {"$ref": "#/components/schemas/Problem"}


def document_refusals(app: FastAPI) -> None:
    """Name every refusal in the OpenAPI document of `app`, with its schema."""
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]  # as FastAPI documents it


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        document["components"]["schemas"]["Problem"] = _PROBLEM
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"] = _refusals() | _own(operation["responses"])
        app.openapi_schema = document
    return app.openapi_schema


def _refusals() -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": _SCHEMA}}
    return {
        str(int(status)): {"description": status.phrase, "content": content} for status in _REFUSALS
    }


def _own(responses: dict[str, Any]) -> dict[str, Any]:
    """What an endpoint itself declares, without FastAPI's own form of 422, which is not sent."""
    return {status: answer for status, answer in responses.items() if status != "422"}
