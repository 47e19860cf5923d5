"""The two lists and the counts of a control-room page, read at one moment."""

from dataclasses import dataclass
from typing import Any

from alerts.store.queries import alerts_calling, summarise
from api.auditing import note_devices_read, note_tickets_read
from api.context import ApiContext
from desk.accounts.accounts import Caller
from desk.accounts.rights import may
from desk.accounts.scope import Scope
from desk.database.engine import reading
from desk.tickets.life_cycle import allowed_events
from desk.tickets.queries import open_tickets

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Board:
    """Alerts and tickets that call for attention, the most urgent first, and the summary.

    Each ticket has under `events` the events that its state allows and the caller may do.
    `may_acknowledge` says whether the caller may acknowledge alerts.
    """

    alerts: list[Document]
    tickets: list[Document]
    summary: Document
    may_acknowledge: bool


def read_board(context: ApiContext, caller: Caller, most_alerts: int, most_tickets: int) -> Board:
    """At most so many alerts and tickets of the caller's scope."""
    with reading(context.database) as session:
        alerts = alerts_calling(session, caller.scope, most_alerts)
        tickets = open_tickets(session, caller.scope, most_tickets)
        summary = summarise(session, caller.scope)
    note_tickets_read(context, caller, tickets)
    of_devices = [{"id": alert["subject"], "household": alert.get("household")} for alert in alerts]
    note_devices_read(context, caller, of_devices)
    shown = [_with_events(ticket, caller.scope) for ticket in tickets]
    return Board(alerts, shown, summary, may(caller.scope, "acknowledge"))


def _with_events(ticket: Document, scope: Scope) -> Document:
    events = allowed_events(ticket["state"], proposed=ticket["proposed"] is not None)
    return {**ticket, "events": tuple(event for event in events if may(scope, event))}
