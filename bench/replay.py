"""A month of a village of 300 units, from `readings.db` through all shipped rules.

`python -m bench replay` prints the table. A simulated winter day of some units is written and
packed as ingest does it; the file is then filled up with copies of its packed hours, other devices
and later days, until it is large enough. Times are CPU time of one process, by which a village is
evaluated; more processes take more villages at once.
"""

import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from bench.store import MONTH_DAYS, START, VILLAGE_UNITS, Hour, fill, village_hours
from bench.table import Row
from bench.winter_night import shipped_rules
from hearthwatch.base.resources import config_folder
from hearthwatch.run.server_settings import ServerSettings
from hearthwatch.trials.replay.command import replay
from hearthwatch.trials.replay.options import ReplayOptions
from ingest.store import StoreSettings
from ingest.store.sqlite.schema import BLOCK_COLUMNS
from ingest.store.sqlite.store import SqliteStore
from rules.engine.engine import Engine
from wire.units import DAY_MS, HOUR_MS

COFFEE_BREAK: Final = "≤ 300"
SLOW: Final = 10  # every tenth of the readings: one in 5 min
SLICE_HOURS: Final = 6


def multiply(path: Path, villages: int, days: int) -> None:
    """Replace every device by copies, each with its own gateway, and its first day by `days`."""
    alike = ", ".join(name for name in BLOCK_COLUMNS if name not in ("device", "first", "gateway"))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TEMP TABLE was AS SELECT * FROM block")
        database.execute("CREATE TEMP TABLE owner AS SELECT * FROM device")
        database.executescript("DELETE FROM block; DELETE FROM device; DELETE FROM hourly;")
        for copy in map(str, range(villages)):
            database.execute(
                "INSERT INTO device SELECT device || '-' || :copy, district, town, village, "
                "'mt-' || :copy FROM owner",
                {"copy": copy},
            )
            database.executemany(
                f"INSERT INTO block (device, first, gateway, {alike}) "  # noqa: S608 - columns of our own
                f"SELECT device || '-' || :copy, first + :later, 'mt-' || :copy, {alike} FROM was",
                [{"copy": copy, "later": day * DAY_MS} for day in range(days)],
            )


def read(path: Path, days: float) -> tuple[int, float]:
    """Return the number of readings as columns for the shipped rules, and the seconds it took."""
    store, points = SqliteStore(path), Engine(shipped_rules()).points
    devices = sorted(store.latest())
    begins = range(START, START + round(days * DAY_MS), SLICE_HOURS * HOUR_MS)
    began = time.process_time()
    count = sum(
        len(store.columns(devices, at, at + SLICE_HOURS * HOUR_MS, points)) for at in begins
    )
    taken = time.process_time() - began
    store.close()
    return count, taken


def replayed(path: Path) -> tuple[int, float]:
    """Return the number of readings, and the seconds of a replay of all of them."""
    rules = sorted((config_folder() / "rules").glob("*.toml"))
    options = ReplayOptions(
        since="2025-12-31",
        until=None,
        warm_up="0s",
        rules=rules,
        against=[],
        villages=[],
        devices=[],
        workers=1,
    )
    began = time.process_time()
    result = replay(options, ServerSettings(store=StoreSettings(url=f"sqlite:{path}")))
    return result.readings, time.process_time() - began


def pace_rows(pace: str, hours: Sequence[Hour], days: int) -> list[Row]:
    """Return the figures of units polled at this pace, from so many days of 300 units."""
    units = len({stored.reading.device for stored in hours[0]})
    with tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as folder:
        path = Path(folder) / "readings.db"
        fill(path, iter(hours))
        multiply(path, VILLAGE_UNITS // units, days)
        count, read_s = read(path, days)
        replayed_count, replay_s = replayed(path)
    assert count == replayed_count
    month = f"{VILLAGE_UNITS} units for {MONTH_DAYS} days, every {pace}"
    measured = (
        "all of it"
        if days == MONTH_DAYS
        else f"{MONTH_DAYS / days:g} times a file of {days * VILLAGE_UNITS:,} unit-days"
    )
    return [
        Row(
            f"packed hours as columns, every {pace}",
            count / read_s / 1e6,
            "million readings/s",
            "",
            "one process",
        ),
        Row(
            f"replay of {month}",
            replay_s * MONTH_DAYS / days,
            "s CPU",
            COFFEE_BREAK,
            f"{measured}, one process",
        ),
    ]


def plain_rows(hours: Sequence[Hour]) -> list[Row]:
    """Measure hours that are not packed yet as columns, and packed hours reading by reading."""
    with tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as folder:
        path = Path(folder) / "readings.db"
        store = SqliteStore(path)
        for hour in hours:
            store.write(hour)
        count, read_s = read(path, 1)
        store.tend(START + 2 * DAY_MS)
        began = time.process_time()
        one_by_one = len(store.history(hours[0][0].reading.device, START, START + DAY_MS))
        took = time.process_time() - began
        store.close()
    return [
        Row(
            "rows not packed yet as columns",
            count / read_s / 1e6,
            "million readings/s",
            "",
            "one process",
        ),
        Row(
            "packed hours, reading by reading",
            one_by_one / took / 1e6,
            "million readings/s",
            "",
            "for comparison",
        ),
    ]


def rows(quick: bool = False) -> list[Row]:
    """Return all figures; `quick` takes fewer units and days."""
    hours = list(village_hours(6 if quick else 12, 24))
    often = pace_rows("30 s", hours, 1 if quick else 3)
    seldom = pace_rows(
        "5 min",
        [[stored for stored in hour if stored.seq % SLOW == 1] for hour in hours],
        MONTH_DAYS,
    )
    return [*often, *seldom, *plain_rows(hours)]
