"""What the broker has delivered and nobody has judged yet; bounded, however long the store is away."""

import queue
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog

from messaging.session import Delivery, Event, Published

# A broker sends no more than its in-flight limit before it waits for PUBACKs, which keeps the inbox far below this; one
# without a limit, or QoS 0, would fill the memory.
_MOST_BYTES: Final = 64 * 1024 * 1024
_DELIVERY_BYTES: Final = 1_000  # what one occupies beside its payload, rounded up

_log = structlog.get_logger()


class Inbox:
    """Deliveries of the newest connection, in arrival order.

    What a former connection brought and nobody has taken yet is dropped: the broker brings it again. So it does with
    what is let go when the inbox is full, after a reconnect as soon as the inbox is empty.
    """

    def __init__(
        self, events: "queue.SimpleQueue[Event]", notice: Callable[[Event], None], reconnect: Callable[[], None]
    ) -> None:
        """`notice` is told of everything that is not a delivery; `reconnect` makes the broker deliver again."""
        self._events = events
        self._notice = notice
        self._reconnect = reconnect
        self._waiting: deque[Delivery] = deque()
        self._bytes = 0
        self._full = False

    def take(self, timeout_s: float) -> Delivery | None:
        """The next delivery, or None if none comes within `timeout_s`."""
        self.absorb()
        if not self._waiting:
            self._begin_again()
            try:
                self._receive(self._events.get(timeout=timeout_s))
            except queue.Empty:
                return None
        if not self._waiting:
            return None
        delivery = self._waiting.popleft()
        self._bytes -= _size(delivery)
        return delivery

    def absorb(self) -> None:
        """Take over whatever has arrived, without waiting."""
        while True:
            try:
                self._receive(self._events.get_nowait())
            except queue.Empty:
                return

    def _begin_again(self) -> None:
        if self._full:
            self._full = False
            self._reconnect()

    def _receive(self, event: Event) -> None:
        if isinstance(event, Delivery):
            self._keep(event)
        elif not isinstance(event, Published):
            self._notice(event)

    def _keep(self, delivery: Delivery) -> None:
        if self._waiting and self._waiting[-1].connection != delivery.connection:
            self._waiting.clear()
            self._bytes, self._full = 0, False
        if not self._full and self._bytes > _MOST_BYTES:
            self._full = True
            _log.warning("inbox_full", waiting=len(self._waiting), advice="limit the broker's in-flight messages")
        if not self._full:
            self._waiting.append(delivery)
            self._bytes += _size(delivery)


def _size(delivery: Delivery) -> int:
    return len(delivery.payload) + _DELIVERY_BYTES
