"""Lines go gzipped to an InfluxDB on another machine, and plain to one on this."""

import gzip
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ingest.store import StoredReading, StoreSettings, open_store
from tests.ingest.harness import PLACE, reading
from tests.servers import InfluxGate
from tests.web_server import answering
from wire.wall_clock import wall_clock_ms


class _Recorder(BaseHTTPRequestHandler):
    bodies: list[tuple[str | None, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append((self.headers["Content-Encoding"], body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def recorder(address: str) -> AbstractContextManager[HTTPServer]:
    _Recorder.bodies = []
    return answering(HTTPServer((address, 0), _Recorder))


# All of 127.0.0.0/8 is this machine, but only its first address is known as such: a stand-in for
# another machine.
@pytest.mark.parametrize(("address", "encoding"), [("127.0.0.1", None), ("127.0.0.2", "gzip")])
def test_what_goes_over_a_network_is_gzipped(address: str, encoding: str | None) -> None:
    with recorder(address) as server:
        store = open_store(
            StoreSettings(url=f"influxdb+http://{address}:{server.server_port}/org/bucket")
        )
        store.write([StoredReading(PLACE, "e1", 1, reading("pump-1", 5))])
        store.close()
    sent, body = _Recorder.bodies[0]
    assert sent == encoding
    line = gzip.decompress(body) if encoding else body
    assert line.startswith(b"heat_pump,district=mentougou")


def test_a_real_database_reads_it(influx: InfluxGate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.store.influx.http._LOOPBACK", ())
    at = wall_clock_ms()
    store = open_store(StoreSettings(url=influx.url))
    stored = StoredReading(PLACE, "e1", 1, reading("gzip-1", at))
    assert store.write([stored]) == []
    assert store.history("gzip-1", at, at + 1) == [stored]
    store.close()
