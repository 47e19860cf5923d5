"""A bound in bytes for messages between two threads: the receiving thread waits for room."""

import threading


class Allowance:
    """Bytes that one thread takes and another gives back.

    A reserve of the same size serves a thread that must not wait long, because the other side
    closes a silent connection.
    """

    def __init__(self, most: int) -> None:
        """Allow `most` bytes, and as many in reserve; the last message taken may exceed either."""
        self._most = most
        self._taken = 0
        self._open = True
        self._changed = threading.Condition()

    def take(self, size: int, patience_s: float) -> None:
        """Take `size` bytes; waits while `most` bytes or more are taken.

        After `patience_s` it takes from the reserve. It waits without end while that is used up,
        too. `lift` ends all waiting.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room(self._most), patience_s):
                self._changed.wait_for(lambda: self._has_room(2 * self._most))
            self._taken += size

    def give_back(self, size: int) -> None:
        """Give back `size` bytes."""
        with self._changed:
            self._taken -= size
            self._changed.notify()

    def lift(self) -> None:
        """End all waiting, now and later."""
        with self._changed:
            self._open = False
            self._changed.notify()

    def _has_room(self, most: int) -> bool:
        return self._taken < most or not self._open
