"""One process for one file: two writers of the same file would undo each other's work."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from configuration.links import open_unlinked
from configuration.load import ConfigurationError


@contextmanager
def exclusive(path: Path, advice: str) -> Iterator[None]:
    """Hold `path` for this process; the system releases it when the process ends.

    The lock is on a second file, `<name>.lock`, because SQLite locks its own files. Raises
    ConfigurationError with `advice` if another process holds it.
    """
    beside = path.with_name(f"{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = open_unlinked(beside, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        message = f"{error.strerror}; check that this user may write it"
        raise ConfigurationError.at(beside, message) from error
    try:
        _lock(lock, path, advice)
        yield
    finally:
        os.close(lock)


def _lock(lock: int, path: Path, advice: str) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ConfigurationError.at(path, advice) from error
