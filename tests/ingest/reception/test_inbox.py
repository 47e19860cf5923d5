import queue
import threading

from ingest.durable.commit import pause_s
from ingest.reception.inbox import DeliveryInbox
from messaging.allowance import Allowance
from messaging.session import Connected, Delivery, Disconnected, Event, Published
from tests.servers import wait_until


def delivery(mid: int, connection: int = 1, qos: int = 1) -> Delivery:
    return Delivery("t", b"", False, qos, mid, connection)


def inbox_of(*events: Event) -> tuple[DeliveryInbox, list[Event]]:
    arrived: queue.SimpleQueue[Event] = queue.SimpleQueue()
    for event in events:
        arrived.put(event)
    noticed: list[Event] = []
    return DeliveryInbox(arrived, noticed.append, Allowance(0)), noticed


def taken(inbox: DeliveryInbox) -> list[int]:
    mids = []
    while (delivered := inbox.take(0.001)) is not None:
        mids.append(delivered.mid)
    return mids


def test_deliveries_come_in_order_and_the_rest_is_noticed() -> None:
    inbox, noticed = inbox_of(
        delivery(1), Connected(1), Published(9), delivery(2), Disconnected("gone")
    )
    assert taken(inbox) == [1, 2]
    assert noticed == [Connected(1), Disconnected("gone")]


def test_what_a_former_connection_brought_is_left_to_the_broker() -> None:
    inbox, _ = inbox_of(
        delivery(1), delivery(2), Disconnected("gone"), delivery(1, 2), Connected(2), delivery(2, 2)
    )
    inbox.absorb()
    kept = [inbox.take(0.001), inbox.take(0.001), inbox.take(0.001)]
    assert kept == [delivery(1, 2), delivery(2, 2), None]


def test_what_is_taken_or_dropped_makes_room_again() -> None:
    arrived: queue.SimpleQueue[Event] = queue.SimpleQueue()
    allowance = Allowance(3 * delivery(1).size)
    inbox = DeliveryInbox(arrived, lambda _: None, allowance)
    came: list[int] = []

    def bring() -> None:
        for mid in range(8):
            sent = delivery(mid, connection=1 if mid < 6 else 2)
            allowance.take(sent.size, patience_s=60)
            came.append(mid)
            arrived.put(sent)

    network = threading.Thread(target=bring)
    network.start()
    wait_until(lambda: came == [0, 1, 2])
    inbox.absorb()
    assert [taken.mid for taken in (inbox.take(5), inbox.take(5)) if taken] == [0, 1]
    wait_until(lambda: came == [0, 1, 2, 3, 4])
    assert [taken.mid for taken in (inbox.take(5), inbox.take(5)) if taken] == [2, 3]
    wait_until(
        lambda: len(came) == 7
    )  # room for the first of the new connection, which clears the old one's
    inbox.absorb()
    network.join(5)
    assert came == list(range(8))
    assert taken(inbox) == [6, 7]


def test_nobody_waits_for_room_any_more_once_it_is_lifted() -> None:
    allowance = Allowance(1)
    allowance.take(5, patience_s=60)
    network = threading.Thread(target=allowance.take, args=[5, 60])
    network.start()
    allowance.lift()
    network.join(5)
    assert not network.is_alive()


def test_who_cannot_wait_takes_from_a_reserve_that_ends_too() -> None:
    allowance = Allowance(10)
    came: list[int] = []

    def bring() -> None:
        for size in (10, 5, 5, 5):
            allowance.take(size, patience_s=0.001)
            came.append(size)

    network = threading.Thread(target=bring)
    network.start()
    wait_until(lambda: came == [10, 5, 5])
    assert network.is_alive()
    allowance.give_back(1)
    network.join(5)
    assert came == [10, 5, 5, 5]


def test_pauses_grow_to_a_limit_and_are_spread() -> None:
    assert [pause_s(attempt, 1.0) for attempt in range(4)] == [0.25, 0.5, 1.0, 2.0]
    assert pause_s(10_000, 1.0) == 5.0
    assert pause_s(10_000, 0.0) == 2.5
