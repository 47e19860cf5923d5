"""The two lists and the counts of a control-room page, read at one moment."""

from dataclasses import dataclass
from typing import Any

from alerts.store.queries import alerts_calling, summarise
from api.context import ApiContext
from desk.accounts.accounts import Caller
from desk.database.engine import reading
from desk.tickets.life_cycle import allowed_events
from desk.tickets.queries import open_tickets

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Board:
    """Alerts and tickets that call for attention, the most urgent first, and the summary.

    Each ticket has under `events` the events that its state allows. `may_act` says whether the
    caller may change them.
    """

    alerts: list[Document]
    tickets: list[Document]
    summary: Document
    may_act: bool


def read_board(context: ApiContext, caller: Caller, most_alerts: int, most_tickets: int) -> Board:
    """At most so many alerts and tickets of the caller's scope."""
    with reading(context.database) as session:
        alerts = alerts_calling(session, caller.scope, most_alerts)
        tickets = open_tickets(session, caller.scope, most_tickets)
        summary = summarise(session, caller.scope)
    return Board(alerts, [_with_events(each) for each in tickets], summary, caller.scope.may_act())


def _with_events(ticket: Document) -> Document:
    events = allowed_events(ticket["state"], proposed=ticket["proposed"] is not None)
    return {**ticket, "events": events}
