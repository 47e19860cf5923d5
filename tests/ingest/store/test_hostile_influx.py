"""An InfluxDB behind a proxy that misbehaves: stored + dead-lettered = sent (reliability §1)."""

import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.store import StoredReading, StoreSettings, StoreUnavailable, open_store
from tests.ingest.harness import Folder, Gateway, reading, running, telemetry
from tests.ingest.store.proxy import Proxy, proxied
from tests.servers import InfluxGate, Server, wait_until
from wire.messages import Reading
from wire.topics import GatewayPath
from wire.wall_clock import wall_clock_ms


@pytest.fixture
def proxy(influx: InfluxGate) -> Iterator[Proxy]:
    with proxied(influx) as server:
        yield server


def query(influx: InfluxGate, influxql: str) -> None:
    form = urllib.parse.urlencode({"db": "hearthwatch", "q": influxql}).encode()
    urllib.request.urlopen(f"{influx.http_url}/query", form, timeout=10).close()


def stored_times(influx: InfluxGate, device: str, end: int) -> list[int]:
    store = open_store(StoreSettings(url=influx.url))
    times = [stored.reading.at for stored in store.history(device, 0, end)]
    store.close()
    return times


def test_503_and_swallowed_answers_are_waited_out(
    nats_broker: Server, influx: InfluxGate, proxy: Proxy, tmp_path: Path
) -> None:
    folder = Folder(tmp_path, proxy.url)
    now = wall_clock_ms()
    with running(nats_broker.url, folder), Gateway(nats_broker.url) as gateway:
        gateway.send(telemetry(1, [reading("proxy-1", now)]))
        gateway.wait_for_ack(1)
        proxy.plan = ["503", "swallow", "503", "swallow"]
        gateway.send_all([telemetry(seq, [reading("proxy-1", now + seq)]) for seq in range(2, 41)])
        gateway.wait_for_ack(40)
    assert proxy.plan == []
    assert stored_times(influx, "proxy-1", now + 100) == [now, *range(now + 2, now + 41)]
    assert folder.letters() == []


def test_a_stalled_answer_is_given_up_and_sent_again(
    nats_broker: Server,
    influx: InfluxGate,
    proxy: Proxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest.store.influx.http._TIMEOUT_MS", 300)
    folder = Folder(tmp_path, proxy.url)
    now = wall_clock_ms()
    with running(nats_broker.url, folder), Gateway(nats_broker.url) as gateway:
        proxy.plan = ["stall", "stall"]
        gateway.send_all([telemetry(seq, [reading("proxy-3", now + seq)]) for seq in range(1, 21)])
        gateway.wait_for_ack(20)
        proxy.released.set()
    assert proxy.plan == []
    assert stored_times(influx, "proxy-3", now + 100) == list(range(now + 1, now + 21))
    assert folder.letters() == []


def test_a_proxy_that_refuses_whatever_comes_costs_no_reading(
    nats_broker: Server, influx: InfluxGate, proxy: Proxy, tmp_path: Path
) -> None:
    folder = Folder(tmp_path, proxy.url)
    now = wall_clock_ms()
    with running(nats_broker.url, folder), Gateway(nats_broker.url) as gateway:
        proxy.plan = ["400"] * 12
        gateway.send_all([telemetry(seq, [reading("proxy-4", now + seq)]) for seq in range(1, 21)])
        gateway.wait_for_ack(20)
    assert proxy.plan == []
    assert stored_times(influx, "proxy-4", now + 100) == list(range(now + 1, now + 21))
    assert folder.letters() == []


def test_a_refusal_of_everything_is_told_from_a_refusal_of_lines(proxy: Proxy) -> None:
    proxy.plan = ["400"] * 100
    gateway = GatewayPath("mentougou", "qingshui", "store-test", "st-09")
    store = open_store(StoreSettings(url=proxy.url))
    with pytest.raises(StoreUnavailable, match="refuses every request: 400"):
        store.write(
            [
                StoredReading(gateway, "e1", n, Reading("proxy-5", n, "off", [], {}))
                for n in range(1, 101)
            ]
        )
    store.close()
    assert len(proxy.plan) > 80


def test_a_store_that_is_away_when_the_service_stops_loses_nothing(
    nats_broker: Server, influx: InfluxGate, proxy: Proxy, tmp_path: Path
) -> None:
    folder = Folder(tmp_path, proxy.url)
    now = wall_clock_ms()
    with Gateway(nats_broker.url) as gateway:
        with running(nats_broker.url, folder):
            proxy.plan = ["503"] * 1_000
            gateway.send_all(
                [telemetry(seq, [reading("proxy-2", now + seq)]) for seq in range(1, 11)]
            )
            wait_until(lambda: len(proxy.plan) < 999)
        proxy.plan = []
        assert gateway.acks == []
        with running(nats_broker.url, folder):
            gateway.wait_for_ack(10)
    assert stored_times(influx, "proxy-2", now + 100) == list(range(now + 1, now + 11))


def test_a_refused_batch_costs_exactly_the_lines_at_fault(influx: InfluxGate, proxy: Proxy) -> None:
    # In this database `exv_steps` is text, so a number in it is a type conflict.
    at = wall_clock_ms()
    query(influx, "CREATE DATABASE spoiled")
    spoil = f'heat_pump,device=spoiler exv_steps="text" {at}'.encode()
    url = f"{influx.http_url}/api/v2/write?org=district&bucket=spoiled&precision=ms"
    urllib.request.urlopen(url, spoil, timeout=10).close()
    gateway = GatewayPath("mentougou", "qingshui", "store-test", "st-09")
    at_fault = {3, 64, 65, 99}
    points = ["exv_steps" if number in at_fault else "room_c" for number in range(100)]
    readings = [
        StoredReading(
            gateway, "e1", number + 1, Reading("bisect-1", at + number, "off", [], {point: 1.0})
        )
        for number, point in enumerate(points)
    ]
    store = open_store(StoreSettings(url=proxy.url.replace("/hearthwatch", "/spoiled")))
    refused = store.write(readings)
    kept = [stored.reading.at - at for stored in store.history("bisect-1", at, at + 100)]
    store.close()
    assert [refusal.stored.reading.at - at for refusal in refused] == sorted(at_fault)
    assert {refusal.code for refusal in refused} == {"store_refused"}
    assert all("exv_steps" in refusal.detail for refusal in refused)
    assert proxy.forwarded < 60
    assert kept == [number for number in range(100) if number not in at_fault]


def test_a_reading_older_than_the_retention_is_a_dead_letter(
    nats_broker: Server, influx: InfluxGate, tmp_path: Path
) -> None:
    query(influx, "CREATE DATABASE brief WITH DURATION 1d")
    folder = Folder(tmp_path, influx.url.replace("/hearthwatch", "/brief"))
    now = wall_clock_ms()
    with running(nats_broker.url, folder), Gateway(nats_broker.url) as gateway:
        gateway.send(telemetry(1, [reading("old-1", now - 5 * 86_400_000), reading("old-1", now)]))
        gateway.wait_for_ack(1)
    assert [(letter["code"], letter["device"], letter["seq"]) for letter in folder.letters()] == [
        ("too_old", "old-1", 1)
    ]
