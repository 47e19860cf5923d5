"""What the broker has delivered and nobody has judged yet; bounded, however long the store is away."""

import queue
from collections import deque
from collections.abc import Callable
from typing import Final

from messaging.session import Delivery, Event, Published

# A QoS 1 message that waits here is also kept by the broker, which sends no more than its in-flight limit. A QoS 0
# message is not held back by anything, so beyond this many waiting it is let go: its gateway sends it again.
_MOST_WAITING: Final = 10_000


class Inbox:
    """Deliveries of the newest connection, in arrival order.

    What a former connection brought and nobody has taken yet is dropped: the broker brings it again.
    """

    def __init__(self, events: "queue.SimpleQueue[Event]", notice: Callable[[Event], None]) -> None:
        """`notice` is told of everything that is not a delivery."""
        self._events = events
        self._notice = notice
        self._waiting: deque[Delivery] = deque()

    def take(self, timeout_s: float) -> Delivery | None:
        """The next delivery, or None if none comes within `timeout_s`."""
        self.absorb()
        if not self._waiting:
            try:
                self._receive(self._events.get(timeout=timeout_s))
            except queue.Empty:
                return None
        return self._waiting.popleft() if self._waiting else None

    def absorb(self) -> None:
        """Take over whatever has arrived, without waiting."""
        while True:
            try:
                self._receive(self._events.get_nowait())
            except queue.Empty:
                return

    def _receive(self, event: Event) -> None:
        if isinstance(event, Delivery):
            self._keep(event)
        elif not isinstance(event, Published):
            self._notice(event)

    def _keep(self, delivery: Delivery) -> None:
        if self._waiting and self._waiting[-1].connection != delivery.connection:
            self._waiting.clear()
        if delivery.qos > 0 or len(self._waiting) < _MOST_WAITING:
            self._waiting.append(delivery)
