"""How many bytes of messages may wait for the thread that works on them. The thread that receives
waits for room."""

import threading


class Allowance:
    """Bytes that one thread takes and another gives back.

    Beyond them there is a reserve of the same size, for a thread that cannot wait for long: one
    that answers for a connection, which the other side closes when it hears nothing.
    """

    def __init__(self, most: int) -> None:
        """`most` bytes, and as many in reserve; the last message taken may exceed either."""
        self._most = most
        self._taken = 0
        self._open = True
        self._changed = threading.Condition()

    def take(self, size: int, patience_s: float) -> None:
        """Take `size` bytes; waits while `most` are taken, but no longer than `patience_s` while
        there is a reserve.

        Where that is used up as well it waits as long as it takes. `lift` ends all waiting.
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
        """From now on nobody waits."""
        with self._changed:
            self._open = False
            self._changed.notify()

    def _has_room(self, most: int) -> bool:
        return self._taken < most or not self._open
