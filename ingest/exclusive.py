"""One process for one file: two that wrote the same ledger or dead letters would undo each other's work."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from configuration.load import ConfigurationError, Problem


@contextmanager
def exclusive(path: Path, key: str) -> Iterator[None]:
    """Hold `path`, which the setting `key` names, for this process; the system lets go of it when the process ends.

    The lock is a file beside it, because SQLite keeps locks of its own on its files. Raises ConfigurationError where
    another process holds it.
    """
    beside = path.with_name(f"{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(beside, os.O_RDWR | os.O_CREAT, 0o640)
    except OSError as error:
        raise ConfigurationError(
            [Problem(beside, "", f"{error.strerror}; check that this user may write it")]
        ) from error
    try:
        _lock(lock, path, key)
        yield
    finally:
        os.close(lock)


def _lock(lock: int, path: Path, key: str) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        advice = f"another ingest process is using it; give each its own {key}"
        raise ConfigurationError([Problem(path, "", advice)]) from error
