"""What is packed comes back through plain SQL exactly as it was."""

import sqlite3
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.store.sqlite.packing import LONGEST, Row, blocks
from ingest.store.sqlite.schema import BLOCK_COLUMNS, COLUMNS, bring_up_to_date
from wire.points import POINT_NAMES

HOUR = 3_600_000
FIRST = 1_763_740_800_000
BARE = dict.fromkeys(POINT_NAMES)

# As registers hold values: a whole number of tenths, halves, hundredths, sixtieths, …; and floats
# of any kind.
on_a_grid = st.builds(
    lambda count, divisor: count / divisor,
    st.integers(-9_000, 900_000),
    st.sampled_from([1, 2, 10]),
)
values = (
    st.none()
    | on_a_grid
    | st.integers(0, 60_000).map(lambda count: count * 10 / 60)
    | st.floats(-1e6, 1e6)
)


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    times = sorted(draw(st.sets(st.integers(0, HOUR - 1), min_size=1, max_size=40)))
    states = st.sampled_from(["heating", "heating", "defrost"])
    points = draw(st.lists(st.sampled_from(POINT_NAMES), max_size=4))
    return [
        row(
            FIRST + at,
            draw(st.integers(1, 2**40)),
            draw(states),
            {point: draw(values) for point in points},
        )
        for at in times
    ]


def row(
    at: int, seq: int = 1, state: str = "heating", points: dict[str, float | None] | None = None
) -> Row:
    measured = {**BARE, **(points or {})}
    return (
        "pump-1",
        at,
        "mt-01",
        state,
        "",
        "e1",
        seq,
        *(measured[name] for name in POINT_NAMES),
        "",
    )


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    bring_up_to_date(connection)
    yield connection
    connection.close()


def through_sql(database: sqlite3.Connection, packed: list[Row]) -> list[Row]:
    database.execute("DELETE FROM block")
    marks = ",".join("?" * len(BLOCK_COLUMNS))
    database.executemany(f"INSERT INTO block ({', '.join(BLOCK_COLUMNS)}) VALUES ({marks})", packed)  # noqa: S608 - columns of our own
    return database.execute(f"SELECT {', '.join(COLUMNS)} FROM reading ORDER BY at").fetchall()  # noqa: S608 - columns of our own


@given(rows())
def test_every_reading_comes_back_as_it_was(
    database: sqlite3.Connection, readings: list[Row]
) -> None:
    assert through_sql(database, list(blocks(readings))) == readings


def test_an_hour_that_goes_on_alike_is_one_block(database: sqlite3.Connection) -> None:
    hour = [
        row(FIRST + n * 30_000 + n % 7, n + 1, points={"supply_c": 40 + n % 9 / 10})
        for n in range(120)
    ]
    packed = list(blocks(hour))
    assert len(packed) == 1
    assert through_sql(database, packed) == hour


def test_a_new_block_begins_where_the_state_changes_and_where_one_is_full() -> None:
    changing = [row(FIRST + n, state="defrost" if 3 <= n < 5 else "heating") for n in range(9)]
    assert [block[3] for block in blocks(changing)] == [3, 2, 4]
    long = [row(FIRST + n) for n in range(LONGEST + 1)]
    assert [block[3] for block in blocks(long)] == [LONGEST, 1]


def test_values_too_far_apart_for_one_character_part_the_block(
    database: sqlite3.Connection,
) -> None:
    apart = [row(FIRST + n, points={"energy_kwh": n * 40_000 + 0.001 * n}) for n in range(8)]
    packed = list(blocks(apart))
    assert len(packed) == 8
    assert through_sql(database, packed) == apart


def test_steps_beyond_any_character_are_still_one_block(database: sqlite3.Connection) -> None:
    coarse = [row(FIRST + n, points={"power_w": 1_000.0 * (n % 5)}) for n in range(40)]
    packed = list(blocks(coarse))
    assert len(packed) == 1
    assert through_sql(database, packed) == coarse


def test_blocks_do_not_overlap() -> None:
    hour = [row(FIRST + n * 1_000, points={"supply_c": n / 7}) for n in range(50)]
    begins = [block[1] for block in blocks(hour)]
    assert all(earlier < later for earlier, later in pairwise(begins))
    assert sum(block[3] for block in blocks(hour)) == 50
