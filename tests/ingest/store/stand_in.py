"""A stand-in for InfluxDB 2.x and 3.x, which the machine does not have: it answers as their HTTP
references say."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_BOTH = ["Token", "Bearer"]
ORGANISATION = {"id": "0a", "name": "district"}


class StandIn(ThreadingHTTPServer):
    """Buckets (2.x) or databases (3.x) by name with their retention as it was asked for; remembers
    probe points."""

    def __init__(self, version: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.version = version
        self.token = "secret"
        self.buckets: dict[str, Any] = {}
        self.points: dict[str, list[int]] = {}

    @property
    def url(self) -> str:
        return f"influxdb+http://127.0.0.1:{self.server_port}/district/readings"


@contextmanager
def serving(version: str) -> Iterator[StandIn]:
    server = StandIn(version)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_GET(self) -> None:
        self._route("GET")

    def do_POST(self) -> None:
        self._route("POST")

    def do_PATCH(self) -> None:
        self._route("PATCH")

    def _route(self, method: str) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if address.path == "/ping":
            self._answer(204)
        elif self.headers.get("Authorization") not in self._passwords(address.path):
            self._answer(401, {"code": "unauthorized", "message": "unauthorized access"})
        elif address.path == "/api/v2/write":
            self._write(query["bucket"], body.decode())
        elif address.path == "/query":
            self._query(query["db"], query["q"])
        elif address.path.startswith("/api/v3/") == (self.server.version[0] == "3"):
            self._administer(method, address.path, query, body)
        else:
            self._answer(404, {"message": "not found"})

    def _passwords(self, path: str) -> list[str]:
        schemes = (
            ["Token"]
            if self.server.version[0] != "3"
            else ["Bearer"]
            if path.startswith("/api/v3/")
            else _BOTH
        )
        return [f"{scheme} {self.server.token}" for scheme in schemes]

    def _administer(self, method: str, path: str, query: dict[str, str], body: bytes) -> None:
        buckets, document = self.server.buckets, json.loads(body or b"{}")
        if path == "/api/v2/orgs":
            self._answer(200, {"orgs": [ORGANISATION]})
        elif method == "PATCH":
            buckets[path.rpartition("/")[2]] = document["retentionRules"]
            self._answer(200, {})
        elif method == "POST":
            name = document["db"] if "db" in document else document["name"]
            buckets[name] = document.get("retention_period", document.get("retentionRules"))
            self._answer(201, {})
        elif path == "/api/v2/buckets":
            named = [
                {"id": n, "name": n, "retentionRules": r}
                for n, r in buckets.items()
                if n == query["name"]
            ]
            self._answer(200, {"buckets": named})
        else:
            self._answer(200, [{"iox::database": name} for name in buckets])

    def _write(self, bucket: str, lines: str) -> None:
        if bucket not in self.server.buckets:
            self._answer(404, {"code": "not found", "message": "bucket not found"})
            return
        self.server.points.setdefault(bucket, []).extend(
            map(int, re.findall(r"token=(\d+)i", lines))
        )
        self._answer(204)

    def _query(self, bucket: str, influxql: str) -> None:
        wanted = int(influxql.rpartition("= ")[2])
        values = [[0, token] for token in self.server.points.get(bucket, []) if token == wanted]
        self._answer(
            200, {"results": [{"series": [{"columns": ["time", "token"], "values": values}]}]}
        )

    def _answer(self, status: int, document: Any = None) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("X-Influxdb-Version", self.server.version)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
