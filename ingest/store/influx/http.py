"""Requests to an InfluxDB 1.8+, 2.x or 3.x. The only importer of influxdb-client.

Writes are synchronous requests of the client. Its batching mode loses data after its retries
(reliability §2). Reads are InfluxQL, the one language of all three generations. A corrected token
file is read again as soon as the server refuses the token.
"""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from influxdb_client import InfluxDBClient, WritePrecision, WriteService
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from configuration.load import ConfigurationError
from ingest.store.giving_up import give_up_if_left
from ingest.store.influx.line_protocol import body
from ingest.store.influx.refusals import ContentRefused, RequestRefused, sentence
from ingest.store.model import StoreUnavailable
from ingest.store.settings import InfluxAddress

_TIMEOUT_MS: Final = 30_000
# Level 1 leaves a fifth of the bytes for 1.5 µs a reading here and half of that at the server:
# worth it over a network, not on one machine. Higher levels, such as the client's own, cost up to
# nine times as much and save a third more.
_GZIP_LEVEL: Final = 1
_GZIPPED: Final = {"content_encoding": "gzip"}
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
# HTTP statuses about the lines themselves: malformed or outside the retention period (1.x: 400,
# 2.x: 422), or too many for one request.
_ABOUT_THE_LINES: Final = (400, 413, 422)
# Every InfluxDB accepts this line; it has a measurement of its own, and the server's time.
_PROBE_MEASUREMENT: Final = "hearthwatch_probe"
_PROBE: Final = f"{_PROBE_MEASUREMENT} accepted=1i"

_WRONG_TOKEN: Final = (401, 403)

Row = dict[str, Any]


class InfluxConnection:
    """One server and its default bucket, contacted by the first call. Raises StoreUnavailable."""

    def __init__(self, address: InfluxAddress, token_file: Path | None) -> None:
        """Raises ConfigurationError if `token_file` cannot be read."""
        self.address = address
        self._token_file = token_file
        self._token = _token(token_file)
        self._scheme = "Token"
        self._client = InfluxDBClient(
            url=address.server, token=self._token, org=address.organisation, timeout=_TIMEOUT_MS
        )
        self._writes = WriteService(self._client.api_client)
        self._far = urlsplit(address.server).hostname not in _LOOPBACK

    def post(self, lines: Sequence[str], bucket: str | None = None) -> str | None:
        """Write `lines`, and return the store's complaint about them, or None."""
        bucket = bucket or self.address.bucket
        packed, options = body(lines), {}
        if self._far:
            packed, options = gzip.compress(packed, _GZIP_LEVEL), _GZIPPED
        try:
            self._with_token(
                lambda: self._writes.post_write(
                    org=self.address.organisation,
                    bucket=bucket,
                    body=packed,
                    precision=WritePrecision.MS,
                    **options,
                )
            )
        except ApiException as error:
            if error.status in _ABOUT_THE_LINES:
                return _explanation(error)
            raise self._unavailable(error, bucket) from error
        except (HTTPError, OSError) as error:
            raise self._unavailable(error, bucket) from error
        return None

    def blame(self, complaint: str) -> None:
        """Raise StoreUnavailable if the server also refuses a probe, so that no line is to blame.

        A proxy or server that refuses every request costs no reading: ingest waits for it.
        """
        if self.post([_PROBE]) is not None:
            raise StoreUnavailable(f"{self.address.server} refuses every request: {complaint}")

    def query(self, influxql: str, bucket: str | None = None) -> list[Row]:
        """Return the rows of one statement, with their tags and times in ms."""
        return [
            {**series.get("tags", {}), **dict(zip(series["columns"], values, strict=True))}
            for series in self.series(influxql, bucket)
            for values in series.get("values", [])  # a list without entries has none
        ]

    def series(self, influxql: str, bucket: str | None = None) -> list[dict[str, Any]]:
        """Return the answer to one statement: `tags`, `columns` and rows of `values` by series.

        Raises NobodyWaits instead of asking for somebody who has left.
        """
        give_up_if_left()
        parameters = {"db": bucket or self.address.bucket, "epoch": "ms", "q": influxql}
        answer = msgspec.json.decode(self.request("GET", "/query", parameters))
        result = answer["results"][0] if answer.get("results") else answer
        if "error" in result:
            missing = "not found" in result["error"]  # 1.x says so with a 200
            if missing:
                raise RequestRefused(self._missing(parameters["db"]), HTTPStatus.NOT_FOUND)
            raise ContentRefused(f"{self.address.server} cannot answer: {result['error']}")
        series: list[dict[str, Any]] = result.get("series", [])
        return series

    def execute(self, influxql: str) -> None:
        """Run a statement that changes the database (1.x)."""
        answer = json.loads(self.request("POST", "/query", {"q": influxql}))
        for result in answer.get("results", []):
            if "error" in result:
                raise RequestRefused(f"{self.address.server} refuses {influxql}: {result['error']}")

    def as_bearer(self) -> None:
        """Send the token as `Bearer`, as 3.x requires; 1.x and 2.x know only `Token`."""
        self._scheme = "Bearer"
        self._use(self._token)

    def version(self) -> str:
        """Return the version of the server; every generation answers `/ping`."""
        return str(self._call("GET", "/ping", {}).headers.get("X-Influxdb-Version", "unknown"))

    def probe(self, bucket: str, token: int) -> str:
        """Write a point of a separate measurement, read it back, and return a text about it."""
        complaint = self.post([f"{_PROBE_MEASUREMENT} token={token}i"], bucket)
        if complaint is not None:
            raise StoreUnavailable(f"{bucket!r} does not take a point: {complaint}")
        rows = self.query(f"SELECT token FROM {_PROBE_MEASUREMENT} WHERE token = {token}", bucket)
        if [row["token"] for row in rows] != [token]:
            raise StoreUnavailable(
                f"{bucket!r} took a point and does not give it back: may the token read it?"
            )
        return "a point was written and read back"

    def request(
        self, method: str, path: str, parameters: Mapping[str, str], document: Any = None
    ) -> bytes:
        """Return the body of the answer."""
        answer: bytes = self._call(method, path, parameters, document).data
        return answer

    def _call(
        self, method: str, path: str, parameters: Mapping[str, str], document: Any = None
    ) -> Any:
        # The client's last response may be that of another thread.
        plain = {"_preload_content": False, "_return_http_data_only": True}
        query = list(parameters.items())
        try:
            return self._with_token(
                lambda: self._client.api_client.call_api(
                    path, method, query_params=query, body=document, **plain
                )
            )
        except (ApiException, HTTPError, OSError) as error:
            raise self._unavailable(error, parameters.get("db", self.address.bucket)) from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _with_token(self, request: Callable[[], Any]) -> Any:
        """Return the answer to `request`; a refused token is read again from its file, once."""
        used = self._token
        try:
            return request()
        except ApiException as error:
            if error.status not in _WRONG_TOKEN or not self._token_renewed(used):
                raise
            return request()

    def _token_renewed(self, used: str) -> bool:
        """Take the token that stands in the file now; return whether it differs from `used`."""
        try:
            self._use(_token(self._token_file))
        except ConfigurationError:
            return False
        return self._token != used

    def _use(self, token: str) -> None:
        self._token = token
        self._client.api_client.set_default_header("Authorization", f"{self._scheme} {token}")

    def _unavailable(self, error: Exception, bucket: str) -> StoreUnavailable:
        server = self.address.server
        if not isinstance(error, ApiException) or not error.status:
            advice = "start it, or correct host and port in [store] url"
            return StoreUnavailable(f"{server} does not answer: {_explanation(error)}; {advice}")
        if error.status in _WRONG_TOKEN:
            advice = f"put one that may write {bucket!r} into token_file"
            return RequestRefused(f"{server} refuses the token: {advice}", error.status)
        if error.status == HTTPStatus.NOT_FOUND:
            return self._not_found(sentence(error.body), bucket)
        refusal = ContentRefused if error.status in _ABOUT_THE_LINES else RequestRefused
        return refusal(f"{server} does not answer: {_explanation(error)}", error.status)

    def _not_found(self, reason: str, bucket: str) -> RequestRefused:
        server, organisation = self.address.server, self.address.organisation
        status = int(HTTPStatus.NOT_FOUND)
        if reason.startswith("organization"):
            text = f"{server} has no organisation {organisation!r}: correct [store] url"
            return RequestRefused(text, status, about_organisation=True)
        if "page not found" in reason:
            text = (
                f"{server} lacks /api/v2/write: use InfluxDB 1.8 or later "
                "(1.6 and 1.7 only behind a proxy that turns it into /write)"
            )
            return RequestRefused(text, status)
        return RequestRefused(self._missing(bucket), status)

    def _missing(self, bucket: str) -> str:
        return (
            f"{self.address.server} has no bucket or database {bucket!r}: "
            "create it with `hearthwatch server check`"
        )


def _token(token_file: Path | None) -> str:
    try:
        return token_file.read_text(encoding="utf-8").strip() if token_file is not None else "none"
    except (OSError, UnicodeDecodeError) as error:
        message = f"{error}; store.token_file names it"
        raise ConfigurationError.at(token_file or Path(), message) from error


def _explanation(error: Exception) -> str:
    if not isinstance(error, ApiException):
        return str(error) or type(error).__name__
    return f"{error.status or ''} {sentence(error.body) or error.message or error.reason}".strip()
