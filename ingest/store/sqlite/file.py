"""SQLite files whose commits survive a power cut, and advice for their errors."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from configuration.links import refuse_links
from configuration.load import ConfigurationError

BUSY_S: Final = 10.0
"""How long a writer or reader waits for a lock (s)."""


def open_database(path: Path, schema: str = "", new_file: Sequence[str] = ()) -> sqlite3.Connection:
    """Connect to the database in `path`, in WAL mode with full durability.

    `schema` is SQL that may run repeatedly; `new_file` are settings for a file without tables.
    A gateway forgets an acknowledged reading, so every commit must survive a power cut:
    `synchronous=FULL`. Raises ConfigurationError.
    """
    refuse_links(path)
    with usable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False)
        for setting in (*new_file, "journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {setting}")
        connection.executescript(f"BEGIN IMMEDIATE; {schema} COMMIT;")
    return connection


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Turn errors of the database in `path` into a ConfigurationError with advice."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise ConfigurationError.at(path, f"{error}; {advice(error)}") from error


def advice(error: Exception) -> str:
    """Return the operator's remedy for a database or file error."""
    text = str(error)
    if "malformed" in text or "not a database" in text:
        return (
            "the file is damaged: move it aside and restart (a new one is made), "
            "then restore it from a backup"
        )
    if "full" in text:
        return "free some disk space"
    if "locked" in text:
        return "another program is holding the file; stop it"
    return "check that the folder exists and that this user may write the file and beside it"
