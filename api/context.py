"""Everything an endpoint needs, made once and handed to each by FastAPI's dependency injection."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from api.seats import MOST_FEEDS, MOST_LOGINS, MOST_SEARCHES, Seats
from desk.accounts.guess_lock import GuessLock
from desk.audit.tally import ReadingTally, RefusalTally
from desk.tickets.terms import ServiceTerms
from ingest.store import ReadingStore

Advice = Callable[[str, str | None], Mapping[str, Mapping[str, str]]]
"""By rule and code: what an alert means and what to check first, each in every language."""


@dataclass(slots=True)
class ApiContext:
    """The server's parts as the endpoints see them.

    `readiness` lists what is missing for the services to work, `clock` gives UTC ms, `stop` ends
    open feeds when set. `terms` are those of tickets that people open; `operators` are on duty.
    `listed` returns the gateways that the list of devices names, by device.
    """

    database: Engine
    store: ReadingStore
    readiness: Callable[[], list[str]]
    clock: Callable[[], int]
    stop: Event
    terms: ServiceTerms
    advice: Advice
    operators: int = 1
    listed: Callable[[], Mapping[str, str]] = dict
    guess_lock: GuessLock = field(default_factory=GuessLock)
    searches: Seats = field(
        default_factory=lambda: Seats(MOST_SEARCHES, "questions about readings")
    )
    feeds: Seats = field(default_factory=lambda: Seats(MOST_FEEDS, "feeds of one account"))
    logins: Seats = field(default_factory=lambda: Seats(MOST_LOGINS, "logins"))
    refusals: RefusalTally = field(default_factory=RefusalTally)
    readings: ReadingTally = field(default_factory=ReadingTally)


def _context(request: Request) -> ApiContext:
    context: ApiContext = request.app.state.context
    return context


Context = Annotated[ApiContext, Depends(_context)]
