"""An InfluxDB as it really is: its refusals, other writers in the bucket, late readings."""

import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.late.restart_gap import missed_readings
from configuration.check import Check
from desk.accounts.tokens import create_token
from ingest.store import ReadingStore, StoredReading, StoreSettings, StoreUnavailable, open_store
from ingest.store.influx.http import InfluxConnection
from ingest.store.influx.rows import SKIPPED
from ingest.store.trial import try_store
from tests.api.serving import Desk
from tests.faults.conftest import FaultRecord
from tests.ingest.store.proxy import Proxy, proxied
from tests.ingest.store.samples import HOUR, START, stored
from tests.ingest.store.stand_in import serving
from tests.servers import InfluxGate, InfluxServer, Server
from wire.topics import GatewayPath
from wire.units import DAY_MS
from wire.wall_clock import wall_clock_ms

pytestmark = pytest.mark.fault("11.B7")

OF_1_12 = " for database: hearthwatch for retention policy: autogen"
MINUTE = 60_000


def write_raw(gate: InfluxGate, database: str, *lines: str) -> None:
    """Write as another program does."""
    url = f"{gate.http_url}/api/v2/write?org=district&bucket={database}&precision=ms"
    urllib.request.urlopen(url, "\n".join(lines).encode(), timeout=10).close()


def opened(gate: InfluxGate | Proxy, database: str) -> ReadingStore:
    return open_store(StoreSettings(url=gate.url.replace("/hearthwatch", f"/{database}")))


@pytest.fixture
def proxy(influx: InfluxGate) -> Iterator[Proxy]:
    with proxied(influx) as server:
        yield server


def checked(url: str, **options: object) -> list[Check]:
    return list(try_store(StoreSettings.model_validate({"url": url, **options})))


def test_server_check_makes_the_buckets_of_2_that_are_missing(
    tmp_path: Path, fault_record: FaultRecord
) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    with serving("v2.7.12") as server:
        shown = checked(server.url, token_file=token, retention="400d")
    fault_record["trials"], fault_record["lost"] = 1, len([c for c in shown if not c.good])
    assert [check.text for check in shown if not check.good] == []
    assert sorted(server.buckets) == ["readings", "readings_hourly"]


def test_server_check_makes_the_first_database_of_a_fresh_1(
    tmp_path: Path, fault_record: FaultRecord
) -> None:
    database = InfluxServer(tmp_path / "influxd")
    gate = InfluxGate(tmp_path / "nginx", database)
    try:
        Server.start(database)  # without the database that `InfluxServer.start` makes
        gate.start()
        shown = checked(gate.url)
        direct = checked(gate.url.replace(str(gate.port), str(database.port)))
    finally:
        gate.stop()
        database.stop()
    fault_record["trials"] = 2
    assert [check.text for check in shown if not check.good] == []
    assert "lacks /api/v2/write: use InfluxDB 1.8 or later" in direct[-1].text


def test_a_retention_is_shortened_and_undone(influx: InfluxGate, fault_record: FaultRecord) -> None:
    url = influx.url.replace("/hearthwatch", "/undone")
    for retention in ("0d", "3d", "2h", "0d"):
        bucket = {check.name: check for check in checked(url, retention=retention)}["bucket"]
        assert bucket.good, bucket.text
        fault_record["trials"] += 1
    bucket = {check.name: check for check in checked(url)}["bucket"]
    assert bucket.text == "bucket 'undone' found, readings kept for ever"


def test_type_conflicts_of_1_12_are_not_taken_for_old_readings(
    influx: InfluxGate, proxy: Proxy, fault_record: FaultRecord
) -> None:
    influx.execute("CREATE DATABASE newer")
    now = wall_clock_ms()
    write_raw(influx, "newer", f'heat_pump,device=other room_c="warm" {now}')
    proxy.ending = OF_1_12
    store = opened(proxy, "newer")
    refused = store.write([stored("newer-1", now, values={"room_c": 20.0})])
    store.close()
    fault_record["trials"] = 1
    assert [refusal.code for refusal in refused] == ["store_refused"]


def test_refused_hourly_lines_keep_their_hour_waiting_until_they_are_taken(
    influx: InfluxGate, proxy: Proxy, fault_record: FaultRecord
) -> None:
    for database in ("waiting", "waiting_hourly"):
        influx.execute(f"CREATE DATABASE {database}")
    write_raw(influx, "waiting_hourly", f'heat_pump_hourly,device=other room_c_mean="x" {START}')
    elsewhere = GatewayPath("mentougou", "qingshui", "other-village", "ov-01")
    proxy.ending = OF_1_12
    store = opened(proxy, "waiting")
    store.write([stored("waiting-1", START, values={"room_c": 20.0})])
    store.write([stored("waiting-2", START, 1, elsewhere)])
    with pytest.raises(StoreUnavailable, match="1 village hours are not aggregated"):
        store.tend(START + 2 * HOUR)
    assert len(store.hours("waiting-2", START, START + HOUR, ["supply_c"])["supply_c"]) == 1
    influx.execute("DROP DATABASE waiting_hourly")
    influx.execute("CREATE DATABASE waiting_hourly")
    store.tend(START + 2 * HOUR)
    hours = store.hours("waiting-1", START, START + HOUR, ["room_c"])["room_c"]
    store.close()
    fault_record["trials"], fault_record["lost"] = 1, 1 - len(hours)
    assert [hour.mean for hour in hours] == [20.0]


def test_a_missing_hourly_bucket_is_found_with_one_request(
    influx: InfluxGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    influx.execute("CREATE DATABASE hourless")
    store = opened(influx, "hourless")
    for village in range(5):
        place = GatewayPath("mentougou", "qingshui", f"hourless-{village}", f"gw-{village}")
        store.write([stored(f"hourless-{village}", START, 1, place)])
    asked = statements(monkeypatch)
    with pytest.raises(StoreUnavailable, match="no bucket or database 'hourless_hourly'"):
        store.tend(START + 2 * HOUR)
    store.close()
    assert len(aggregations(asked)) == 1


def test_text_of_another_writer_costs_no_hour_of_other_points(
    influx: InfluxGate, fault_record: FaultRecord
) -> None:
    for database in ("texts", "texts_hourly"):
        influx.execute(f"CREATE DATABASE {database}")
    write_raw(influx, "texts", f'heat_pump,device=other room_c="warm" {START + MINUTE}')
    store = opened(influx, "texts")
    store.write([stored("texts-1", START + minute * MINUTE) for minute in range(60)])
    store.write([stored("texts-1", START + HOUR)])
    store.tend(START + 3 * HOUR)
    hours = store.hours("texts-1", START, START + 2 * HOUR, ["supply_c", "room_c"])
    store.close()
    fault_record["trials"], fault_record["lost"] = 2, 2 - len(hours["supply_c"])
    assert [hour.count for hour in hours["supply_c"]] == [60, 1]
    assert hours["room_c"] == []


def test_rows_that_are_no_readings_are_skipped_and_counted(
    influx: InfluxGate, fault_record: FaultRecord
) -> None:
    influx.execute("CREATE DATABASE strangers")
    at = wall_clock_ms()
    write_raw(
        influx,
        "strangers",
        f'heat_pump,host=elsewhere usage=3.5,room_c="x" {at}',
        f"heat_pump,device=strange-1 supply_c=30 {at + 1}",
        f"heat_pump,district=d,town=t,village=v,gateway=g,device=strange-1 seq=1i {at + 2}",
    )
    store = opened(influx, "strangers")
    before = SKIPPED._value.get()
    written = stored("strange-1", at + 3)
    store.write([written])
    (chunk,) = missed_readings(store, at - 1, HOUR, at + 5)
    assert chunk == [(written.gateway, written.reading)]
    assert SKIPPED._value.get() - before == 3
    assert store.history("strange-1", at, at + 10) == [written]
    assert store.latest() == {"strange-1": written}
    assert len(store.columns(["strange-1"], at, at + 10, ["supply_c", "room_c"])) == 1
    store.close()
    fault_record["trials"] = 3


def test_refused_readings_keep_pace_with_a_district(
    influx: InfluxGate, fault_record: FaultRecord
) -> None:
    influx.execute("CREATE DATABASE refusing")
    write_raw(influx, "refusing", f'heat_pump,device=other room_c="warm" {START}')
    store = opened(influx, "refusing")
    conflicting = [
        stored(f"unit-{number % 300}", START + number, number, values={"room_c": 20.0})
        for number in range(12_000)
    ]
    good = [stored(f"good-{number}", START + number) for number in range(0, 12_000, 60)]
    sent = sorted([*conflicting, *good], key=lambda each: each.reading.at)
    began = time.monotonic()
    refused = [
        each for first in range(0, len(sent), 2_000) for each in store.write(sent[first:][:2_000])
    ]
    pace = len(sent) / (time.monotonic() - began)
    kept = [store.history(each.reading.device, START, START + HOUR) for each in good]
    store.close()
    fault_record["trials"] = len(sent)
    fault_record["lost"] = len(sent) - len(refused) - sum(map(len, kept))
    assert {each.stored.reading.device[:4] for each in refused} == {"unit"}
    assert (len(refused), kept) == (12_000, [[each] for each in good])
    assert pace > 1_900


def test_old_readings_among_new_ones_are_found_with_few_requests(
    influx: InfluxGate, proxy: Proxy
) -> None:
    influx.execute("CREATE DATABASE short WITH DURATION 1d")
    now = wall_clock_ms()
    ages = [5 * DAY_MS if number % 3 else 0 for number in range(900)]
    sent = [stored("short-1", now - age + number) for number, age in enumerate(ages)]
    store = opened(proxy, "short")
    refused = store.write(sent)
    store.close()
    assert {each.stored.reading.at for each in refused} == {
        each.reading.at for each in sent if each.reading.at < now
    }
    assert {each.code for each in refused} == {"too_old"}
    assert proxy.forwarded < 60


def test_a_corrected_token_file_is_read_again(
    influx: InfluxGate, proxy: Proxy, tmp_path: Path, fault_record: FaultRecord
) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    proxy.token = "old"
    store = open_store(StoreSettings(url=proxy.url, token_file=token))
    written = [stored("token-1", START + number) for number in range(2)]
    store.write(written[:1])
    proxy.token = "new"
    with pytest.raises(StoreUnavailable, match="refuses the token"):
        store.write(written)
    token.write_text("new\n")
    assert store.write(written) == []
    store.close()
    assert opened(influx, "hearthwatch").history("token-1", START, START + 2) == written
    fault_record["trials"] = 1


def test_a_late_reading_aggregates_its_own_village_alone(
    influx: InfluxGate, monkeypatch: pytest.MonkeyPatch, fault_record: FaultRecord
) -> None:
    for database in ("villages", "villages_hourly"):
        influx.execute(f"CREATE DATABASE {database}")
    places = [
        GatewayPath("mentougou", f"town-{town}", f"village-{village}", f"gw-{town}-{village}")
        for town in range(2)
        for village in range(5)
    ]
    store = opened(influx, "villages")
    store.write([stored(f"unit-{p.gateway}", START, 1, p) for p in places])
    asked = statements(monkeypatch)
    store.tend(START + 2 * HOUR)
    assert len(aggregations(asked)) == 10
    late: list[StoredReading] = [stored(f"unit-{places[7].gateway}", START + MINUTE, 2, places[7])]
    store.write(late)
    asked.clear()
    store.tend(START + 2 * HOUR)
    assert len(aggregations(asked)) == 1
    asked.clear()
    store.tend(START + 2 * HOUR)
    assert aggregations(asked) == []
    units = [f"unit-{place.gateway}" for place in places]
    hours = [store.hours(unit, START, START + HOUR, ["supply_c"])["supply_c"] for unit in units]
    counts = [[hour.count for hour in each] for each in hours]
    store.close()
    fault_record["trials"], fault_record["missed"] = 10, 10 - sum(map(len, counts))
    assert counts == [[2] if place == places[7] else [1] for place in places]


def test_one_device_and_a_start_never_ask_for_all_devices(
    influx: InfluxGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path)
    desk.store.close()
    desk.store = open_store(StoreSettings(url=influx.create("single")))
    now = desk.clock()
    desk.add_device("single-1")
    desk.store.write([stored("single-1", now - MINUTE, values={"room_c": 20.5})])
    desk.start()
    asked = statements(monkeypatch)
    try:
        token = create_token(desk.database, "district", "mentougou")
        address = f"{desk.url}/api/v1/devices/single-1"
        answer = httpx.get(address, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
        assert answer.json()["values"] == {"room_c": 20.5}
        assert [statement for statement in asked if "device = 'single-1'" not in statement] == []
        asked.clear()
        (chunk,) = missed_readings(desk.store, now - HOUR, HOUR, now)
        assert len(chunk) == 1
        assert [statement for statement in asked if "time > " not in statement] == []
    finally:
        desk.close()


def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that stores send from now on."""
    asked: list[str] = []
    series = InfluxConnection.series

    def noted(self: InfluxConnection, influxql: str, bucket: str | None = None) -> Any:
        asked.append(influxql)
        return series(self, influxql, bucket)

    monkeypatch.setattr(InfluxConnection, "series", noted)
    return asked


def aggregations(asked: list[str]) -> list[str]:
    return [statement for statement in asked if "supply_c" in statement]
