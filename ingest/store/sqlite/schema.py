"""The tables of `readings.db`, and the view `reading` over them (contract §5).

`recent` holds new readings, a row each, in order of time. `block` holds finished hours, packed
(see `packing`). The view joins both. `hourly` outlives the retention of readings.
"""

import sqlite3
from collections.abc import Iterable
from typing import Final

from ingest.store.hours import STATISTICS
from ingest.store.sqlite.packing import GRID, LONGEST
from wire.points import POINT_NAMES

COLUMNS: Final = ("device", "at", "gateway", "state", "faults", "epoch", "seq", *POINT_NAMES, "bad")
BLOCK_COLUMNS: Final = (
    *("device", "first", "pace", "readings", "at", "gateway", "state", "faults", "epoch", "seq"),
    *POINT_NAMES,
    "bad",
)
HOURLY_COLUMNS: Final = tuple(
    f"{point}_{statistic}" for point in POINT_NAMES for statistic in STATISTICS
)

# Blocks of about 3 kB would waste a quarter of the usual 4 kB pages. Both settings count only
# before the first table.
NEW_FILE: Final = ("page_size = 8192", "auto_vacuum = INCREMENTAL")


def _real(columns: Iterable[str]) -> str:
    return ", ".join(f"{name} REAL" for name in columns)


SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS device (
  device TEXT PRIMARY KEY, district TEXT NOT NULL, town TEXT NOT NULL, village TEXT NOT NULL,
  gateway TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recent (
  device TEXT NOT NULL, at INTEGER NOT NULL, gateway TEXT NOT NULL, state TEXT NOT NULL,
  faults TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL, {_real(POINT_NAMES)},
  bad TEXT NOT NULL,
  PRIMARY KEY (at, device)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS block (
  device TEXT NOT NULL, first INTEGER NOT NULL, pace INTEGER NOT NULL, readings INTEGER NOT NULL,
  at INTEGER NOT NULL, gateway TEXT NOT NULL, state TEXT NOT NULL, faults TEXT NOT NULL,
  epoch TEXT NOT NULL, seq INTEGER NOT NULL,
  {_real(POINT_NAMES)}, bad TEXT NOT NULL, UNIQUE (device, first)
);
CREATE INDEX IF NOT EXISTS block_first ON block (first);
CREATE TABLE IF NOT EXISTS position (number INTEGER PRIMARY KEY);
INSERT OR IGNORE INTO position
  WITH RECURSIVE counted(number) AS (
    VALUES (0) UNION ALL SELECT number + 1 FROM counted LIMIT {LONGEST}
  )
  SELECT number FROM counted;
CREATE TABLE IF NOT EXISTS hourly (
  device TEXT NOT NULL, hour INTEGER NOT NULL, {_real(HOURLY_COLUMNS)}, PRIMARY KEY (device, hour)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS probe (one INTEGER PRIMARY KEY CHECK (one = 1), token INTEGER NOT NULL);
"""


def unpacked(column: str) -> str:
    """Return SQL for `block.column` at `position.number`; a packed value counts on the grid."""
    code = f"nullif(unicode(substr({column}, number - readings, 1)), 1) - 2"
    return f"CAST(substr({column}, 2) AS INTEGER) + unicode({column}) * ({code})"


def _value(column: str, divided: str = "") -> str:
    packed = f"({unpacked(f'b.{column}')}){divided}"
    return f"CASE typeof(b.{column}) WHEN 'text' THEN {packed} ELSE b.{column} END"


def _unpacked_columns() -> list[str]:
    whole = {"at": f"b.first + number * b.pace + {_value('at')}", "seq": _value("seq")}
    # Both halves of the view need the same affinity; otherwise SQLite unpacks unused columns, too.
    casts = {name: f"CAST({value} AS INTEGER)" for name, value in whole.items()}
    casts |= {point: f"CAST({_value(point, f' / {GRID}.0')} AS REAL)" for point in POINT_NAMES}
    return [f"{casts.get(name, f'b.{name}')} AS {name}" for name in COLUMNS]


_PACKED: Final = f"""SELECT {", ".join(_unpacked_columns())}, b.first AS first \
FROM block AS b JOIN position ON number < b.readings"""
# `first` is the beginning of the block of a packed reading: a range of time skips other blocks.
VIEW: Final = f"""CREATE VIEW reading AS
SELECT {", ".join(COLUMNS)}, at AS first FROM recent
UNION ALL
{_PACKED}"""


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make the tables, add the columns that an older file lacks, and renew the view.

    Several processes may do this at once. Raises sqlite3.Error.
    """
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if _definition(connection, "table", "reading") is not None:
            connection.execute("ALTER TABLE reading RENAME TO recent")
        for statement in SCHEMA.split(";")[:-1]:
            connection.execute(statement)
        _add_columns(connection, "recent", POINT_NAMES)
        _add_columns(connection, "block", POINT_NAMES)
        _add_columns(connection, "hourly", HOURLY_COLUMNS)
        if _definition(connection, "view", "reading") != VIEW:
            connection.execute("DROP VIEW IF EXISTS reading")
            connection.execute(VIEW)


def _definition(connection: sqlite3.Connection, kind: str, name: str) -> str | None:
    row = connection.execute(
        "SELECT sql FROM sqlite_master WHERE type = ? AND name = ?", (kind, name)
    ).fetchone()
    return None if row is None else str(row[0])


def _add_columns(connection: sqlite3.Connection, table: str, columns: Iterable[str]) -> None:
    present = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    for column in columns:
        if column not in present:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} REAL")
