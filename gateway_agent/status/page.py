"""The pages `/metrics`, `/limits` and `/healthz` of the box, on its own loopback address."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from gateway_agent.logs import EventLog

_log = EventLog(__name__)


class StatusPage:
    """Serves until the block ends.

    `metrics` gives the text of `/metrics`, `limits` the JSON of `/limits`; `healthy` whether all
    lines and the publisher are alive.
    """

    def __init__(
        self,
        host: str,
        port: int,
        metrics: Callable[[], str],
        limits: Callable[[], str],
        healthy: Callable[[], bool],
    ) -> None:
        """Listen on `host`:`port` (0: a free one). Raises OSError if the address is taken."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self._answer(200, metrics(), "text/plain; version=0.0.4; charset=utf-8")
                elif self.path == "/limits":
                    self._answer(200, limits(), "application/json")
                elif self.path == "/healthz":
                    if healthy():
                        self._answer(200, "ok\n", "text/plain")
                    else:
                        self._answer(503, "a line or the publisher hangs\n", "text/plain")
                else:
                    self._answer(
                        404, "the pages are /metrics, /limits and /healthz\n", "text/plain"
                    )

            def _answer(self, status: int, text: str, kind: str) -> None:
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                _log.debug("page_request", request=arguments)

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="metrics", daemon=True
        )

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> "StatusPage":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
