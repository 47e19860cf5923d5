"""Whether another process uses our client id, judged by how our connections end. Pure.

A broker lets in one connection of a client id and ends the one before, without a reason (MQTT
3.1.1). Both sides connect again, so that each connection is soon ended by the other side.
"""

from collections import deque
from typing import Final

SHORT_S: Final = 10.0
"""A connection that ends sooner is a short one."""
WITHIN_S: Final = 60.0
ENOUGH: Final = 3
"""As many short connections within `WITHIN_S` are no accident: a broker that restarts refuses
connections for a while, and does so once."""


class Takeovers:
    """Judges the connections of one client id; times are monotonic seconds."""

    def __init__(self) -> None:
        self._accepted_at: float | None = None
        self._ends: deque[float] = deque(maxlen=ENOUGH)

    def accepted(self, now: float) -> None:
        """The broker accepted a connection."""
        self._accepted_at = now

    def ended(self, now: float) -> bool:
        """The connection ended; returns whether another process is to blame."""
        accepted_at, self._accepted_at = self._accepted_at, None
        if accepted_at is None or now - accepted_at >= SHORT_S:
            self._ends.clear()
            return False
        self._ends.append(now)
        return len(self._ends) == ENOUGH and now - self._ends[0] <= WITHIN_S
