"""Puts the endpoints together into one application."""

from typing import Final

from fastapi import APIRouter, FastAPI

from api import (
    alerts,
    audit,
    devices,
    error_answers,
    extreme_cold,
    feed,
    fleet,
    gateways,
    operations,
    own_password,
    performance,
    sessions,
    summary,
    tickets,
)
from api.context import ApiContext
from api.documented import document_refusals
from api.protection import BodyLimit, SecurityHeaders

PREFIX: Final = "/api/v1"

_RESOURCES: Final = (
    *(sessions, alerts, tickets, devices, fleet, feed),
    *(summary, extreme_cold, performance, gateways, own_password, audit),
)


def create_app(context: ApiContext) -> FastAPI:
    """The HTTP API as an ASGI application."""
    app = FastAPI(
        title="hearthwatch",
        version="1",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.context = context
    api = APIRouter(prefix=PREFIX)
    for resource in _RESOURCES:
        api.include_router(resource.router)
    app.include_router(operations.router)
    app.include_router(api)
    error_answers.install(app)
    document_refusals(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)
    return app
