"""nginx as it is shipped: TLS before the console, and the proxy before an old InfluxDB."""

import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.protection import _SECURITY_HEADERS
from desk.accounts.accounts import add_account
from ingest.store import StoreSettings
from ingest.store.trial import try_store
from tests.api.serving import Desk
from tests.deploy.shipped_brokers import agreed_version, certificates
from tests.servers import InfluxGate, NginxSite, free_port, shipped_file

PASSWORD = "larch under snow 7"


class ConsoleGate(NginxSite):
    """nginx before a desk."""

    def __init__(self, directory: Path, desk: Desk) -> None:
        super().__init__(directory)
        self.desk = desk
        self.plain_port = free_port()
        certificates(directory / "tls")
        self.trusted = ssl.create_default_context(cafile=str(directory / "tls" / "ca.crt"))

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def site(self) -> str:
        here = {
            "listen 80 ": f"listen 127.0.0.1:{self.plain_port} ",
            "listen 443 ": f"listen 127.0.0.1:{self.port} ",
            "127.0.0.1:8080": f"127.0.0.1:{self.desk.port}",
            "/etc/nginx/hearthwatch.": f"{self.directory}/tls/127.0.0.1.",
        }
        return shipped_file("nginx/console.conf", here)

    def client(self, **options: object) -> httpx.Client:
        return httpx.Client(base_url=self.url, verify=self.trusted, trust_env=False, **options)  # type: ignore[arg-type]


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[ConsoleGate]:
    desk = Desk(tmp_path)
    desk.start()
    server = ConsoleGate(tmp_path / "nginx", desk)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        desk.close()


def log_in(client: httpx.Client, password: str = PASSWORD, **headers: str) -> httpx.Response:
    body = {"name": "duty", "password": password}
    return client.post("/api/v1/login", json=body, headers=headers)


def test_people_log_in_over_https_and_see_the_console(gate: ConsoleGate) -> None:
    add_account(gate.desk.database, "duty", PASSWORD, "district", "mentougou")
    with gate.client() as client:
        answer = log_in(client, Origin=gate.url)
        assert answer.status_code == 204, answer.text
        assert "secure" in answer.headers["set-cookie"].lower(), "the service sees https"
        page = client.get("/")
        assert page.status_code == 200
        assert client.get("/api/v1/me").json()["name"] == "duty"
    for name in [*_SECURITY_HEADERS, "Strict-Transport-Security"]:
        assert len(page.headers.get_list(name)) == 1, name
    assert "nginx/" not in page.headers["server"]


def test_an_event_of_the_live_feed_arrives_at_once(gate: ConsoleGate) -> None:
    headers = {"Authorization": f"Bearer {gate.desk.token('district', 'mentougou')}"}
    arrived: list[float] = []
    heard = threading.Event()

    def read() -> None:
        with (
            gate.client(timeout=20) as client,
            client.stream("GET", "/api/v1/feed", headers=headers) as feed,
        ):
            for line in feed.iter_lines():
                heard.set()
                if "through the proxy" in line:
                    arrived.append(time.monotonic())
                    return

    reader = threading.Thread(target=read)
    reader.start()
    assert heard.wait(10), "the first heartbeat"
    sent = time.monotonic()
    gate.desk.add_feed_event({"note": "through the proxy"})
    reader.join(15)
    assert arrived
    assert arrived[0] - sent < 2


def test_plain_http_is_sent_on_to_https(gate: ConsoleGate) -> None:
    address = f"http://127.0.0.1:{gate.plain_port}/devices?town=zhaitang"
    answer = httpx.get(address, trust_env=False)
    assert answer.status_code == 308
    assert answer.headers["location"] == "https://127.0.0.1/devices?town=zhaitang"
    program = f"http://127.0.0.1:{gate.plain_port}/api/v1/summary"
    assert httpx.get(program, trust_env=False).status_code == 403, "it has sent its token in clear"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_versions_of_tls_are_refused(gate: ConsoleGate) -> None:
    ca = gate.directory / "tls" / "ca.crt"
    assert agreed_version(gate.port, ca, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    assert agreed_version(gate.port, ca, ssl.TLSVersion.TLSv1_1) is None


def test_a_caller_cannot_claim_another_address(gate: ConsoleGate) -> None:
    """Wrong passwords are counted by address; one that the caller invents would never be full."""
    add_account(gate.desk.database, "duty", PASSWORD, "district", "mentougou")
    with gate.client() as client:
        answers = [
            log_in(client, "wrong", **{"X-Forwarded-For": f"10.0.0.{number}"}).status_code
            for number in range(7)
        ]
    assert answers[-1] == 429, answers


def test_a_body_above_the_bound_is_refused_in_the_words_of_the_service(gate: ConsoleGate) -> None:
    with gate.client() as client:
        answer = client.post("/api/v1/login", content=b"x" * 70_000)
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


def test_server_check_is_content_with_an_old_influxdb(influx: InfluxGate) -> None:
    """All tests of the store write to InfluxDB 1.6 through this file; here `server check` does."""
    checks = list(try_store(StoreSettings(url=influx.create("through-shipped-proxy"))))
    assert checks
    assert all(check.good for check in checks), checks
