"""Deliveries of the broker that wait for validation."""

import queue
from collections import deque
from collections.abc import Callable

from messaging.allowance import Allowance
from messaging.session import Delivery, Event, Published


class DeliveryInbox:
    """Deliveries of the newest connection, in arrival order.

    A new connection drops the waiting deliveries of the former one: the broker sends them again.
    """

    def __init__(
        self,
        events: "queue.SimpleQueue[Event]",
        notice: Callable[[Event], None],
        allowance: Allowance,
    ) -> None:
        """`notice` gets each event that is neither a delivery nor a PUBACK.

        Each delivery has taken its size from `allowance`; the inbox gives it back.
        """
        self._events = events
        self._notice = notice
        self._allowance = allowance
        self._waiting: deque[Delivery] = deque()

    def take(self, timeout_s: float) -> Delivery | None:
        """Return the next delivery, or None if none comes within `timeout_s`."""
        self.absorb()
        if not self._waiting:
            try:
                self._receive(self._events.get(timeout=timeout_s))
            except queue.Empty:
                return None
        if not self._waiting:
            return None
        delivery = self._waiting.popleft()
        self._allowance.give_back(delivery.size)
        return delivery

    def absorb(self) -> None:
        """Take over all events that have arrived, without waiting."""
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
            self._allowance.give_back(sum(waiting.size for waiting in self._waiting))
            self._waiting.clear()
        self._waiting.append(delivery)
