"""Copies of single files as one moment had them, while services write them."""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from configuration.links import open_unlinked
from hearthwatch.base.errors import FailedError

_CHUNK: Final = 1024 * 1024


def copy_database(source: Path, target: Path) -> None:
    """Copy the SQLite database `source` as its last commit left it; writers go on meanwhile.

    Raises FailedError.
    """
    with (
        _explained(source),
        closing(_read_only(source)) as database,
        closing(sqlite3.connect(target)) as copy,
    ):
        database.backup(copy)
        # One file that stands alone, not one beside a log.
        copy.execute("PRAGMA journal_mode = DELETE")
    shutil.copymode(source, target)
    sync(target)


def copy_file(source: Path, target: Path, size: int | None = None) -> None:
    """Copy `source`, or its first `size` bytes, and wait until the copy is on disk.

    Raises FailedError.
    """
    with _explained(source), source.open("rb") as file, _new(target) as copy:
        left = os.fstat(file.fileno()).st_size if size is None else size
        while left and (chunk := file.read(min(left, _CHUNK))):
            copy.write(chunk)
            left -= len(chunk)
        shutil.copymode(source, target)
    sync(target)


def rows_of(path: Path) -> dict[str, int]:
    """Return how many rows each table of a SQLite file has; raises FailedError if it is damaged."""
    with _explained(path), closing(_read_only(path)) as database:
        (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            raise FailedError(f"{path}: the copy is damaged: {verdict}")
        names = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        return {name: _count(database, name) for (name,) in names}


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Wait until a file or folder is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _new(target: Path) -> BinaryIO:
    return os.fdopen(open_unlinked(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb")


def _count(database: sqlite3.Connection, table: str) -> int:
    count: int = database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]  # noqa: S608 - a name from the file itself
    return count


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise FailedError(f"{path}: cannot be copied: {error}") from error
