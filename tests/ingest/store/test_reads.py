"""Statistics over time and over a village: the same answers from SQLite and InfluxDB, and the right
ones."""

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.store import ReadingStore, StoredReading, StoreSettings, StoreUnavailable, open_store
from ingest.store.hours import long_summaries
from ingest.store.model import Area, PointSummary
from tests.ingest.store.samples import BEIJING, HOUR, START, stored, summarised, summary_of
from tests.servers import InfluxGate
from wire.topics import GatewayPath
from wire.units import DAY_MS
from wire.wall_clock import wall_clock_ms

MINUTE = 60_000


def of_village(number: int) -> GatewayPath:
    return GatewayPath("mentougou", "qingshui", f"reads-{number}", "st-01")


@pytest.fixture(scope="module")
def stores(
    influx: InfluxGate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[ReadingStore]]:
    file = tmp_path_factory.mktemp("reads") / "readings.db"
    influx.create("hearthwatch_hourly")
    opened = [open_store(StoreSettings(url=url)) for url in (f"sqlite:{file}", influx.url)]
    yield opened
    for store in opened:
        store.close()


@pytest.fixture(params=[0, 1], ids=["sqlite", "influx"])
def store(request: pytest.FixtureRequest, stores: list[ReadingStore]) -> ReadingStore:
    return stores[request.param]


def test_summaries_have_four_statistics_and_explicit_gaps(store: ReadingStore) -> None:
    temperatures = {0: 40.0, 20_000: 42.0, 130_000: 44.5}
    store.write(
        [
            stored("stat-1", START + at, values={"supply_c": value})
            for at, value in temperatures.items()
        ]
    )
    answer = store.summaries("stat-1", START, START + 3 * MINUTE, ["supply_c", "room_c"], MINUTE)
    assert answer == {
        "supply_c": [
            PointSummary(START, 2, 41.0, 40.0, 42.0),
            PointSummary(START + MINUTE),
            PointSummary(START + 2 * MINUTE, 1, 44.5, 44.5, 44.5),
        ],
        "room_c": [PointSummary(START + n * MINUTE) for n in range(3)],
    }


def test_finished_hours_are_aggregated_and_late_readings_change_them(store: ReadingStore) -> None:
    readings = [
        stored("hour-1", START + n * 10 * MINUTE, n, values={"room_c": 18.0 + n}) for n in range(9)
    ]
    hours = summarised(readings, "room_c", START, START + 2 * HOUR, HOUR)
    store.write(readings)
    store.tend(START + HOUR + 9 * MINUTE)
    assert store.hours("hour-1", START, START + 2 * HOUR, ["room_c"]) == {"room_c": []}
    store.tend(START + HOUR + 10 * MINUTE)
    assert store.hours("hour-1", START, START + 2 * HOUR, ["room_c"]) == {"room_c": hours[:1]}
    late = stored("hour-1", START + 5 * MINUTE, 99, values={"room_c": 3.0, "supply_c": 0.0})
    store.write([late])
    store.tend(START + 3 * HOUR)
    answer = store.hours("hour-1", START, START + 2 * HOUR, ["room_c", "supply_c"])
    assert answer["room_c"] == summarised(
        [*readings, late], "room_c", START, START + 2 * HOUR, HOUR
    )
    assert answer["supply_c"] == [PointSummary(START, 1, 0.0, 0.0, 0.0)]


def test_aggregating_again_changes_nothing(store: ReadingStore) -> None:
    readings = [stored("twice-1", START + n * MINUTE, n) for n in range(60)]
    store.write(readings)
    store.tend(START + 2 * HOUR)
    once = store.hours("twice-1", START, START + HOUR, ["supply_c"])
    store.write(readings)
    store.tend(START + 2 * HOUR)
    store.tend(START + 2 * HOUR)
    assert store.hours("twice-1", START, START + HOUR, ["supply_c"]) == once
    assert [bucket.count for bucket in once["supply_c"]] == [60]


def test_what_is_left_when_the_work_is_stopped_is_done_another_time(store: ReadingStore) -> None:
    long_before = START - 30 * DAY_MS
    store.write([stored("stopped-1", long_before + n * HOUR, n) for n in range(6)])
    asked = count()
    store.tend(long_before + DAY_MS, lambda: next(asked) >= 3)
    hours = store.hours("stopped-1", long_before, long_before + DAY_MS, ["supply_c"])["supply_c"]
    assert len(hours) < 6
    store.tend(long_before + DAY_MS)
    hours = store.hours("stopped-1", long_before, long_before + DAY_MS, ["supply_c"])["supply_c"]
    assert [hour.at for hour in hours] == [long_before + n * HOUR for n in range(6)]


def test_only_whole_hours_of_the_range_are_given(store: ReadingStore) -> None:
    store.write([stored("whole-hour-1", START + n * HOUR // 2, n) for n in range(6)])
    store.tend(START + 4 * HOUR)
    answer = store.hours("whole-hour-1", START + 1, START + 3 * HOUR - 1, ["supply_c"])
    assert [hour.at for hour in answer["supply_c"]] == [START + HOUR]


def test_a_long_window_takes_hours_as_far_as_they_reach_and_readings_after_that(
    store: ReadingStore,
) -> None:
    start = (START + BEIJING) // (6 * HOUR) * (6 * HOUR) - BEIJING
    readings = [
        stored("long-1", start + n * 20 * MINUTE, n, values={"room_c": 18 + n % 7 / 2})
        for n in range(90)
    ]
    store.write(readings)
    store.tend(start + 20 * HOUR)
    expected = summarised(readings, "room_c", start, start + 36 * HOUR, 6 * HOUR)
    assert long_summaries(store, "long-1", start, start + 36 * HOUR, ["room_c"], 6 * HOUR) == {
        "room_c": expected
    }
    fine = long_summaries(store, "long-1", start, start + HOUR, ["room_c"], 30 * MINUTE)
    assert fine == {"room_c": summarised(readings, "room_c", start, start + HOUR, 30 * MINUTE)}


def test_a_village_is_summarised_over_its_devices(store: ReadingStore) -> None:
    here, elsewhere = of_village(1), of_village(2)
    store.write(
        [stored("fleet-1", START + n * 1_000, n, here, values={"room_c": 20.0}) for n in range(9)]
    )
    store.write([stored("fleet-2", START + 5_000, 1, here, values={"room_c": 17.0})])
    store.write([stored("fleet-3", START + 5_000, 1, elsewhere, values={"room_c": 5.0})])
    village = store.fleet(
        Area("mentougou", "qingshui", "reads-1"), START, START + 2 * MINUTE, "room_c", MINUTE
    )
    assert village == [PointSummary(START, 2, 18.5, 17.0, 20.0), PointSummary(START + MINUTE)]
    nowhere = store.fleet(
        Area("mentougou", "qingshui", "reads-99"), START, START + MINUTE, "room_c", MINUTE
    )
    assert nowhere == [PointSummary(START)]


def test_a_town_and_a_district_are_summarised_too(store: ReadingStore) -> None:
    at = START - 50 * DAY_MS
    for number, town in enumerate(("towns-a", "towns-a", "towns-b")):
        gateway = GatewayPath("district-of-towns", town, f"v-{number}", "gw")
        store.write([stored(f"towns-{number}", at, 1, gateway, values={"power_w": 100.0 * number})])
    town = store.fleet(Area("district-of-towns", "towns-a"), at, at + 1, "power_w", HOUR)
    assert town == [PointSummary(at // HOUR * HOUR, 2, 50.0, 0.0, 100.0)]
    district = store.fleet(Area("district-of-towns"), at, at + 1, "power_w", HOUR)
    assert district == [PointSummary(at // HOUR * HOUR, 3, 100.0, 0.0, 200.0)]


def test_an_hour_that_passes_its_retention_holds_up_no_other(influx: InfluxGate) -> None:
    for database in ("fleeting", "fleeting_hourly"):
        influx.create(database)
    store = open_store(StoreSettings(url=influx.url.replace("/hearthwatch", "/fleeting")))
    long_ago = wall_clock_ms() // HOUR * HOUR - 5 * DAY_MS
    recently = long_ago + 4 * DAY_MS + 20 * HOUR
    store.write([stored("fleeting-1", at, n) for n, at in enumerate((long_ago, recently))])
    influx.execute(
        'ALTER RETENTION POLICY autogen ON "fleeting_hourly" DURATION 1d SHARD DURATION 1h'
    )
    store.tend(long_ago + 5 * DAY_MS)
    (hour,) = store.hours("fleeting-1", recently, recently + HOUR, ["supply_c"])["supply_c"]
    assert hour == PointSummary(recently, 1, 41.5, 41.5, 41.5)
    store.close()


def test_hours_wait_for_a_bucket_that_is_not_there_yet(influx: InfluxGate) -> None:
    influx.create("unchecked")
    store = open_store(StoreSettings(url=influx.url.replace("/hearthwatch", "/unchecked")))
    store.write([stored("unchecked-1", START)])
    with pytest.raises(
        StoreUnavailable, match="'unchecked_hourly': create it with `hearthwatch server check`"
    ):
        store.tend(START + 2 * HOUR)
    influx.create("unchecked_hourly")
    store.tend(START + 2 * HOUR)
    (hour,) = store.hours("unchecked-1", START, START + HOUR, ["supply_c"])["supply_c"]
    assert hour.count == 1
    store.close()


def test_days_of_a_village_come_from_its_hours(store: ReadingStore) -> None:
    gateway, day = of_village(7), (START + BEIJING) // DAY_MS * DAY_MS - BEIJING - 60 * DAY_MS
    area = Area("mentougou", "qingshui", "reads-7")
    store.write(
        [
            stored("days-1", day + n * 10 * MINUTE, n, gateway, values={"room_c": n / 10})
            for n in range(200)
        ]
    )
    store.write(
        [
            stored("days-2", day + 5 * HOUR + n, n, gateway, values={"room_c": 30.0 + n})
            for n in range(2)
        ]
    )
    store.tend(day + 2 * DAY_MS)
    assert store.fleet_hours(area, day, day + 3 * DAY_MS, "room_c", DAY_MS) == [
        PointSummary(day, 2, 18.825, 7.15, 30.5),
        PointSummary(day + DAY_MS, 1, 17.15, 17.15, 17.15),
        PointSummary(day + 2 * DAY_MS),
    ]
    assert store.fleet_hours(area, day, day + DAY_MS, "room_c", HOUR) == store.fleet(
        area, day, day + DAY_MS, "room_c", HOUR
    )


@pytest.mark.parametrize("village", ["x' OR 1=1", ""])
def test_what_is_no_id_never_reaches_influxql(stores: list[ReadingStore], village: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        stores[1].fleet(Area("mentougou", "qingshui", village), START, START + 1, "room_c", 1_000)


numbers = count()
tenths = st.integers(-300, 900).map(lambda value: value / 10)
changes = st.fixed_dictionaries(
    {
        "state": st.sampled_from(["heating", "defrost", "off"]),
        "faults": st.sampled_from([[], ["high_pressure:P1"], ["sensor:E2", "fan:F3"]]),
        "values": st.dictionaries(st.sampled_from(["supply_c", "room_c", "flow_lpm"]), tenths),
        "bad": st.sampled_from([[], ["room_c"], ["coil_c", "tank_c"]]),
    }
)


@st.composite
def histories(draw: st.DrawFn) -> list[StoredReading]:
    """One device's readings of up to three hours, with gaps, bad points and changes of state; no
    hour is used twice."""
    number = next(numbers)
    start = START // DAY_MS * DAY_MS - (100 + number) * DAY_MS
    times = sorted(draw(st.sets(st.integers(0, 3 * HOUR - 1), min_size=1, max_size=30)))
    gateway = of_village(1_000 + number)
    return [
        stored(f"any-{number}", start + at, n + 1, gateway, **draw(changes))
        for n, at in enumerate(times)
    ]


@settings(max_examples=25)
@given(histories(), st.sampled_from([7 * MINUTE, 30 * MINUTE, HOUR]), st.integers(0, 3 * HOUR))
def test_both_stores_answer_alike_and_right(
    stores: list[ReadingStore], readings: list[StoredReading], step: int, begin: int
) -> None:
    device, gateway = readings[0].reading.device, readings[0].gateway
    midnight = readings[0].reading.at // DAY_MS * DAY_MS
    start, end = midnight + begin, midnight + DAY_MS // 2
    for store in stores:
        store.write(readings[::2])
        store.tend(midnight + DAY_MS // 2)
        store.write(readings[::-1])
        store.tend(midnight + DAY_MS)
        assert store.history(device, midnight, end) == readings
        for point in ("supply_c", "flow_lpm"):
            expected = summarised(readings, point, start, end, step)
            assert store.summaries(device, start, end, [point], step) == {point: expected}
            area = Area(gateway.district, gateway.town, gateway.village)
            assert store.fleet(area, start, end, point, step) == [
                _alone(bucket) for bucket in expected
            ]
            hours = summarised(readings, point, midnight, end, HOUR)
            assert store.hours(device, midnight, end, [point]) == {
                point: [hour for hour in hours if hour.count]
            }


def _alone(bucket: PointSummary) -> PointSummary:
    """A village of one device."""
    return summary_of(bucket.at, [] if bucket.mean is None else [bucket.mean])
