"""What only the SQLite store does: its file, its retention, and hours that are packed and opened
again."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from ingest.store import StoredReading, StoreUnavailable
from ingest.store.hours import Retention
from ingest.store.sqlite.store import SqliteStore
from tests.ingest.store.samples import HOUR, START, stored
from wire.local_days import BEIJING_OFFSET_MS, begin_of
from wire.points import POINT_NAMES
from wire.units import DAY_MS

Rows = list[tuple[object, ...]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "readings.db")
    yield opened
    opened.close()


def a_day(device: str, start: int = START) -> list[StoredReading]:
    """A reading every two minutes."""
    return [
        stored(
            device,
            start + n * 120_000,
            n + 1,
            values={"supply_c": 40 + n % 50 / 10, "flow_lpm": n % 30 * 10 / 60},
        )
        for n in range(720)
    ]


def rows(path: Path, sql: str) -> Rows:
    """What a program without our code reads."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


def test_an_outside_reader_sees_the_contracts_table_whether_packed_or_not(
    store: SqliteStore, tmp_path: Path
) -> None:
    path = tmp_path / "readings.db"
    store.write(a_day("pump-1"))
    everything = (
        "SELECT device, at, gateway, state, faults, epoch, seq, supply_c, flow_lpm "
        "FROM reading ORDER BY at"
    )
    before = rows(path, everything)
    store.tend(START + 12 * HOUR + 600_000)
    assert rows(path, "SELECT count(*) FROM recent") == [(360,)]
    assert rows(path, everything) == before
    store.tend(START + 2 * DAY_MS)
    assert rows(path, "SELECT count(*) FROM recent") == [(0,)]
    assert rows(path, everything) == before
    assert {row[1] for row in rows(path, "PRAGMA table_info(reading)")} >= {
        *POINT_NAMES,
        "at",
        "device",
        "bad",
    }


def test_an_outside_reader_finds_the_hours_by_name(store: SqliteStore, tmp_path: Path) -> None:
    store.write(
        [
            stored("pump-1", START + n, n, values={"room_c": room_c})
            for n, room_c in enumerate([20.0, 17.0, 21.5])
        ]
    )
    store.tend(START + 2 * HOUR)
    sql = (
        "SELECT hour, room_c_count, room_c_mean, room_c_min, room_c_max, supply_c_count FROM hourly"
    )
    assert rows(tmp_path / "readings.db", sql) == [(START, 3, 19.5, 17.0, 21.5, None)]


def test_a_packed_reading_that_is_sent_again_is_still_one(
    store: SqliteStore, tmp_path: Path
) -> None:
    day = a_day("pump-1")
    store.write(day)
    store.tend(START + 2 * DAY_MS)
    store.write(day[100:130])
    assert store.history("pump-1", START, START + DAY_MS) == day
    store.tend(START + 2 * DAY_MS)
    assert store.history("pump-1", START, START + DAY_MS) == day
    assert rows(tmp_path / "readings.db", "SELECT count(*) FROM recent") == [(0,)]


def test_packing_that_fails_half_way_leaves_the_hour_as_it_was(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = a_day("pump-1")
    store.write(day)

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("ingest.store.sqlite.upkeep.hour_summary", full)
        with pytest.raises(StoreUnavailable, match="free some disk space"):
            store.tend(START + 2 * DAY_MS)
    assert rows(
        tmp_path / "readings.db", "SELECT count(*) FROM recent UNION ALL SELECT count(*) FROM block"
    ) == [
        (720,),
        (0,),
    ]
    store.tend(START + 2 * DAY_MS)
    assert store.history("pump-1", START, START + DAY_MS) == day
    assert len(store.hours("pump-1", START, START + DAY_MS, ["supply_c"])["supply_c"]) == 24


def test_packing_an_hour_frees_most_of_its_space(store: SqliteStore, tmp_path: Path) -> None:
    store.write(a_day("pump-1"))
    size = "SELECT (page_count - freelist_count) FROM pragma_page_count, pragma_freelist_count"
    ((before,),) = rows(tmp_path / "readings.db", size)
    store.tend(START + 2 * DAY_MS)
    ((after,),) = rows(tmp_path / "readings.db", size)
    assert isinstance(before, int)
    assert isinstance(after, int)
    assert after < before


def test_readings_and_hours_are_forgotten_by_whole_days(tmp_path: Path) -> None:
    path = tmp_path / "readings.db"
    store = SqliteStore(path, Retention(readings=2 * DAY_MS, hours=4 * DAY_MS))
    midnight = begin_of(START, DAY_MS, BEIJING_OFFSET_MS)
    for day in range(8):
        store.write(a_day("pump-1", midnight + day * DAY_MS))
        store.tend(midnight + (day + 1) * DAY_MS + HOUR)
    store.close()
    kept = "SELECT DISTINCT ({0} - {1}) / 86400000 FROM {2} ORDER BY 1"
    assert rows(path, kept.format("at", midnight, "reading")) == [(6,), (7,)]
    assert rows(path, kept.format("hour", midnight, "hourly")) == [(4,), (5,), (6,), (7,)]


def test_with_a_retention_the_file_stops_growing(tmp_path: Path) -> None:
    path = tmp_path / "readings.db"
    store = SqliteStore(path, Retention(readings=DAY_MS, hours=DAY_MS))
    sizes = []
    for day in range(8):
        for device in range(3):
            store.write(a_day(f"pump-{device}", START + day * DAY_MS))
        sizes += rows(path, "PRAGMA page_count")
        store.tend(START + (day + 1) * DAY_MS + HOUR)
    store.close()
    assert max(sizes[4:]) <= max(sizes[:4])


def test_a_shorter_retention_shortens_the_file(tmp_path: Path) -> None:
    path = tmp_path / "readings.db"
    keeping = SqliteStore(path)
    for day in range(20):
        keeping.write(a_day("pump-1", START + day * DAY_MS))
    keeping.tend(START + 21 * DAY_MS)
    keeping.close()
    before = path.stat().st_size
    forgetting = SqliteStore(path, Retention(readings=DAY_MS, hours=DAY_MS))
    forgetting.tend(START + 21 * DAY_MS)
    forgetting.close()
    assert path.stat().st_size < before / 2


def test_an_older_file_gets_the_columns_of_new_points(tmp_path: Path) -> None:
    path = tmp_path / "readings.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            """CREATE TABLE reading (
            device TEXT NOT NULL, at INTEGER NOT NULL, gateway TEXT NOT NULL, state TEXT NOT NULL,
            faults TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL, supply_c REAL,
            bad TEXT NOT NULL,
            PRIMARY KEY (device, at)) WITHOUT ROWID"""
        )
        database.execute(
            "CREATE TABLE device (device TEXT PRIMARY KEY, district, town, village, gateway)"
        )
        database.execute(
            "INSERT INTO device VALUES ('pump-1', 'mentougou', 'qingshui', 'store-test', 'st-01')"
        )
        database.execute(
            "INSERT INTO reading VALUES ('pump-1', ?, 'st-01', 'off', '', 'e1', 7, 41.5, '')",
            (START,),
        )
    store = SqliteStore(path)
    old = stored("pump-1", START, 7, state="off", values={"supply_c": 41.5})
    new = stored("pump-1", START + 1, 8, values={"room_c": 19.5, "frequency_limit": 2.0})
    store.write([old, new])
    assert store.history("pump-1", START, START + 2) == [old, new]
    store.tend(START + DAY_MS)
    assert store.history("pump-1", START, START + 2) == [old, new]
    store.close()


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "readings.db"
    SqliteStore(path).close()
    before = rows(path, "SELECT * FROM sqlite_master ORDER BY name")
    SqliteStore(path).close()
    assert rows(path, "SELECT * FROM sqlite_master ORDER BY name") == before


def test_writing_goes_on_while_hours_are_packed_and_days_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "readings.db"
    writer, keeper = SqliteStore(path), SqliteStore(path, Retention(readings=2 * DAY_MS))
    days = [a_day("pump-1", START + day * DAY_MS) for day in range(4)]
    for day, next_day in pairwise(days):
        writer.write(day)
        writer.write(next_day[:30])
        keeper.tend(next_day[0].reading.at + HOUR)
        writer.write(day[-30:])
    writer.write(days[-1])
    answer = writer.history("pump-1", START + DAY_MS, START + 4 * DAY_MS)
    assert answer == [row for day in days[1:] for row in day]
    writer.close()
    keeper.close()


def test_a_full_disk_is_waited_out_and_nothing_half_written(
    store: SqliteStore, tmp_path: Path
) -> None:
    day = a_day("pump-1")
    store.write(day[:10])
    ((pages,),) = rows(tmp_path / "readings.db", "PRAGMA page_count")
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailable, match="free some disk space"):
        store.write(day)
    assert store.history("pump-1", START, START + DAY_MS) == day[:10]
    store._writer.execute("PRAGMA max_page_count = 1000000")
    store.write(day)
    assert store.history("pump-1", START, START + DAY_MS) == day
