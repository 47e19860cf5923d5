"""What a village costs in `readings.db`: bytes a reading, a month of 300 units, writing, packing,
and reading back.

The readings are simulated winter days as the six brands' registers show them, read by the gateway's
own decoder. `python -m bench.store --full` writes the whole month instead of working it out from a
sample (an hour or two, 1 GB).
"""

import argparse
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from bench.table import Row, print_table
from gateway_agent.profile.decode import decode
from gateway_agent.profile.fields import Key
from gateway_agent.profile.loading import load_profile
from gateway_agent.profile.schema import Profile
from hearthwatch.base.resources import config_folder
from ingest.store import Area, StoredReading
from ingest.store.sqlite.schema import COLUMNS
from ingest.store.sqlite.store import SqliteStore
from simulators.live.plant import Plant
from simulators.registers.brands import MAPS
from simulators.registers.fields import RegisterRef
from simulators.scenario.scenario import load_scenario
from wire.messages import Reading
from wire.points import POINT_NAMES
from wire.topics import GatewayPath
from wire.units import DAY_MS, HOUR_MS

START = 1_767_225_600_000  # 2026-01-01T00:00Z
INTERVAL_MS = 30_000  # contract §9 `interval`
VILLAGE_UNITS = 300
MONTH_DAYS = 30
UNITS_PER_GATEWAY = 30
PHYSICS_STEPS = 3  # in each interval
TURN_MS = 160  # one unit's turn on a 9600-baud line
JITTER_MS = 120

Hour = list[StoredReading]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes in use after each day, and seconds of processor time for writing and for packing all of
    it."""

    used: list[int]
    readings: int
    write_s: float
    pack_s: float


def village_hours(units: int, hours: int) -> Iterator[Hour]:
    """Readings of `units` heat pumps every 30 s, an hour at a time."""
    brands = list(islice(cycle(sorted(MAPS)), units))
    profiles = {brand: load_profile(brand, [config_folder() / "profiles"]) for brand in MAPS}
    keys = {brand: _keys(profile) for brand, profile in profiles.items()}
    scenario = load_scenario(config_folder() / "scenarios" / "winter.toml")
    plant = Plant(scenario, [MAPS[brand] for brand in brands], seed=1, now=START)
    chance = random.Random(1)
    for hour in range(hours):
        readings: Hour = []
        for turn in range(hour * HOUR_MS // INTERVAL_MS, (hour + 1) * HOUR_MS // INTERVAL_MS):
            for _ in range(PHYSICS_STEPS):
                plant.advance(turn * INTERVAL_MS, INTERVAL_MS / 1000 / PHYSICS_STEPS)
            for unit, brand in enumerate(brands):
                words = MAPS[brand].image(plant.reading(unit)).words
                seen = decode(
                    profiles[brand], {key: words.get(RegisterRef(*key), 0) for key in keys[brand]}
                )
                place = unit % UNITS_PER_GATEWAY
                at = START + turn * INTERVAL_MS + place * TURN_MS + chance.randrange(JITTER_MS)
                reading = Reading(
                    f"mtg-mt-{unit:04d}", at, seen.state, seen.faults, seen.values, seen.bad
                )
                gateway = GatewayPath(
                    "mentougou", "zhaitang", "matao", f"mt-{unit // UNITS_PER_GATEWAY:02d}"
                )
                readings.append(StoredReading(gateway, "6f1c9a2e", turn + 1, reading))
        yield readings


def _keys(profile: Profile) -> list[Key]:
    return [
        (table, first + index)
        for (table, first), count in profile.spans()
        for index in range(count)
    ]


def fill(
    path: Path, hours: Iterator[Hour], on_day: Callable[[int], None] = lambda _: None
) -> Sizes:
    """Write hours as ingest does, five minutes of readings at once; pack after each hour."""
    store = SqliteStore(path)
    used: list[int] = []
    written = 0
    write_s = pack_s = 0.0
    for number, hour in enumerate(hours, start=1):
        began = time.process_time()
        for begin in range(0, len(hour), max(1, len(hour) // 12)):
            store.write(hour[begin : begin + max(1, len(hour) // 12)])
        middle = time.process_time()
        store.tend(START + number * HOUR_MS + HOUR_MS // 2)
        write_s, pack_s = write_s + middle - began, pack_s + time.process_time() - middle
        written += len(hour)
        if number % 24 == 0:
            used.append(file_bytes(path))
            on_day(len(used))
    store.close()
    return Sizes(used, written, write_s, pack_s)


def file_bytes(path: Path) -> int:
    """Return the size of the file, free pages included."""
    with closing(sqlite3.connect(path)) as database:
        ((size,),) = database.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        )
        return int(size)


def make_plain_table(database: sqlite3.Connection) -> None:
    """Make the table of contract §5 in its plainest form: a row for each reading, time indexed."""
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    types = ", ".join(f"{name} {'REAL' if name in POINT_NAMES else ''}" for name in COLUMNS)
    database.execute(f"CREATE TABLE reading ({types}, PRIMARY KEY (device, at)) WITHOUT ROWID")
    database.execute("CREATE INDEX reading_at ON reading (at)")


_OF_EVERY_READING = [name for name in COLUMNS if name not in POINT_NAMES]


def plain_insert(points: Sequence[str]) -> str:
    """Return the SQL that writes a row with these points into the plain table."""
    columns = [*_OF_EVERY_READING, *points]
    values = ",".join("?" * len(columns))
    return f"INSERT OR IGNORE INTO reading ({', '.join(columns)}) VALUES ({values})"  # noqa: S608 - columns of our own


def plain_row(stored: StoredReading, points: Sequence[str]) -> tuple[object, ...]:
    """Return a reading as a row of the plain table; a point that was not read is NULL."""
    reading = stored.reading
    return (
        reading.device,
        reading.at,
        stored.gateway.gateway,
        reading.state,
        ",".join(reading.faults),
        stored.epoch,
        stored.seq,
        ",".join(reading.bad),
        *map(reading.values.get, points),
    )


def plain_table(path: Path, readings: Sequence[StoredReading]) -> tuple[float, float]:
    """Return bytes a reading, and readings a second of processor time, in the plain table."""
    with closing(sqlite3.connect(path)) as database:
        make_plain_table(database)
        rows = [plain_row(stored, POINT_NAMES) for stored in readings]
        began = time.process_time()
        with database:
            database.executemany(plain_insert(POINT_NAMES), rows)
        return file_bytes(path) / len(rows), len(rows) / (time.process_time() - began)


def month_gb(sizes: Sizes, units: int) -> float:
    """Return the GB (10⁹ bytes) of 300 units in a month: the first day and the daily growth."""
    first, last = sizes.used[0], sizes.used[-1]
    a_day = (last - first) / (len(sizes.used) - 1)
    return (first + (MONTH_DAYS - 1) * a_day) * VILLAGE_UNITS / units / 1e9


def rows(quick: bool = False) -> list[Row]:
    """Return all figures, from 12 units over three days, or 6 over two if `quick`."""
    units, days = (6, 2) if quick else (12, 3)
    hours = list(village_hours(units, days * 24))
    with tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as folder:
        path = Path(folder) / "readings.db"
        sizes = fill(path, iter(hours))
        plain, plain_speed = plain_table(
            Path(folder) / "plain.db", [stored for hour in hours[:24] for stored in hour]
        )
        reads = _read_rows(path, days)
    a_month = VILLAGE_UNITS * MONTH_DAYS * DAY_MS / INTERVAL_MS
    sample = f"worked out from {units} units of six brands over {days} winter days"
    gb = month_gb(sizes, units)
    return [
        Row(
            "SQLite, 300 units for a month",
            gb,
            "GB",
            "≤ 1",
            f"a reading every 30 s, hourly aggregates, {sample}",
        ),
        Row(
            "SQLite, a reading in the file",
            gb * 1e9 / a_month,
            "bytes",
            "",
            f"{a_month / 1e6:.1f} million of them",
        ),
        Row(
            "a plain table instead",
            plain,
            "bytes",
            "",
            "a row for each reading, REAL columns, index on time",
        ),
        Row(
            "writing and packing",
            (sizes.write_s + sizes.pack_s) / sizes.readings * 1e6,
            "µs CPU",
            "",
            "a reading",
        ),
        Row(
            "of which packing, hourly",
            sizes.pack_s / sizes.readings * 1e6,
            "µs CPU",
            "",
            "a reading",
        ),
        Row("plain executemany", 1e6 / plain_speed, "µs CPU", "", "a reading, one transaction"),
        *reads,
    ]


def _read_rows(path: Path, days: int) -> list[Row]:
    store = SqliteStore(path)
    end, device = START + days * DAY_MS, "mtg-mt-0001"
    area = Area("mentougou", "zhaitang", "matao")
    five_minutes = 300_000
    timed = {
        "a day of one unit, 5 min": lambda: store.summaries(
            device, end - DAY_MS, end, POINT_NAMES, five_minutes
        ),
        "a day of one unit, hours": lambda: store.hours(device, end - DAY_MS, end, POINT_NAMES),
        "a day of every unit, one point": lambda: store.fleet(
            area, end - DAY_MS, end, "room_c", HOUR_MS
        ),
        "newest of every unit": store.latest,
    }
    read_rows = [
        Row(name, _milliseconds(read), "ms CPU", "", "median of 5") for name, read in timed.items()
    ]
    store.close()
    return read_rows


def _milliseconds(read: Callable[[], object]) -> float:
    return median(_once(read) for _ in range(5)) * 1000


def _once(read: Callable[[], object]) -> float:
    began = time.process_time()
    read()
    return time.process_time() - began


def full_month() -> list[Row]:
    """Write the whole month; report each day on standard error."""
    with tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as folder:
        path = Path(folder) / "readings.db"
        hours = village_hours(VILLAGE_UNITS, MONTH_DAYS * 24)
        sizes = fill(path, hours, lambda day: print(f"day {day} of {MONTH_DAYS}", file=sys.stderr))
    gigabytes = sizes.used[-1] / 1e9
    return [
        Row(
            "SQLite, 300 units for a month",
            gigabytes,
            "GB",
            "≤ 1",
            f"{sizes.readings:,} readings, all written",
        )
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller sample, for a first look")
    parser.add_argument("--full", action="store_true", help="write the whole month")
    options = parser.parse_args()
    print_table(full_month() if options.full else rows(options.quick))


if __name__ == "__main__":
    main()
