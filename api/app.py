"""Puts the endpoints together into one application."""

from collections.abc import Callable, Sequence
from threading import Event

from fastapi import APIRouter, FastAPI
from sqlalchemy import Engine

from alerts.settings import AlertsSettings
from api import (
    alerts,
    devices,
    extreme_cold,
    feed,
    fleet,
    operations,
    performance,
    problems,
    sessions,
    summary,
    tickets,
)
from api.context import ApiContext
from api.protection import BodyLimit, SecurityHeaders
from ingest.store import ReadingStore
from rules.document.rule import Rule

PREFIX = "/api/v1"


def create_app(
    database: Engine,
    store: ReadingStore,
    settings: AlertsSettings,
    readiness: Callable[[], list[str]],
    clock: Callable[[], int],
    stop: Event,
    rules: Sequence[Rule] = (),
) -> FastAPI:
    """The HTTP API as an ASGI application.

    `readiness` lists what is missing (empty when ready), `clock` gives UTC ms, `stop` ends open
    feeds when set; `rules` tell what their alerts mean and what to check first.
    """
    app = FastAPI(
        title="hearthwatch",
        version="1",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.context = ApiContext(
        database, store, settings, readiness, clock, stop, {rule.id: rule for rule in rules}
    )
    api = APIRouter(prefix=PREFIX)
    for part in (
        sessions,
        alerts,
        tickets,
        devices,
        fleet,
        feed,
        summary,
        extreme_cold,
        performance,
    ):
        api.include_router(part.router)
    app.include_router(operations.router)
    app.include_router(api)
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)
    return app
