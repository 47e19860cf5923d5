"""A stand-in for InfluxDB 2.x and 3.x, which the machine does not have.

It answers as they do, in refusals too: 404 for a bucket or organisation that is missing, 422 for a
retention shorter than a shard, 500 for one below an hour, no organisations for a token that may not
read them, and buckets that keep their retention where a change names none.
"""

import json
import re
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.web_server import answering

_BOTH = ["Token", "Bearer"]
ORGANISATION = {"id": "0a", "name": "district"}


class StandIn(ThreadingHTTPServer):
    """Buckets (2.x) by name with their retention rule, or databases (3.x) with their retention as
    it was asked for; remembers probe points.

    `hides_organisations`: the token may not read them (2.x).
    """

    def __init__(self, version: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.version = version
        self.token = "secret"
        self.hides_organisations = False
        self.buckets: dict[str, Any] = {}
        self.points: dict[str, list[int]] = {}

    @property
    def url(self) -> str:
        return self.url_of(ORGANISATION["name"])

    def url_of(self, organisation: str) -> str:
        return f"influxdb+http://127.0.0.1:{self.server_port}/{organisation}/readings"


def serving(version: str) -> AbstractContextManager[StandIn]:
    return answering(StandIn(version))


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
            self._write(query, body.decode())
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
        document = json.loads(body or b"{}")
        if path.startswith("/api/v3/"):
            self._databases(method, document)
        elif query.get("org", ORGANISATION["name"]) != ORGANISATION["name"]:
            self._not_found(f'organization name "{query["org"]}" not found')
        elif path == "/api/v2/orgs":
            self._answer(200, {"orgs": [] if self.server.hides_organisations else [ORGANISATION]})
        elif method == "GET":
            self._find_bucket(query["name"])
        elif method == "POST" and document.get("orgID") != ORGANISATION["id"]:
            self._answer(400, {"code": "invalid", "message": "organization id must be provided"})
        else:
            name = document["name"] if method == "POST" else path.rpartition("/")[2]
            self._set_retention(name, document["retentionRules"], made=method == "POST")

    def _databases(self, method: str, document: dict[str, str]) -> None:
        if method == "POST":
            self.server.buckets[document["db"]] = document.get("retention_period")
            self._answer(201, {})
        else:
            self._answer(200, [{"iox::database": name} for name in self.server.buckets])

    def _find_bucket(self, name: str) -> None:
        if name not in self.server.buckets:
            self._not_found(f'bucket "{name}" not found')
            return
        bucket = {"id": name, "name": name, "retentionRules": [self.server.buckets[name]]}
        self._answer(200, {"buckets": [bucket]})

    def _set_retention(self, name: str, rules: list[dict[str, Any]], made: bool) -> None:
        wanted = rules[0] if rules else {}
        known = {"type": "expire", "everySeconds": 0} if made else self.server.buckets[name]
        rule = {**known, **wanted}
        if made and not rule.get("shardGroupDurationSeconds"):
            rule["shardGroupDurationSeconds"] = _own_shard_s(rule["everySeconds"])
        if 0 < rule["everySeconds"] < 3_600:
            text = "retention policy duration must be at least 1h0m0s"
            self._answer(500, {"code": "internal error", "message": text})
        elif 0 < rule["everySeconds"] < rule["shardGroupDurationSeconds"]:
            text = "shard-group duration must also be updated to be smaller than new retention"
            self._answer(422, {"code": "unprocessable entity", "message": f"{text} duration"})
        else:
            self.server.buckets[name] = rule
            self._answer(201 if made else 200, {})

    def _write(self, query: dict[str, str], lines: str) -> None:
        bucket = query["bucket"]
        if self.server.version[0] != "3" and query["org"] != ORGANISATION["name"]:
            self._not_found(f'organization name "{query["org"]}" not found')
            return
        if bucket not in self.server.buckets:
            self._not_found(f'bucket "{bucket}" not found')
            return
        self.server.points.setdefault(bucket, []).extend(
            map(int, re.findall(r"token=(\d+)i", lines))
        )
        self._answer(204)

    def _not_found(self, text: str) -> None:
        self._answer(404, {"code": "not found", "message": text})

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


def _own_shard_s(retention_s: int) -> int:
    """The length of a shard that the server chooses."""
    if retention_s == 0 or retention_s >= 180 * 86_400:
        return 7 * 86_400
    return 86_400 if retention_s >= 2 * 86_400 else 3_600
