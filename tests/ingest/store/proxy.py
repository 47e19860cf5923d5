"""A proxy before an InfluxDB that misbehaves, or answers as a newer one does."""

import threading
import urllib.error
import urllib.request
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.servers import InfluxGate
from tests.web_server import answering


class Proxy(ThreadingHTTPServer):
    """Passes on what it gets, except as `plan` says for the next writes.

    `503` and `400` answer so without passing it on, `swallow` loses the answer, `stall` sends none
    until `released`. `ending` is appended to complaints, as 1.12 does. `token` is asked for.
    """

    def __init__(self, gate: InfluxGate) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.gate = gate
        self.plan: list[str] = []
        self.forwarded = 0
        self.ending = ""
        self.token: str | None = None
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"influxdb+http://127.0.0.1:{self.server_port}/district/hearthwatch"


class _Handler(BaseHTTPRequestHandler):
    server: Proxy

    def do_GET(self) -> None:
        self._answer(*self._forward(None))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.token and self.headers["Authorization"] != f"Token {self.server.token}":
            self._answer(401, b'{"code":"unauthorized","message":"unauthorized access"}')
            return
        plan = self.server.plan.pop(0) if self.server.plan else "pass"
        if plan in ("503", "400"):
            self.send_error(int(plan))
            return
        if plan == "stall":
            self.server.released.wait(30)
            self.close_connection = True
            return
        status, answer = self._forward(body)
        if plan == "swallow":
            self.close_connection = True
            return
        self._answer(status, answer)

    def _answer(self, status: int, answer: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _forward(self, body: bytes | None) -> tuple[int, bytes]:
        self.server.forwarded += 1
        try:
            with urllib.request.urlopen(
                f"{self.server.gate.http_url}{self.path}", body, timeout=10
            ) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read().replace(b'"}', f'{self.server.ending}"}}'.encode())

    def log_message(self, *_: object) -> None:
        pass


def proxied(gate: InfluxGate) -> AbstractContextManager[Proxy]:
    """A proxy before `gate`, while it is used."""
    return answering(Proxy(gate))
