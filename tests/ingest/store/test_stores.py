"""One suite for every store: SQLite and InfluxDB give the same answers; VictoriaMetrics takes the
same writes."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from configuration.load import ConfigurationError, validate
from ingest.store import ReadingStore, StoreSettings, StoreUnavailable, open_store
from tests.ingest.store.samples import START, stored
from tests.servers import InfluxGate, VictoriaServer, free_port, wait_until
from wire.topics import GatewayPath


@pytest.fixture(params=["sqlite", "influx"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReadingStore]:
    if request.param == "sqlite":
        settings = StoreSettings(url=f"sqlite:{tmp_path / 'readings.db'}")
    else:
        gate: InfluxGate = request.getfixturevalue("influx")
        settings = StoreSettings(url=gate.url)
    opened = open_store(settings)
    yield opened
    opened.close()


def test_what_is_written_is_read_back_whole(store: ReadingStore) -> None:
    written = [
        stored(
            "whole-1", START, 7, faults=["high_pressure:P1", "sensor:E2"], bad=["room_c", "coil_c"]
        ),
        stored("whole-1", START + 30_000, 8, state="off", values={}),
        stored(
            "whole-1",
            START + 60_000,
            9,
            values={"outdoor_c": 0.0, "room_c": -0.5, "energy_kwh": 3127.4},
        ),
    ]
    assert store.write(written) == []
    assert store.history("whole-1", START, START + 60_001) == written


def test_writing_again_changes_nothing(store: ReadingStore) -> None:
    written = [stored("again-1", START + second * 1000, second + 1) for second in range(10)]
    store.write(written)
    store.write(list(reversed(written)))
    assert store.history("again-1", START, START + 10_000) == written


def test_history_includes_its_start_and_not_its_end(store: ReadingStore) -> None:
    store.write([stored("range-1", START + second * 1000) for second in range(4)])
    assert [
        stored.reading.at - START for stored in store.history("range-1", START + 1000, START + 3000)
    ] == [1000, 2000]
    assert store.history("range-none", START, START + 10_000) == []


def test_latest_is_the_newest_of_each_device_wherever_it_moved(store: ReadingStore) -> None:
    elsewhere = GatewayPath("mentougou", "qingshui", "store-test", "st-02")
    store.write([stored("latest-1", START + 5), stored("latest-2", START + 9)])
    store.write([stored("latest-1", START + 7, gateway=elsewhere)])
    latest = store.latest()
    assert latest["latest-1"] == stored("latest-1", START + 7, gateway=elsewhere)
    assert latest["latest-2"] == stored("latest-2", START + 9)


def test_questions_at_the_same_time_get_each_its_own_answer(store: ReadingStore) -> None:
    store.write([stored(f"both-{n}", START + n, n, values={"room_c": float(n)}) for n in range(8)])

    def ask(n: int) -> list[float]:
        return [
            stored.reading.values["room_c"]
            for stored in store.history(f"both-{n}", START, START + 100)
        ]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, [*range(8)] * 20))
    assert answers == [[float(n)] for n in range(8)] * 20


def test_since_gives_event_time_order_across_devices(
    store: ReadingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Pages of three, with more than a page of readings in one millisecond.
    monkeypatch.setattr("ingest.store.influx.store._PAGE", 3)
    later = START + 100 * 86_400_000
    written = [
        stored(f"since-{device}", later + second * 1000)
        for second in range(5)
        for device in range(5)
    ]
    store.write(list(reversed(written)))
    assert list(store.since(later - 1)) == written
    assert list(store.since(later + 1000)) == written[10:]
    assert list(store.since(later, limit=7)) == written[5:12]
    assert list(store.since(later + 4000)) == []


def test_window_with_step_gives_means_and_explicit_gaps(store: ReadingStore) -> None:
    temperatures = {0: 40.0, 20_000: 42.0, 130_000: 44.5}
    store.write(
        [
            stored("window-1", START + at, values={"supply_c": value})
            for at, value in temperatures.items()
        ]
    )
    answer = store.window("window-1", START, START + 180_000, ["supply_c", "room_c"], 60_000)
    assert answer == {
        "supply_c": [(START, 41.0), (START + 60_000, None), (START + 120_000, 44.5)],
        "room_c": [(START, None), (START + 60_000, None), (START + 120_000, None)],
    }


def test_window_buckets_begin_at_multiples_of_the_step(store: ReadingStore) -> None:
    store.write(
        [
            stored("bucket-1", START + at, values={"supply_c": at / 1000})
            for at in (10_000, 50_000, 70_000)
        ]
    )
    answer = store.window("bucket-1", START + 30_000, START + 90_000, ["supply_c"], 60_000)
    assert answer == {"supply_c": [(START, 50.0), (START + 60_000, 70.0)]}


def test_window_without_step_gives_every_reading_with_none_for_a_missing_point(
    store: ReadingStore,
) -> None:
    store.write([stored("raw-1", START), stored("raw-1", START + 1000, values={"room_c": 0.0})])
    answer = store.window("raw-1", START, START + 2000, ["supply_c", "room_c"], None)
    assert answer == {
        "supply_c": [(START, 41.5), (START + 1000, None)],
        "room_c": [(START, None), (START + 1000, 0.0)],
    }


def test_a_window_of_nothing_is_all_gaps(store: ReadingStore) -> None:
    assert store.window("nobody-1", START, START + 2000, ["room_c"], 1000) == {
        "room_c": [(START, None), (START + 1000, None)]
    }


def test_an_unknown_point_never_reaches_a_query(store: ReadingStore) -> None:
    with pytest.raises(ValueError, match="no such point: x; DROP"):
        store.window("raw-1", START, START + 1, ["x; DROP"], 1000)


def test_a_store_that_answers_passes_its_check(store: ReadingStore) -> None:
    store.check()


def test_sqlite_is_readable_by_others_while_it_is_written(tmp_path: Path) -> None:
    settings = StoreSettings(url=f"sqlite:{tmp_path / 'readings.db'}")
    writer, reader = open_store(settings), open_store(settings)
    writer.write([stored("pump-1", START)])
    rows = reader.since(0)
    assert next(rows).reading.at == START
    writer.write([stored("pump-1", START + 1)])
    assert [stored.reading.at for stored in reader.since(0)] == [START, START + 1]
    rows.close()  # type: ignore[attr-defined]
    writer.close()
    reader.close()


def test_victoria_metrics_takes_the_writes(victoria: VictoriaServer) -> None:
    store = open_store(StoreSettings(url=victoria.url))
    at = 1_763_740_010_120
    assert store.write([stored("victoria-1", at), stored("victoria-1", at + 30_000)]) == []
    store.check()
    store.close()
    urllib.request.urlopen(f"{victoria.http_url}/internal/force_flush", timeout=10).close()
    query = urllib.parse.urlencode(
        {"match[]": '{__name__="heat_pump_supply_c",device="victoria-1"}'}
    )

    def exported() -> object:
        with urllib.request.urlopen(
            f"{victoria.http_url}/api/v1/export?{query}", timeout=5
        ) as response:
            text = response.read()
        return json.loads(text)["timestamps"] if text else None

    assert wait_until(exported) == [at, at + 30_000]


def test_nobody_there_is_unavailable_not_refused() -> None:
    store = open_store(StoreSettings(url=f"influxdb+http://127.0.0.1:{free_port()}/o/b"))
    with pytest.raises(StoreUnavailable, match="does not answer"):
        store.check()
    with pytest.raises(StoreUnavailable, match="does not answer"):
        store.write([stored("pump-1", START)])
    store.close()


def test_a_missing_database_says_what_to_do(influx: InfluxGate) -> None:
    store = open_store(StoreSettings(url=influx.url.replace("/hearthwatch", "/nosuch")))
    with pytest.raises(StoreUnavailable, match="no bucket or database 'nosuch': create it"):
        store.write([stored("pump-1", START)])
    with pytest.raises(StoreUnavailable, match="no bucket or database 'nosuch': create it"):
        store.history("pump-1", START, START + 1)
    store.close()


@pytest.mark.parametrize(
    "url", ["sqlite:", "postgresql://x/y", "influxdb+http://h:1/only-one", "influxdb+ftp://h/o/b"]
)
def test_an_address_that_is_none_is_a_configuration_error(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"url: url must be sqlite:FILE or influxdb\+http"):
        validate({"url": url}, StoreSettings, tmp_path / "server.toml")


def test_paths_are_relative_to_the_file_they_stand_in(tmp_path: Path) -> None:
    settings = validate({}, StoreSettings, tmp_path / "server.toml")
    assert settings.target == tmp_path / "readings.db"
    assert settings.dead_letters == tmp_path / "dead-letters.jsonl"


def test_a_token_file_that_cannot_be_read_is_a_configuration_error(tmp_path: Path) -> None:
    settings = StoreSettings(url="influxdb+http://127.0.0.1:1/o/b", token_file=tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match=r"nowhere.*store\.token_file"):
        open_store(settings)
