"""Readings reach `recent` whole, however many of them give the same points."""

import sqlite3
from collections.abc import Iterator

import pytest

from ingest.store import StoredReading
from ingest.store.sqlite.rows import alike, insert
from ingest.store.sqlite.schema import COLUMNS, bring_up_to_date
from tests.ingest.store.samples import START, stored
from wire.points import POINT_NAMES


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    bring_up_to_date(connection)
    yield connection
    connection.close()


def write(database: sqlite3.Connection, readings: list[StoredReading]) -> None:
    for group in alike(readings):
        insert(database, group)


def rows(database: sqlite3.Connection) -> list[tuple[object, ...]]:
    return database.execute(f"SELECT {', '.join(COLUMNS)} FROM recent ORDER BY at").fetchall()  # noqa: S608 - columns of our own


def expected(stored: StoredReading) -> tuple[object, ...]:
    reading = stored.reading
    values = (reading.values.get(name) for name in POINT_NAMES)
    faults, bad = ",".join(reading.faults), ",".join(reading.bad)
    return (
        reading.device,
        reading.at,
        stored.gateway.gateway,
        reading.state,
        faults,
        "e1",
        stored.seq,
        *values,
        bad,
    )


@pytest.mark.parametrize("count", [1, 49, 50, 51, 150, 237])
def test_every_reading_of_a_batch_becomes_its_row(database: sqlite3.Connection, count: int) -> None:
    measured = [
        {"supply_c": 41.5, "room_c": 0.0},
        {"room_c": 19.5, "supply_c": 40.0},
        {},
        {"power_w": 2_350.0},
    ]
    readings = [
        stored(
            f"pump-{n % 3}",
            START + n,
            n,
            values=measured[n * n % 4],
            faults=["sensor:E1"] * (n % 2),
            bad=["tank_c"],
        )
        for n in range(count)
    ]
    write(database, readings)
    assert rows(database) == [expected(stored) for stored in readings]


def test_what_was_written_first_stays(database: sqlite3.Connection) -> None:
    first = [stored("pump-1", START + n, n, values={"room_c": 20.0 + n}) for n in range(60)]
    write(database, first)
    write(
        database,
        [
            stored("pump-1", START + n, n, values={"room_c": 5.0, "supply_c": 30.0})
            for n in range(70)
        ],
    )
    assert rows(database)[:60] == [expected(stored) for stored in first]
    assert len(rows(database)) == 70


def test_a_name_that_is_no_point_gets_into_no_statement(database: sqlite3.Connection) -> None:
    with pytest.raises(ValueError, match="no such point"):
        write(database, [stored("pump-1", START, values={"room_c) VALUES (1); --": 1.0})])
