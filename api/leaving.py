"""Clients that leave before they are answered: the work for them ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

from anyio import from_thread
from fastapi import Depends, Request

from api.context import Context
from ingest.store import asked_by

_LOOK_EVERY_S: Final = 0.25


class Client:
    """The client of a request, for endpoints that run in a thread of the server."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._look_at = time.monotonic() + _LOOK_EVERY_S
        self._left = False

    def has_left(self) -> bool:
        """Whether the connection is closed; looked at four times a second."""
        if not self._left and time.monotonic() >= self._look_at:
            self._left = from_thread.run(self._request.is_disconnected)
            self._look_at = time.monotonic() + _LOOK_EVERY_S
        return self._left


class Search:
    """One question about readings: it takes a seat, and is given up once its client has left."""

    def __init__(self, request: Request, context: Context) -> None:
        self._client, self._seats = Client(request), context.searches

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Ask the store in the block; raises Problem 429, and NobodyWaits."""
        with self._seats.taken(), asked_by(self._client.has_left):
            yield


ReadingSearch = Annotated[Search, Depends(Search)]
