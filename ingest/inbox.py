"""What the broker has delivered and nobody has judged yet; bounded, however long the store is away."""

import queue
from collections import deque
from collections.abc import Callable
from typing import Final

from messaging.session import Connected, Delivery, Event, Published

# A QoS 1 message that waits here is also kept by the broker, which sends no more than its in-flight limit. A QoS 0
# message is not held back by anything, so beyond this many waiting it is let go: its gateway sends it again.
_MOST_WAITING: Final = 10_000


class Inbox:
    """Deliveries of the present connection, in arrival order, each once.

    A broker that gets no PUBACK for a while sends again on the same connection; such a copy is dropped here, as is
    what a former connection brought, because the broker brings it again on the new one.
    """

    def __init__(self, events: "queue.SimpleQueue[Event]", notice: Callable[[Event], None]) -> None:
        """`notice` is told of everything that is not a delivery."""
        self._events = events
        self._notice = notice
        self._waiting: deque[Delivery] = deque()
        self._held: set[tuple[int, int]] = set()

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

    def release(self, delivery: Delivery) -> None:
        """To be called just before `delivery` is acknowledged: from then on its id may carry a new message."""
        self._held.discard((delivery.connection, delivery.mid))

    def _receive(self, event: Event) -> None:
        if isinstance(event, Delivery):
            self._keep(event)
        elif not isinstance(event, Published):
            if isinstance(event, Connected):
                self._waiting.clear()
                self._held.clear()
            self._notice(event)

    def _keep(self, delivery: Delivery) -> None:
        if delivery.qos == 0:
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.append(delivery)
            return
        key = (delivery.connection, delivery.mid)
        if key not in self._held:
            self._held.add(key)
            self._waiting.append(delivery)
