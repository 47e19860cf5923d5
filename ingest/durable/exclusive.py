"""One process for one file: two that wrote the same receipts or dead letters would undo each other's
work."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from configuration.load import ConfigurationError, ConfigurationProblem


@contextmanager
def exclusive(path: Path, advice: str) -> Iterator[None]:
    """Hold `path` for this process; the system lets go of it when the process ends.

    The lock is a file beside it, because SQLite keeps locks of its own on its files. Raises
    ConfigurationError with `advice` where another process holds it.
    """
    beside = path.with_name(f"{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(beside, os.O_RDWR | os.O_CREAT, 0o640)
    except OSError as error:
        raise ConfigurationError(
            [
                ConfigurationProblem(
                    beside, "", f"{error.strerror}; check that this user may write it"
                )
            ]
        ) from error
    try:
        _lock(lock, path, advice)
        yield
    finally:
        os.close(lock)


def _lock(lock: int, path: Path, advice: str) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ConfigurationError([ConfigurationProblem(path, "", advice)]) from error
