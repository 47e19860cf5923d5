"""Columns say of every reading what `history` says, from either store."""

import random
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from ingest.store import ReadingStore, StoredReading, StoreSettings, open_store
from ingest.store.columns import Listed, ReadingColumns
from ingest.store.sqlite.packing import Row, blocks
from ingest.store.sqlite.schema import BLOCK_COLUMNS
from ingest.store.sqlite.unpacking import unpacked_point, unpacked_whole
from tests.ingest.store.samples import HOUR, PLACE, START, stored
from tests.ingest.store.sqlite.test_packing import rows
from tests.servers import InfluxGate
from wire.points import POINT_NAMES, STATES
from wire.topics import GatewayPath

SEEDS = range(3)
ELSEWHERE = GatewayPath("mentougou", "qingshui", "store-test", "st-02")
ASKED = ("room_c", "supply_c", "flow_lpm", "energy_kwh", "pump")


@pytest.fixture(params=["sqlite", "influx"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReadingStore]:
    if request.param == "sqlite":
        settings = StoreSettings(url=f"sqlite:{tmp_path / 'readings.db'}")
    else:
        gate: InfluxGate = request.getfixturevalue("influx")
        gate.create("columns_hourly")
        settings = StoreSettings(url=gate.create("columns"))
    opened = open_store(settings)
    yield opened
    opened.close()


def four_hours(seed: int, device: str) -> list[StoredReading]:
    """A device with gaps, points that come and go, values off the grid, faults, and a move to
    another gateway."""
    chance = random.Random(f"{seed} {device}")
    made, at, state = [], START + chance.randrange(HOUR), "heating"
    for seq in range(1, 300):
        at += chance.choice(
            [30_000, 30_000, 30_007, 29_950, 400_000 if chance.random() < 0.1 else 30_000]
        )
        state = chance.choice(STATES) if chance.random() < 0.05 else state
        made.append(
            stored(
                device,
                at,
                seq,
                PLACE if seq < 200 else ELSEWHERE,
                state=state,
                values={name: value(chance) for name in ASKED[:-1] if chance.random() < 0.9},
                faults=["fan:E8", "phase:2"] if chance.random() < 0.05 else [],
                bad=chance.choice([["room_c"], ["state", "coil_c"]])
                if chance.random() < 0.05
                else [],
            )
        )
    return made


def value(chance: random.Random) -> float:
    """Nearly always as registers hold one."""
    if chance.random() < 0.001:
        return chance.random() * 1e6
    return chance.choice(
        [
            chance.randrange(-300, 900) / 10,
            chance.randrange(600) / 6,
            float(chance.randrange(9)),
            41.5,
        ]
    )


def plainly(columns: ReadingColumns) -> list[tuple[object, ...]]:
    """Each reading of `columns`, as `told` tells one."""
    faults, bad = listed(columns.faults), listed(columns.bad)
    return [
        (
            columns.gateways[columns.gateway[row]],
            columns.epochs[columns.epoch[row]],
            columns.seq[row],
            columns.devices[columns.device[row]],
            columns.at[row],
            STATES[columns.state[row]],
            faults.get(row, []),
            bad.get(row, []),
            {
                name: values[row]
                for name, values in columns.points.items()
                if not np.isnan(values[row])
            },
        )
        for row in range(len(columns))
    ]


def listed(column: Listed) -> dict[int, list[str]]:
    pairs = zip(column.rows.tolist(), column.numbers.tolist(), strict=True)
    return {
        row: [column.texts[number] for _, number in own]
        for row, own in groupby(pairs, lambda pair: pair[0])
    }


def told(
    store: ReadingStore, devices: Sequence[str], start: int, end: int
) -> list[tuple[object, ...]]:
    """The same as `history` has it."""
    readings = [stored for device in devices for stored in store.history(device, start, end)]
    return [
        (
            stored.gateway,
            stored.epoch,
            stored.seq,
            stored.reading.device,
            stored.reading.at,
            stored.reading.state,
            stored.reading.faults,
            stored.reading.bad,
            {name: stored.reading.values[name] for name in ASKED if name in stored.reading.values},
        )
        for stored in readings
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_columns_say_what_history_says(store: ReadingStore, seed: int) -> None:
    devices = [f"columns-{seed}-{number}" for number in (2, 0, 1)]
    readings = [stored for device in devices for stored in four_hours(seed, device)]
    late = random.Random(seed).sample(range(len(readings)), 30)
    store.write([stored for number, stored in enumerate(readings) if number not in late])
    store.tend(START + 2 * HOUR)  # in SQLite some hours are packed now, and some are not
    store.write(readings[:100])
    store.write([readings[number] for number in late])
    for start, end in [
        (START, START + 9 * HOUR),
        (START + HOUR + 77, START + 2 * HOUR + 12_345),
        (0, START),
    ]:
        assert plainly(store.columns(devices, start, end, ASKED)) == told(
            store, devices, start, end
        )
    assert len(told(store, devices, START, START + 9 * HOUR)) == len(readings)


def test_nobody_and_nothing(store: ReadingStore) -> None:
    store.write([stored("columns-3", START)])
    assert len(store.columns([], START, START + 1, ASKED)) == 0
    assert len(store.columns(["nobody-1"], START, START + 1, ASKED)) == 0
    bare = store.columns(["columns-3"], START, START + 1, [])
    assert (bare.at.tolist(), dict(bare.points)) == ([START], {})


def test_more_devices_than_one_question_holds(store: ReadingStore) -> None:
    devices = [f"columns-many-{number:03d}" for number in range(120)]
    store.write([stored(device, START + number, number) for number, device in enumerate(devices)])
    assert store.columns(devices, START, START + HOUR, []).seq.tolist() == list(range(120))


def test_a_point_that_does_not_exist_never_reaches_a_query(store: ReadingStore) -> None:
    with pytest.raises(ValueError, match="no such point: x; DROP"):
        store.columns(["columns-3"], START, START + 1, ["x; DROP"])


@given(rows())
def test_blocks_come_apart_as_they_were_packed(readings: list[Row]) -> None:
    packed = dict(zip(BLOCK_COLUMNS, zip(*blocks(readings), strict=True), strict=True))
    lengths = np.array(packed["readings"], np.int64)
    was = list(zip(*readings, strict=True))
    assert unpacked_whole(packed["seq"], lengths).tolist() == list(was[6])
    for name, column in zip(POINT_NAMES, was[7:-1], strict=True):
        np.testing.assert_array_equal(
            unpacked_point(packed[name], lengths), np.array(column, np.float64)
        )
