"""Marks of hours to aggregate: what a write marks, and marks that an earlier release left."""

from ingest.store import StoreSettings, open_store
from ingest.store.influx.hours import touched
from ingest.store.influx.line_protocol import LineEncoder
from tests.ingest.store.samples import HOUR, START, stored
from tests.servers import InfluxGate
from wire.topics import GatewayPath


def place(village: str, gateway: str) -> GatewayPath:
    return GatewayPath("mentougou", "qingshui", village, gateway)


def test_a_write_marks_each_hour_of_each_village_once_and_the_hour_itself() -> None:
    gateways = [place("a", "gw-1"), place("a", "gw-2"), place("b", "gw-3")]
    readings = [
        stored(f"unit-{gateway.gateway}", START + hour * HOUR + second, 1, gateway)
        for gateway in gateways
        for hour in range(2)
        for second in range(3)
    ]
    tags = "hearthwatch_hour,district=mentougou,town=qingshui,village="
    fields = "touched=7i,aggregated=0i"
    ends = [START + HOUR, START + 2 * HOUR]
    assert touched(readings, 7) == [
        *(f"{tags}{village} {fields} {end}" for village in ("a", "b") for end in ends),
        *(f"hearthwatch_hour {fields} {end}" for end in ends),
    ]


def test_an_hour_that_an_earlier_release_marked_is_aggregated_whole(influx: InfluxGate) -> None:
    store = open_store(StoreSettings(url=influx.create("earlier")))
    influx.create("earlier_hourly")
    before = [stored(f"old-{n}", START + n, 1, place(f"old-{n}", f"gw-{n}")) for n in range(3)]
    mark = f"hearthwatch_hour touched=5i,aggregated=0i {START + HOUR}"
    store._connection.post([*LineEncoder().lines(before), mark])  # type: ignore[attr-defined]
    store.write([stored("old-0", START + HOUR // 2, 2, place("old-0", "gw-0"))])
    store.tend(START + 2 * HOUR)
    hours = [store.hours(f"old-{n}", START, START + HOUR, ["supply_c"]) for n in range(3)]
    store.close()
    assert [[hour.count for hour in each["supply_c"]] for each in hours] == [[2], [1], [1]]
