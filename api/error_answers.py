"""Answers every error of the application with a problem document, whichever layer raised it."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from api.auditing import note_refusal
from api.problems import Problem, not_found
from desk.database.paging import BadCursorError
from desk.errors import ActRefusedError, ConflictError, NotFoundError
from desk.tickets.life_cycle import IllegalTransitionError
from ingest.store import NobodyWaits, StoreUnavailable

_log = structlog.get_logger()

_REFUSED: Final = {
    "not_active": HTTPStatus.CONFLICT,
    "already_decided": HTTPStatus.CONFLICT,
    "decided_by_list": HTTPStatus.CONFLICT,
    "supervisor_needed": HTTPStatus.FORBIDDEN,
    "not_permitted": HTTPStatus.FORBIDDEN,
}
_CODES: Final = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.REQUEST_TIMEOUT: "too_slow",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid_request",
}


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document, whichever layer raised it."""
    for error, respond in _RESPONSES.items():
        app.add_exception_handler(error, respond)


def _answer(request: Request, problem: Problem, **extra: Any) -> JSONResponse:
    note_refusal(request, problem.status, problem.code)
    return problem.response(**extra)


def _on_problem(request: Request, error: Problem) -> JSONResponse:
    return _answer(request, error)


def _on_not_found(request: Request, error: NotFoundError) -> JSONResponse:
    return _answer(request, not_found(request.url.path))


def _on_bad_cursor(request: Request, error: BadCursorError) -> JSONResponse:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "bad_cursor", "cursor: take `next` of the page before"
    ).response()


def _on_conflict(request: Request, error: ConflictError) -> JSONResponse:
    return Problem(HTTPStatus.CONFLICT, error.code, str(error)).response()


def _on_illegal_transition(request: Request, error: IllegalTransitionError) -> JSONResponse:
    return Problem(HTTPStatus.CONFLICT, "illegal_transition", error.reason).response()


def _on_act_refused(request: Request, error: ActRefusedError) -> JSONResponse:
    status = _REFUSED.get(error.code, HTTPStatus.UNPROCESSABLE_ENTITY)
    return _answer(request, Problem(status, error.code, str(error)))


def _on_store(request: Request, error: StoreUnavailable) -> JSONResponse:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "store_unavailable", str(error), {"Retry-After": "5"}
    ).response()


def _on_left(request: Request, error: NobodyWaits) -> JSONResponse:
    # Nobody reads it; it is counted.
    return Problem(HTTPStatus.REQUEST_TIMEOUT, "client_left", str(error)).response()


def _on_http(request: Request, error: HTTPException) -> JSONResponse:
    status = HTTPStatus(error.status_code)
    code = _CODES.get(status, status.name.lower())
    detail = f"{request.method} {request.url.path}: {error.detail}"
    return _answer(request, Problem(status, code, detail, error.headers))


def _on_validation(request: Request, error: RequestValidationError) -> JSONResponse:
    mistakes = [
        {"at": ".".join(str(part) for part in item["loc"]), "message": item["msg"]}
        for item in error.errors()
    ]
    detail = "; ".join(f"{mistake['at']}: {mistake['message']}" for mistake in mistakes)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail).response(
        errors=mistakes
    )


def _on_database(request: Request, error: SQLAlchemyError) -> JSONResponse:
    _log.error("database_failed", path=request.url.path, error=str(error))
    detail = "the ticket database did not answer; try again, nothing was changed"
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "database_unavailable", detail, {"Retry-After": "2"}
    ).response()


def _on_crash(request: Request, error: Exception) -> JSONResponse:
    # The server that runs the application logs the trace; the caller learns only that it is not
    # their mistake.
    detail = "the server made a mistake; it has been logged"
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail).response()


_RESPONSES: Final[dict[type[Exception], Callable[[Request, Any], JSONResponse]]] = {
    Problem: _on_problem,
    NotFoundError: _on_not_found,
    BadCursorError: _on_bad_cursor,
    ConflictError: _on_conflict,
    IllegalTransitionError: _on_illegal_transition,
    ActRefusedError: _on_act_refused,
    StoreUnavailable: _on_store,
    NobodyWaits: _on_left,
    SQLAlchemyError: _on_database,
    HTTPException: _on_http,
    RequestValidationError: _on_validation,
    Exception: _on_crash,
}
