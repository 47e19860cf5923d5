"""Seats for work that costs much: who finds none is asked to come again."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from api.problems import Problem

MOST_SEARCHES: Final = 8
"""Questions about readings under way at once: a fifth of the server's 40 threads, so that the rest
answer on."""

MOST_LOGINS: Final = 4
"""Passwords checked at once: each takes 64 MiB (argon2id as RFC 9106 §4 recommends it)."""

MOST_FEEDS: Final = 20
"""Open feeds of one account: a control room's screens, walls and reloads."""


class Seats:
    """At most so many holders at once for each key; thread-safe."""

    def __init__(self, most: int, what: str) -> None:
        """`what` names them in the refusal."""
        self._most, self._what = most, what
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, key: str = "") -> None:
        """Take a seat; raises Problem 429 where none is free."""
        with self._lock:
            if self._taken[key] >= self._most:
                raise _no_seat(self._most, self._what)
            self._taken[key] += 1

    def leave(self, key: str = "") -> None:
        """Give a seat back."""
        with self._lock:
            self._taken[key] -= 1
            assert self._taken[key] >= 0, "a seat given back twice would let too many in"
            if self._taken[key] == 0:
                del self._taken[key]

    @contextmanager
    def taken(self, key: str = "") -> Iterator[None]:
        """Hold a seat for a while; raises as `take`."""
        self.take(key)
        try:
            yield
        finally:
            self.leave(key)


def _no_seat(most: int, what: str) -> Problem:
    detail = f"at most {most} {what} at once; try again in a second"
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many", detail, {"Retry-After": "1"})
