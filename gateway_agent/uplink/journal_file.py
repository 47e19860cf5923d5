"""The SQLite file of the journal: open it, check it, set a corrupt one aside."""

import secrets
import sqlite3
from pathlib import Path
from typing import Final

from gateway_agent.logs import EventLog

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS journal (epoch TEXT NOT NULL, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS message (
    seq INTEGER PRIMARY KEY, payload BLOB NOT NULL, lost_from INTEGER
);
CREATE INDEX IF NOT EXISTS message_lost ON message (lost_from) WHERE lost_from IS NOT NULL;
"""
_WAL_PAGES: Final = 256

_log = EventLog(__name__)


def new_epoch() -> str:
    """A random name for a new numbering."""
    return secrets.token_hex(8)


def open_file(path: Path) -> sqlite3.Connection:
    """Open or make the file at `path`; a corrupt one is set aside, and a new one made.

    Raises sqlite3.Error if that fails too.
    """
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
    set_aside(path)
    return _connect(path)


def set_aside(path: Path) -> None:
    """Keep the corrupt file for inspection under a name of its own, with its WAL."""
    number = 1
    while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    _log.error("journal_corrupt", file=path, aside=aside)
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + suffix))


def used_bytes(database: sqlite3.Connection) -> int:
    """Bytes of the pages that hold rows."""
    pages = pragma(database, "page_count") - pragma(database, "freelist_count")
    return pages * pragma(database, "page_size")


def pragma(database: sqlite3.Connection, name: str) -> int:
    """The number that SQLite's PRAGMA `name` returns."""
    number: int = database.execute(f"PRAGMA {name}").fetchone()[0]
    return number


def is_full(error: sqlite3.DatabaseError) -> bool:
    """Whether the disk, or the file within its page limit, is full."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def is_corrupt(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is damaged, or is no database at all."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, check_same_thread=False, timeout=5.0)
    for setting in ("journal_mode=WAL", "synchronous=FULL", f"wal_autocheckpoint={_WAL_PAGES}"):
        database.execute(f"PRAGMA {setting}")
    check = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if check != "ok":
        raise _corrupt(check)
    database.executescript(_SCHEMA)
    with database:
        if database.execute("SELECT 1 FROM journal").fetchone() is None:
            database.execute("INSERT INTO journal VALUES (?, 0)", (new_epoch(),))
    return database


def _corrupt(text: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(text)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error
