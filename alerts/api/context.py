"""What every endpoint needs, made once and handed to each by FastAPI's dependency injection."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from alerts.accounts import GuessLock
from alerts.settings import AlertsSettings
from ingest.store import ReadingStore


@dataclass(slots=True)
class ApiContext:
    """The server's parts as the endpoints see them.

    `readiness` lists what is missing for the services to do their work; `stop` ends open feeds when set.
    """

    database: Engine
    store: ReadingStore
    settings: AlertsSettings
    readiness: Callable[[], list[str]]
    clock: Callable[[], int]
    stop: Event
    guess_lock: GuessLock = field(default_factory=GuessLock)


def _context(request: Request) -> ApiContext:
    context: ApiContext = request.app.state.context
    return context


Context = Annotated[ApiContext, Depends(_context)]
