"""How many bytes of messages may wait for the thread that works on them. The thread that receives waits for room."""

import threading


class Allowance:
    """Bytes that one thread takes and another gives back."""

    def __init__(self, most: int) -> None:
        """`most` bytes, which the last message taken may exceed."""
        self._most = most
        self._taken = 0
        self._open = True
        self._changed = threading.Condition()

    def take(self, size: int) -> None:
        """Take `size` bytes; waits while `most` are taken, unless `lift` has ended the waiting."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken < self._most or not self._open)
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
