"""Tickets: list, look at, take in, and step through their states (contract §7, §8)."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from alerts.store.queries import (
    Intake,
    StepDetails,
    create_ticket,
    get_ticket,
    list_tickets,
    ticket_event,
)
from api.callers import KnownCaller
from api.context import Context
from api.lists import DEFAULT, Cursor, Limit, Page
from desk.database.tables import reading, writing
from desk.tickets.life_cycle import Event, Kind, ServiceProfile, Source, State

router = APIRouter(prefix="/tickets")

Name = Annotated[str, Field(min_length=1, max_length=64)]
Text = Annotated[str, Field(min_length=1, max_length=2_000)]
Time = Annotated[int, Field(ge=0, lt=2**53)]
Part = Annotated[str, Field(min_length=1, max_length=128)]


class Report(BaseModel):
    """What somebody reported; `device`, or else the village, says where. `called_at` is UTC ms."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = "complaint"
    source: Source = "other"
    text: Text
    device: Name | None = None
    household: Name | None = None
    district: Name | None = None
    town: Name | None = None
    village: Name | None = None
    caller_name: Name | None = None
    caller_phone: Name | None = None
    called_at: Time | None = None


class Step(BaseModel):
    """A ticket event and what comes with it; with `version`, only if the ticket is still that
    one."""

    model_config = ConfigDict(extra="forbid")

    event: Event
    version: Annotated[int, Field(ge=1, lt=2**53)] | None = None
    crew: Name | None = None
    payer: Name | None = None
    fault: Text | None = None
    measures: Text | None = None
    parts: Annotated[list[Part], Field(max_length=50)] | None = None
    score: Annotated[int, Field(ge=1, le=5)] | None = None
    note: Text | None = None


@router.get("", response_model=Page)
def tickets(
    context: Context,
    caller: KnownCaller,
    state: State | None = None,
    kind: Kind | None = None,
    town: str | None = None,
    village: str | None = None,
    device: str | None = None,
    source: Source | None = None,
    unfinished: bool | None = None,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Tickets, newest first; `unfinished=true` leaves out those closed or cancelled."""
    with reading(context.database) as session:
        return list_tickets(
            session,
            caller.scope,
            state=state,
            kind=kind,
            town=town,
            village=village,
            device=device,
            source=source,
            unfinished=unfinished,
            limit=limit,
            cursor=cursor,
        )


@router.get("/{ticket}")
def ticket(ticket: str, context: Context, caller: KnownCaller) -> dict[str, Any]:
    """One ticket, with its audit trail under `events`, and under `advice` that of each of its
    alerts, by id."""
    with reading(context.database) as session:
        document = get_ticket(session, caller.scope, ticket)
    linked = [event["details"] for event in document["events"] if event["event"] == "alert"]
    return {
        **document,
        "advice": {one["alert"]: context.advice(one["rule"], one["code"]) for one in linked},
    }


@router.post("", status_code=HTTPStatus.CREATED)
def take_in(
    report: Report, response: Response, context: Context, caller: KnownCaller
) -> dict[str, Any]:
    """Take in a report: 201 with a new ticket, or 200 with the open ticket of the same fault, which
    it joins."""
    settings = context.settings
    profile = ServiceProfile(
        settings.dispatch_within, settings.onsite_within, settings.repair_within
    )
    intake = Intake(**report.model_dump())
    with writing(context.database) as session:
        document, created = create_ticket(
            session, caller.scope, intake, caller.name, context.clock(), profile
        )
    if not created:
        response.status_code = HTTPStatus.OK
    return document


@router.post("/{ticket}/events")
def step(ticket: str, step: Step, context: Context, caller: KnownCaller) -> dict[str, Any]:
    """Step a ticket; 409 with the reason where its state does not allow that, or where it has
    changed meanwhile."""
    details = StepDetails(**step.model_dump(exclude={"event", "version"}))
    with writing(context.database) as session:
        return ticket_event(
            session,
            caller.scope,
            ticket,
            step.event,
            caller.name,
            context.clock(),
            details,
            step.version,
        )
