"""What every endpoint needs, made once and handed to each by FastAPI's dependency injection."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from alerts.settings import AlertsSettings
from desk.accounts.accounts import GuessLock
from ingest.store import ReadingStore
from rules.document.rule import Rule
from rules.document.texts import Texts


@dataclass(slots=True)
class ApiContext:
    """The server's parts as the endpoints see them.

    `readiness` lists what is missing for the services to do their work; `stop` ends open feeds when
    set; `rules` by id.
    """

    database: Engine
    store: ReadingStore
    settings: AlertsSettings
    readiness: Callable[[], list[str]]
    clock: Callable[[], int]
    stop: Event
    rules: Mapping[str, Rule]
    guess_lock: GuessLock = field(default_factory=GuessLock)

    def advice(self, rule: str, code: str | None) -> dict[str, Texts]:
        """What an alert means and what to check first, by ADVICE; empty where its rule says nothing
        or is gone."""
        return self.rules[rule].advice(code) if rule in self.rules else {}


def _context(request: Request) -> ApiContext:
    context: ApiContext = request.app.state.context
    return context


Context = Annotated[ApiContext, Depends(_context)]
