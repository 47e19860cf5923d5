"""Days are the district's days: in the API, in both stores, and where readings are forgotten."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from desk.accounts.tokens import create_token
from hearthwatch.run.alert_parts import make_alert_parts
from hearthwatch.run.server_settings import load_server_settings
from ingest.store import Area, PointSummary, ReadingStore, StoreSettings, long_summaries, open_store
from tests.alerts.messages import CHINA
from tests.api.serving import VILLAGE, Desk
from tests.faults.conftest import FaultRecord
from tests.ingest.store.samples import HOUR, stored
from tests.servers import InfluxGate
from wire.messages import Reading
from wire.units import DAY_MS

pytestmark = pytest.mark.fault("11.B8")

MIDNIGHT = round(datetime(2026, 11, 20, tzinfo=CHINA).timestamp() * 1_000)
# Half an hour before each of three midnights 10 °C, half an hour after them 20 °C.
ROOMS = {
    MIDNIGHT + day * DAY_MS + half * HOUR // 2: 15.0 + 5 * half
    for day in range(3)
    for half in (-1, 1)
}
DAYS = [
    PointSummary(MIDNIGHT - DAY_MS, 1, 10.0, 10.0, 10.0),
    PointSummary(MIDNIGHT, 2, 15.0, 10.0, 20.0),
    PointSummary(MIDNIGHT + DAY_MS, 2, 15.0, 10.0, 20.0),
    PointSummary(MIDNIGHT + 2 * DAY_MS, 1, 20.0, 20.0, 20.0),
]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.start()
    try:
        yield desk
    finally:
        desk.close()


@pytest.fixture(params=["sqlite", "influx"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReadingStore]:
    url = f"sqlite:{tmp_path / 'days.db'}"
    if request.param == "influx":
        gate: InfluxGate = request.getfixturevalue("influx")
        url = gate.create("local_days")
        gate.create("local_days_hourly")
    opened = open_store(StoreSettings(url=url))
    yield opened
    opened.close()


def test_a_day_of_the_api_begins_at_local_midnight_and_says_so(
    desk: Desk, fault_record: FaultRecord
) -> None:
    desk.add_device("a-1")
    readings = [Reading("a-1", at, "heating", [], {"room_c": room}) for at, room in ROOMS.items()]
    desk.add_readings("a-1", readings, VILLAGE)
    desk.store.tend(MIDNIGHT + 4 * DAY_MS)
    asked = f"from={MIDNIGHT - HOUR}&to={MIDNIGHT + 3 * DAY_MS}&step=24h"
    one = ask(desk, f"/devices/a-1/readings?points=room_c&{asked}&stat=all")
    all_ = ask(desk, f"/fleet/readings?district=mentougou&point=room_c&{asked}&stat=mean")
    for answer in (one, all_):
        assert (answer["from"], answer["to"]) == (MIDNIGHT - DAY_MS, MIDNIGHT + 3 * DAY_MS)
    expected = [[d.at, d.count, d.mean, d.minimum, d.maximum] for d in DAYS]
    assert one["points"]["room_c"] == expected
    assert all_["values"] == [[day.at, day.mean] for day in DAYS]
    fault_record["trials"] = 2


def test_a_first_step_is_a_whole_one_and_its_beginning_is_said(desk: Desk) -> None:
    desk.add_device("a-1")
    readings = [
        Reading("a-1", MIDNIGHT + second * 1_000, "heating", [], {"room_c": float(second)})
        for second in (10, 40, 70)
    ]
    desk.add_readings("a-1", readings, VILLAGE)
    window = f"points=room_c&from={MIDNIGHT + 30_000}&to={MIDNIGHT + 120_000}"
    stepped = ask(desk, f"/devices/a-1/readings?{window}&step=1m")
    assert stepped["from"] == MIDNIGHT
    assert stepped["points"]["room_c"] == [[MIDNIGHT, 25.0], [MIDNIGHT + 60_000, 70.0]]
    every = ask(desk, f"/devices/a-1/readings?{window}")
    assert every["from"] == MIDNIGHT + 30_000


def test_both_stores_have_local_days(store: ReadingStore, fault_record: FaultRecord) -> None:
    store.write([stored("days-1", at, values={"room_c": room}) for at, room in ROOMS.items()])
    store.tend(MIDNIGHT + 4 * DAY_MS)
    begin, end = MIDNIGHT - DAY_MS, MIDNIGHT + 3 * DAY_MS
    assert long_summaries(store, "days-1", begin, end, ["room_c"], DAY_MS) == {"room_c": DAYS}
    assert store.summaries("days-1", begin, end, ["room_c"], DAY_MS) == {"room_c": DAYS}
    area = Area("mentougou", "qingshui", "store-test")
    means = [(day.at, day.mean) for day in DAYS]
    for fleet in (store.fleet, store.fleet_hours):
        assert [(day.at, day.mean) for day in fleet(area, begin, end, "room_c", DAY_MS)] == means
    fault_record["trials"] = 4


def test_the_store_has_the_days_of_the_configured_zone(tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text('[season]\ntimezone = "Asia/Urumqi"\n')
    settings = load_server_settings(config)
    store = make_alert_parts(settings).open_store()
    try:
        assert store.offset_ms == 6 * HOUR == settings.season.to_season().offset_ms
    finally:
        store.close()


def ask(desk: Desk, question: str) -> Any:
    token = create_token(desk.database, "district", "mentougou")
    answer = httpx.get(
        f"{desk.url}/api/v1{question}",
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    )
    answer.raise_for_status()
    return answer.json()
