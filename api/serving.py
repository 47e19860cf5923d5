"""How the HTTP server treats connections: uvicorn with the bounds of contract §7."""

import asyncio
from typing import Final

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.problems import REFUSED

HEADERS_S: Final = 10.0
"""A request's headers arrive within this time, or its connection ends."""

MOST_CONNECTIONS: Final = 1_000
"""Open connections and requests under way; more are answered with 503."""

MOST_HEADER_BYTES: Final = 16_384


class TimedHeaders(H11Protocol):
    """HTTP/1.1 that waits for the headers of a request for HEADERS_S only."""

    _headers_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        """Wait on while headers are incomplete; the body has a time limit of its own."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._wait_for_headers()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_headers(self) -> None:
        if self._headers_due is None:
            self._headers_due = self.loop.call_later(HEADERS_S, self._give_up)

    def _give_up(self) -> None:
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            REFUSED.labels("headers_too_slow").inc()
        self.transport.close()

    def _stop_waiting(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None


def server_settings(app: FastAPI, host: str, port: int) -> uvicorn.Config:
    """The settings of the server for `app`; logs go where the process logs."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=TimedHeaders,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
    )
