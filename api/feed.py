"""`GET /api/v1/feed`: the live feed as server-sent events (contract §7).

Clients resume with `Last-Event-ID`. Where that is older than the log, or was never given out, the
feed begins anew with an event `reset`, whose id is that of the newest line: the client reads its
lists again and goes on from there.

Events `alert`, `ticket` and `status` carry the id of their `feed_event` row. A `heartbeat` without
id carries the server time; it is sent only after the database answered, so its absence means that
the feed is dead.
"""

from asyncio import sleep
from collections.abc import AsyncIterator, Container
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from api.auditing import note_refusal, note_tickets_read
from api.callers import KnownCaller
from api.context import ApiContext, Context
from api.problems import Problem
from desk.accounts.accounts import NOTED_EVERY_MS, Caller, note_use, still_valid
from desk.accounts.rights import seen_alert, seen_ticket
from desk.accounts.scope import Scope as CallerScope
from desk.database.engine import reading
from desk.database.tables import FeedEventRow
from desk.live_feed import feed_events, is_beyond_feed, newest_feed_id, out_of_reach
from wire.encode import to_json

router = APIRouter()
_log = structlog.get_logger()

POLL_S: Final = 0.25
"""How often the database is asked: an event has to be on the page within a second."""

HEARTBEAT_MS: Final = 1_000
"""Three may be missed before the five seconds after which the lamp must say 断线 (console
"frame")."""

_BATCH: Final = 500
_SEEN: Final = {"ticket": seen_ticket, "alert": seen_alert}
_OF_A_GONE_TICKET: Final = ("id", "state", "version")
_OWN_PING_S: Final = 3_600  # the library's comment pings are not needed beside the heartbeat


@dataclass(slots=True)
class _Reader:
    """One open feed: who reads it, the last event sent, and when the last heartbeat went out.

    `is_new` until it is known whether the reader can go on after `last`.
    """

    context: ApiContext
    caller: Caller
    last: int
    is_new: bool
    beat_at: int = 0
    noted_at: int = 0

    def poll(self) -> list[ServerSentEvent] | None:
        """The events to send now; None when the caller may no longer read."""
        now = self.context.clock()
        with reading(self.context.database) as session:
            if not still_valid(session, self.caller, now):
                return None
            events = self._reset(session, now) if self.is_new else []
            rows = feed_events(session, self.caller.scope, self.last, _BATCH)
            gone = out_of_reach(session, self.caller.scope, rows)
            payloads = [_payload(row, self.caller.scope, gone) for row in rows]
            events += [_event(row, payload) for row, payload in zip(rows, payloads, strict=True)]
            tickets = [
                payload for row, payload in zip(rows, payloads, strict=True) if row.kind == "ticket"
            ]
            self.last = rows[-1].id if rows else self.last
        self.is_new = False
        note_tickets_read(self.context, self.caller, tickets)
        if now - self.noted_at >= NOTED_EVERY_MS:
            self.noted_at = now
            note_use(self.context.database, self.caller, now)
        if now - self.beat_at >= HEARTBEAT_MS:
            self.beat_at = now
            events.append(ServerSentEvent(to_json({"at": now}).decode(), event="heartbeat"))
        return events

    def _reset(self, session: Session, now: int) -> list[ServerSentEvent]:
        """Where the reader cannot go on: begin anew after the newest line, and say so."""
        if not is_beyond_feed(session, self.last):
            return []
        self.last = newest_feed_id(session)
        data = to_json({"at": now, "after": self.last}).decode()
        return [ServerSentEvent(data, event="reset", id=str(self.last))]


@router.get("/feed", response_class=EventSourceResponse)
async def feed(
    context: Context,
    caller: KnownCaller,
    after: Annotated[int | None, Query(ge=0)] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventSourceResponse:
    """Changes from now on, or everything after event `Last-Event-ID` (or `?after=`)."""
    start = _resume_point(last_event_id, after)
    resumes = start is not None
    if start is None:
        start = await run_in_threadpool(_newest, context)
    reader = _Reader(context, caller, start, is_new=resumes)
    return _SeatedFeed(reader)


class _SeatedFeed(EventSourceResponse):
    """A feed that holds a seat of its account while it is open; 429 where none is free."""

    def __init__(self, reader: _Reader) -> None:
        super().__init__(_stream(reader), ping=_OWN_PING_S, sep="\n")
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seats, name = self._reader.context.feeds, self._reader.caller.name
        try:
            seats.take(name)
        except Problem as problem:
            refused = (Request(scope), problem.status, problem.code)
            await run_in_threadpool(note_refusal, *refused)
            await problem.response()(scope, receive, send)
            return
        try:
            await super().__call__(scope, receive, send)
        finally:
            seats.leave(name)


def _newest(context: ApiContext) -> int:
    with reading(context.database) as session:
        return newest_feed_id(session)


def _resume_point(last_event_id: str | None, after: int | None) -> int | None:
    if last_event_id is None:
        return after
    if not last_event_id.isascii() or not last_event_id.isdecimal() or len(last_event_id) > 18:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "invalid_request",
            "Last-Event-ID is the id of a feed event",
        )
    return int(last_event_id)


async def _stream(reader: _Reader) -> AsyncIterator[ServerSentEvent]:
    while not reader.context.stop.is_set():
        try:
            events = await run_in_threadpool(reader.poll)
        except SQLAlchemyError as error:
            _log.error("feed_ended", caller=reader.caller.name, error=str(error))
            return
        if events is None:
            return
        for event in events:
            yield event
        if len(events) < _BATCH:
            await sleep(POLL_S)


def _payload(row: FeedEventRow, scope: CallerScope, gone: Container[int]) -> dict[str, Any]:
    """A line as the role sees it; of a ticket out of its reach only that it has ended."""
    seen = _SEEN.get(row.kind)
    payload = row.payload if seen is None else seen(scope, row.payload)
    if row.id in gone:
        return {name: payload.get(name) for name in _OF_A_GONE_TICKET}
    return payload


def _event(row: FeedEventRow, payload: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(to_json(payload).decode(), event=row.kind, id=str(row.id))
