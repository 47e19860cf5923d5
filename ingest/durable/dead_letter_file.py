"""The dead-letter file: one JSON line for every rejected message or reading, each exactly once
(contract §11)."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from configuration.load import ConfigurationError, ConfigurationProblem
from ingest.reception.dead_letter import DeadLetter, line
from ingest.store.model import StoreUnavailable


@dataclass(frozen=True, slots=True)
class FileEnd:
    """An end of the file: which file (its inode number) and how long (bytes)."""

    inode: int
    size: int


class DeadLetterFile:
    """Appends lines durably; the receipts commits the end of the file together with the batch that
    wrote it."""

    def __init__(self, path: Path) -> None:
        """Open `path`, making it where it is missing; raises ConfigurationError where it cannot be
        written."""
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._open()
        except OSError as error:
            problem = ConfigurationProblem(
                path, "", f"{error.strerror}; check that this user may write store.dead_letters"
            )
            raise ConfigurationError([problem]) from error

    def append(
        self,
        letters: Iterable[DeadLetter],
        committed: FileEnd | None,
        begin: Callable[[FileEnd], None],
    ) -> FileEnd:
        """Append `letters`, wait until they are on disk, and return the new end. Raises
        StoreUnavailable.

        Lines after `committed` come from a batch that was never committed: its messages come again,
        so those lines are cut off first. Where the file is another one than that of `committed`,
        `begin` commits its end before any line is added, so that lines of uncommitted batches
        always follow a committed end.
        """
        text = b"".join(line(letter) for letter in letters)
        try:
            with self._held():
                here = self._end()
                if committed is None or committed.inode != here.inode:
                    begin(here)
                elif committed.size < here.size:
                    os.ftruncate(self._file, committed.size)
                if text:
                    self._write(text)
                return self._end()
        except OSError as error:
            raise StoreUnavailable(
                f"{self._path}: {error.strerror}; free some disk space"
            ) from error

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """The file of this name at this moment, locked: whoever exchanges it (`replay`) does so
        before or after."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        while not self._is_current():
            os.close(self._file)  # which unlocks it
            self._file = self._open()
            fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _is_current(self) -> bool:
        """Whether the name still leads to the open file; after a rotation it leads to another, or
        nowhere."""
        return self._path.exists() and self._path.stat().st_ino == self._end().inode

    def _write(self, text: bytes) -> None:
        while text:
            text = text[os.write(self._file, text) :]
        os.fsync(self._file)

    def _end(self) -> FileEnd:
        status = os.fstat(self._file)
        return FileEnd(status.st_ino, status.st_size)


def position_at(path: Path) -> FileEnd:
    """The end of the file at `path` now; raises OSError."""
    status = path.stat()
    return FileEnd(status.st_ino, status.st_size)


def exchange(
    path: Path, draft: Path, read: FileEnd, committed: Callable[[], FileEnd | None]
) -> Literal["done", "rotated", "uncommitted"]:
    """Put `draft` in the place of `path` in one step, with the lines after `read` that have come
    since it was read.

    Nothing is changed where `path` is no longer the file that was read (`rotated`), or while it
    ends in lines that ingest has not `committed`: those it may cut off again. Raises OSError.
    """
    with path.open("rb") as file:
        fcntl.flock(
            file, fcntl.LOCK_EX
        )  # held against `DeadLetterFile.append` until the file is closed
        here = os.fstat(file.fileno())
        if here.st_ino != read.inode or position_at(path).inode != read.inode:
            return "rotated"
        end = committed()
        if end is not None and end.inode == read.inode and end.size < here.st_size:
            return "uncommitted"
        file.seek(read.size)
        with draft.open("ab") as target:
            _complete(target, file, here)
        draft.replace(path)
        _sync_folder(path.parent)
    return "done"


def _complete(target: BinaryIO, rest: BinaryIO, like: os.stat_result) -> None:
    """Append `rest` durably, and let those write the file who could before."""
    shutil.copyfileobj(rest, target)
    os.fchown(target.fileno(), like.st_uid, like.st_gid)
    os.fchmod(target.fileno(), like.st_mode & 0o7777)
    target.flush()
    os.fsync(target.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
