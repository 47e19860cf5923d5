"""Tickets: list, read, take in, and step through their states (contract §7, §8)."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from alerts.store.actions import step_ticket
from api.auditing import note_tickets_read
from api.callers import KnownCaller
from api.context import Context
from api.lists import Page, WantedPage
from desk.audit.trail import acting
from desk.database.engine import reading
from desk.tickets.actions import StepDetails, create_ticket
from desk.tickets.life_cycle import TicketEvent, TicketKind, TicketSource
from desk.tickets.queries import TicketFilter, get_ticket, list_tickets
from desk.tickets.reports import Intake

router = APIRouter(prefix="/tickets")

Name = Annotated[str, Field(min_length=1, max_length=64)]
Text = Annotated[str, Field(min_length=1, max_length=2_000)]
Time = Annotated[int, Field(ge=0, lt=2**53)]
Part = Annotated[str, Field(min_length=1, max_length=128)]


class FaultReport(BaseModel):
    """A report by a person; `device`, or else the village, says where. `called_at` is UTC ms."""

    model_config = ConfigDict(extra="forbid")

    kind: TicketKind = "complaint"
    source: TicketSource = "other"
    text: Text
    device: Name | None = None
    household: Name | None = None
    district: Name | None = None
    town: Name | None = None
    village: Name | None = None
    caller_name: Name | None = None
    caller_phone: Name | None = None
    called_at: Time | None = None


class TicketStep(BaseModel):
    """A ticket event and its facts; with `version`, only if the ticket is still that one."""

    model_config = ConfigDict(extra="forbid")

    event: TicketEvent
    version: Annotated[int, Field(ge=1, lt=2**53)] | None = None
    crew: Name | None = None
    payer: Name | None = None
    fault: Text | None = None
    measures: Text | None = None
    parts: Annotated[list[Part], Field(max_length=50)] | None = None
    score: Annotated[int, Field(ge=1, le=5)] | None = None
    note: Text | None = None
    why: Text | None = None


@router.get("", response_model=Page)
def tickets(
    context: Context,
    caller: KnownCaller,
    wanted: Annotated[TicketFilter, Depends()],
    page: WantedPage,
) -> dict[str, Any]:
    """Tickets, newest first; `unfinished=true` leaves out those closed or cancelled."""
    with reading(context.database) as session:
        listed = list_tickets(session, caller.scope, wanted, page.limit, page.cursor)
    note_tickets_read(context, caller, listed["items"])
    return listed


@router.get("/{ticket}")
def ticket(ticket: str, context: Context, caller: KnownCaller) -> dict[str, Any]:
    """One ticket, with its audit trail under `events`.

    `advice` holds, by the id of each of its alerts, what that means and what to check first.
    """
    with reading(context.database) as session:
        document = get_ticket(session, caller.scope, ticket)
    note_tickets_read(context, caller, [document])
    linked = [event["details"] for event in document["events"] if event["event"] == "alert"]
    advice = {alert["alert"]: context.advice(alert["rule"], alert["code"]) for alert in linked}
    return {**document, "advice": advice}


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.OK: {"description": "The report joined a ticket that is not ended"}},
)
def take_in(
    report: FaultReport, response: Response, context: Context, caller: KnownCaller
) -> dict[str, Any]:
    """Take in a report: 201 with a new ticket, or 200 with the open ticket that it joins."""
    intake, now = Intake(**report.model_dump()), context.clock()
    with acting(context.database, caller.actor, "ticket.report", now) as session:
        document, created = create_ticket(
            session, caller.scope, intake, caller.name, now, context.terms
        )
    if not created:
        response.status_code = HTTPStatus.OK
    return document


@router.post("/{ticket}/events")
def step(ticket: str, step: TicketStep, context: Context, caller: KnownCaller) -> dict[str, Any]:
    """Step a ticket; 409 with the reason where its state forbids that or it has changed.

    Closing or cancelling it while an alert of it is active needs `why`.
    """
    details = StepDetails(**step.model_dump(exclude={"event", "version"}))
    now, by = context.clock(), caller.name
    with acting(context.database, caller.actor, f"ticket.{step.event}", now) as session:
        return step_ticket(
            session, caller.scope, ticket, step.event, by, now, details, step.version
        )
