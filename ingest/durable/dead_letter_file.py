"""The dead-letter file: one JSON line for each dead letter, exactly once (contract §11)."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from configuration.links import open_unlinked
from configuration.load import ConfigurationError
from ingest.reception.dead_letter import DeadLetter, line
from ingest.store.model import StoreUnavailable


@dataclass(frozen=True, slots=True)
class FileEnd:
    """An end of a file: its inode number and its length in bytes."""

    inode: int
    size: int

    def is_before(self, other: "FileEnd") -> bool:
        """Whether this is an earlier end of the same file."""
        return self.inode == other.inode and self.size < other.size


class DeadLetterFile:
    """Appends lines durably; the receipts commit the new end together with the batch."""

    def __init__(self, path: Path) -> None:
        """Open or make `path`; raises ConfigurationError if it cannot be written."""
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._open()
        except OSError as error:
            message = f"{error.strerror}; check that this user may write store.dead_letters"
            raise ConfigurationError.at(path, message) from error

    def append(
        self,
        letters: Iterable[DeadLetter],
        committed: FileEnd | None,
        begin: Callable[[FileEnd], None],
    ) -> FileEnd:
        """Append `letters`, wait until they are on disk, and return the new end.

        Lines after `committed` belong to a batch that was never committed. Its messages come
        again, so these lines are cut off first. If the file is not that of `committed`, `begin`
        commits its end before the first line: uncommitted lines always follow a committed end.
        Raises StoreUnavailable.
        """
        text = b"".join(line(letter) for letter in letters)
        try:
            with self._held():
                here = self._end()
                if committed is None or committed.inode != here.inode:
                    begin(here)
                elif committed.is_before(here):
                    os.ftruncate(self._file, committed.size)
                if text:
                    self._write(text)
                return self._end()
        except OSError as error:
            message = f"{self._path}: {error.strerror}; free some disk space"
            raise StoreUnavailable(message) from error

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _open(self) -> int:
        return open_unlinked(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Lock the file that has the name now: an `exchange` happens before or after."""
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
        """Whether the name still leads to the open file; a rotation changes that."""
        return self._path.exists() and self._path.stat().st_ino == self._end().inode

    def _write(self, text: bytes) -> None:
        while text:
            text = text[os.write(self._file, text) :]
        os.fsync(self._file)

    def _end(self) -> FileEnd:
        status = os.fstat(self._file)
        return FileEnd(status.st_ino, status.st_size)


def end_of(path: Path) -> FileEnd:
    """Return the present end of the file at `path`; raises OSError."""
    status = path.stat()
    return FileEnd(status.st_ino, status.st_size)


def exchange(
    path: Path, draft: Path, read: FileEnd, committed: Callable[[], FileEnd | None]
) -> Literal["done", "rotated", "uncommitted"]:
    """Replace `path` by `draft` in one step, after adding the lines that came after `read`.

    Nothing changes if `path` is not the file that was read, or is shorter now (`rotated`).
    Nothing changes while its last lines are not `committed`, because ingest may cut those off
    (`uncommitted`). Raises OSError.
    """
    with path.open("rb") as file:
        # Held against `DeadLetterFile.append` until the file is closed.
        fcntl.flock(file, fcntl.LOCK_EX)
        status = os.fstat(file.fileno())
        here = FileEnd(status.st_ino, status.st_size)
        if here.inode != read.inode or here.is_before(read) or end_of(path).inode != read.inode:
            return "rotated"
        end = committed()
        if end is not None and end.is_before(here):
            return "uncommitted"
        file.seek(read.size)
        with draft.open("ab") as target:
            _complete(target, file, status)
        draft.replace(path)
        _sync_folder(path.parent)
    return "done"


def _complete(target: BinaryIO, rest: BinaryIO, like: os.stat_result) -> None:
    """Append `rest` durably; owner and rights become those of `like`."""
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
