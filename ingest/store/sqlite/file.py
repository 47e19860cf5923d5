"""Opening a SQLite file so that what is committed survives a power cut, and saying what to do where
it cannot be."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from configuration.load import ConfigurationError, ConfigurationProblem

# How long a writer or reader that meets a lock waits for it (s).
BUSY_S: Final = 10.0


def open_database(path: Path, schema: str = "", new_file: Sequence[str] = ()) -> sqlite3.Connection:
    """A connection to the database in `path` in WAL mode with full durability; raises
    ConfigurationError.

    `schema` is SQL that may be run again; `new_file` are settings that count only for a file
    without tables. A reading is forgotten by its gateway once it is acknowledged, so every commit
    must survive a power cut: `synchronous=FULL`.
    """
    with usable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False)
        for setting in (*new_file, "journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {setting}")
        connection.executescript(f"BEGIN IMMEDIATE; {schema} COMMIT;")
    return connection


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Turns what goes wrong with the database in `path` into a ConfigurationError that says what to
    do."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise ConfigurationError(
            [ConfigurationProblem(path, "", f"{error}; {advice(error)}")]
        ) from error


def advice(error: Exception) -> str:
    """What the operator can do about a database or file error."""
    text = str(error)
    if "malformed" in text or "not a database" in text:
        return "the file is damaged: move it aside and restart (a new one is made), then restore it from a backup"
    if "full" in text:
        return "free some disk space"
    if "locked" in text:
        return "another program is holding the file; stop it"
    return "check that the folder exists and that this user may write the file and beside it"
