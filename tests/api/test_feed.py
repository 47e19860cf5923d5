"""The live feed: order, scope, resumption, heartbeat, and its end (contract §7)."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from sqlalchemy import delete

from desk.accounts.tokens import create_token, revoke_token
from desk.database.engine import writing
from desk.database.tables import FeedEventRow
from tests.api.serving import ELSEWHERE, Desk
from tests.servers import wait_until


@dataclass
class Event:
    kind: str
    id: int | None
    data: dict[str, object]


@dataclass
class Reader:
    """A client that reads the feed in its own thread."""

    desk: Desk
    headers: dict[str, str]
    query: str = ""
    events: list[Event] = field(default_factory=list)
    connected: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        with (
            httpx.Client(trust_env=False, timeout=10) as client,
            client.stream(
                "GET", f"{self.desk.url}/api/v1/feed{self.query}", headers=self.headers
            ) as response,
        ):
            assert response.headers["content-type"].startswith("text/event-stream")
            self.connected.set()
            self._take(response.iter_lines())
        self.ended.set()

    def _take(self, lines: Iterator[str]) -> None:
        event: dict[str, str] = {}
        for line in lines:
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
                continue
            identifier = int(event["id"]) if "id" in event else None
            self.events.append(Event(event["event"], identifier, json.loads(event["data"])))
            event = {}

    def of_kind(self, *kinds: str) -> list[Event]:
        return [event for event in self.events if event.kind in kinds]


@contextmanager
def reading_feed(desk: Desk, token: str, query: str = "", **headers: str) -> Iterator[Reader]:
    sent = {
        "Authorization": f"Bearer {token}",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    reader = Reader(desk, sent, query)
    thread = threading.Thread(target=reader.read)
    thread.start()
    try:
        assert reader.connected.wait(10)
        yield reader
    finally:
        desk.stop_feeds.set()
        thread.join(10)
        assert not thread.is_alive()


def test_an_alert_and_its_ticket_arrive_with_rising_ids(desk: Desk) -> None:
    desk.add_device("mtg-mt-0001")
    with reading_feed(desk, create_token(desk.database, "district")) as reader:
        alert = desk.raise_alert("mtg-mt-0001", code="fan:E1")
        wait_until(lambda: len(reader.of_kind("alert", "ticket")) == 2)
        events = reader.of_kind("alert", "ticket")
        assert {event.kind for event in events} == {"alert", "ticket"}
        assert [event.id for event in events] == sorted(event.id or 0 for event in events)
        assert reader.of_kind("alert")[0].data["id"] == alert
        wait_until(lambda: reader.of_kind("heartbeat"))
        assert reader.of_kind("heartbeat")[0].id is None


def test_it_resumes_after_the_last_event_seen_and_repeats_none(desk: Desk) -> None:
    ids = [desk.add_feed_event({"number": number}) for number in range(5)]
    token = create_token(desk.database, "district")
    with reading_feed(desk, token, Last_Event_ID=str(ids[1])) as reader:
        wait_until(lambda: len(reader.of_kind("status")) == 3)
        assert [event.id for event in reader.of_kind("status")] == ids[2:]


def test_without_a_last_event_it_starts_with_what_comes_next(desk: Desk) -> None:
    desk.add_feed_event({"number": 0})
    with reading_feed(desk, create_token(desk.database, "district")) as reader:
        wait_until(lambda: reader.of_kind("heartbeat"))
        new = desk.add_feed_event({"number": 1})
        wait_until(lambda: reader.of_kind("status"))
        assert [event.id for event in reader.of_kind("status")] == [new]


def test_it_survives_a_restart_of_the_server_without_gap(desk: Desk) -> None:
    token = create_token(desk.database, "district")
    ids = [desk.add_feed_event({"number": 0})]
    with reading_feed(desk, token, "?after=0") as reader:
        wait_until(lambda: reader.of_kind("status"))
        last = reader.of_kind("status")[-1].id
    desk.stop()
    ids += [desk.add_feed_event({"number": number}) for number in range(1, 4)]
    desk.start()
    with reading_feed(desk, token, Last_Event_ID=str(last)) as reader:
        wait_until(lambda: len(reader.of_kind("status")) == 3)
        assert [event.id for event in reader.of_kind("status")] == ids[1:]


def test_only_events_of_the_scope_are_told(desk: Desk) -> None:
    with reading_feed(desk, create_token(desk.database, "village", "matao"), "?after=0") as reader:
        desk.add_feed_event({"of": "others"}, ELSEWHERE)
        own = desk.add_feed_event({"of": "us"})
        wait_until(lambda: reader.of_kind("status"))
        assert [event.id for event in reader.of_kind("status")] == [own]


def test_a_revoked_token_ends_the_feed(desk: Desk) -> None:
    token = create_token(desk.database, "district")
    with reading_feed(desk, token) as reader:
        wait_until(lambda: reader.of_kind("heartbeat"))
        revoke_token(desk.database, token)
        assert reader.ended.wait(5)


def test_a_database_that_fails_ends_the_feed_rather_than_pretend(desk: Desk) -> None:
    with reading_feed(desk, create_token(desk.database, "district")) as reader:
        wait_until(lambda: reader.of_kind("heartbeat"))
        with desk.database.connect() as connection:
            connection.exec_driver_sql("ALTER TABLE feed_event RENAME TO feed_event_away")
            connection.commit()
        assert reader.ended.wait(5)


def test_a_last_event_id_that_is_none_is_refused(desk: Desk) -> None:
    token = create_token(desk.database, "district")
    for wrong in ("-1", "x", "9" * 30, "1.5"):
        headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": wrong}
        answer = httpx.get(f"{desk.url}/api/v1/feed", headers=headers, trust_env=False)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("last", [400, 2])
def test_an_event_that_the_log_does_not_hold_starts_it_afresh_visibly(
    desk: Desk, last: int
) -> None:
    """The future, after the database was put back from a backup; and the trimmed past."""
    ids = [desk.add_feed_event({"number": number}) for number in range(6)]
    with writing(desk.database) as session:
        session.execute(delete(FeedEventRow).where(FeedEventRow.id <= ids[3]))
    token = create_token(desk.database, "district")
    with reading_feed(desk, token, Last_Event_ID=str(last)) as reader:
        wait_until(lambda: reader.of_kind("reset"))
        assert [(event.kind, event.id) for event in reader.of_kind("reset", "status")] == [
            ("reset", ids[-1])
        ]
        new = desk.add_feed_event({"number": 6})
        wait_until(lambda: reader.of_kind("status"))
        assert [event.id for event in reader.of_kind("status")] == [new]


def test_the_oldest_line_of_the_log_is_no_reason_to_start_afresh(desk: Desk) -> None:
    ids = [desk.add_feed_event({"number": number}) for number in range(3)]
    with writing(desk.database) as session:
        session.execute(delete(FeedEventRow).where(FeedEventRow.id == ids[0]))
    token = create_token(desk.database, "district")
    with reading_feed(desk, token, Last_Event_ID=str(ids[0])) as reader:
        wait_until(lambda: len(reader.of_kind("status")) == 2)
        assert reader.of_kind("reset") == []
