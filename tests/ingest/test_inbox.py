import queue

import pytest

from ingest.commit import pause_s
from ingest.inbox import Inbox
from messaging.session import Connected, Delivery, Disconnected, Event, Published

RECONNECT = Disconnected("asked for")


def delivery(mid: int, connection: int = 1, qos: int = 1) -> Delivery:
    return Delivery("t", b"", False, qos, mid, connection)


def inbox_of(*events: Event) -> tuple[Inbox, list[Event]]:
    arrived: queue.SimpleQueue[Event] = queue.SimpleQueue()
    for event in events:
        arrived.put(event)
    noticed: list[Event] = []
    return Inbox(arrived, noticed.append, lambda: noticed.append(RECONNECT)), noticed


def taken(inbox: Inbox) -> list[int]:
    mids = []
    while (one := inbox.take(0.001)) is not None:
        mids.append(one.mid)
    return mids


def test_deliveries_come_in_order_and_the_rest_is_noticed() -> None:
    inbox, noticed = inbox_of(delivery(1), Connected(1), Published(9), delivery(2), Disconnected("gone"))
    assert taken(inbox) == [1, 2]
    assert noticed == [Connected(1), Disconnected("gone")]


def test_what_a_former_connection_brought_is_left_to_the_broker() -> None:
    inbox, _ = inbox_of(delivery(1), delivery(2), Disconnected("gone"), delivery(1, 2), Connected(2), delivery(2, 2))
    inbox.absorb()
    kept = [inbox.take(0.001), inbox.take(0.001), inbox.take(0.001)]
    assert kept == [delivery(1, 2), delivery(2, 2), None]


def test_qos_0_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.inbox._MOST_BYTES", 2_500)
    inbox, noticed = inbox_of(*(delivery(0, qos=0) for _ in range(9)))
    assert (taken(inbox), noticed) == ([0, 0, 0], [RECONNECT])


def test_a_full_inbox_lets_go_of_all_that_follows_and_asks_for_it_when_it_is_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest.inbox._MOST_BYTES", 2_500)
    inbox, noticed = inbox_of(*(delivery(mid) for mid in range(1, 6)))
    first = [inbox.take(0.001) for _ in range(3)]
    inbox._receive(delivery(6))  # room again, but what came before it was let go
    assert (first, inbox.take(0.001)) == ([delivery(1), delivery(2), delivery(3)], None)
    assert noticed == [RECONNECT]
    inbox._receive(delivery(4, 2))
    assert (taken(inbox), noticed) == ([4], [RECONNECT])


def test_pauses_grow_to_a_limit_and_are_spread() -> None:
    assert [pause_s(attempt, 1.0) for attempt in range(4)] == [0.25, 0.5, 1.0, 2.0]
    assert pause_s(10_000, 1.0) == 15.0
    assert pause_s(10_000, 0.0) == 7.5
