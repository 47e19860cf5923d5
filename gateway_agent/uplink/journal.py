"""The journal: readings on disk, numbered, until the store is known to hold them (design §4).

SQLite in WAL mode with `synchronous=FULL`: what `append` returned survives kill -9 and a power cut,
and its number was given in the same transaction. One lock; any thread may call.
"""

import json
import logging
import secrets
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from wire.encode import encode_telemetry, to_json
from wire.messages import VERSION, Clock, Dropped, Reading, Telemetry

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS journal (epoch TEXT NOT NULL, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS message (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL, lost_from INTEGER);
CREATE INDEX IF NOT EXISTS message_lost ON message (lost_from) WHERE lost_from IS NOT NULL;
"""
# When the journal is full this share of it is given up at once, so that not every reading costs an
# eviction.
_EVICT_SHARE: Final = 16
# Kept free on the disk for the moment it is full, because deleting rows needs room in the WAL too.
_RESERVE_BYTES: Final = 2 * 1024 * 1024
_WAL_PAGES: Final = 256
_NO_LIMIT: Final = 1_073_741_823  # the default of older SQLite, https://sqlite.org/limits.html §13

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JournalMessage:
    """One numbered message as it goes to the broker."""

    seq: int
    payload: bytes


class Journal:
    """The journal file. `epoch` names the numbering; a new file begins a new one."""

    def __init__(self, path: Path, interval_s: float, max_mb: int) -> None:
        """Open or make the file at `path`; a corrupt one is set aside. Raises sqlite3.Error where
        that fails too."""
        self._path = path
        self._interval_s = interval_s
        self._max_bytes = max_mb * 1024 * 1024
        self._lock = threading.RLock()
        self._reserve = path.with_name(path.name + ".reserve")
        self._full = False
        self.evicted = 0
        self._epoch = ""
        self._last = 0
        self._open()

    @property
    def epoch(self) -> str:
        """The id of the current numbering."""
        return self._epoch

    @property
    def last(self) -> int:
        """The newest number given, 0 before the first."""
        return self._last

    def append(
        self, readings: Sequence[Reading], now: int, clock: Clock | None = None
    ) -> JournalMessage:
        """Number `readings` (of the poll at `now`, UTC ms) as one message and keep it; safe on disk
        on return.

        `clock` marks readings stamped by a clock that nobody set. Makes room first where the
        journal or the disk is full. Raises sqlite3.Error where it cannot be kept.
        """
        with self._lock:

            def add() -> JournalMessage:
                if self._used_bytes() > self._max_bytes:
                    self._evict(self._max_bytes // _EVICT_SHARE, now)
                return self._insert(list(readings), None, None, now, clock)

            self._restock()
            try:
                return self._change(add)
            except sqlite3.DatabaseError as error:
                self._recover(error, now)
                return self._change(add)

    def drop(self, seq: int, reason: str, now: int) -> JournalMessage | None:
        """Give up the message `seq` and report it as lost; returns the report, or None if it is not
        there."""

        def replace() -> JournalMessage | None:
            deleted = self._database.execute("DELETE FROM message WHERE seq = ?", (seq,)).rowcount
            return self._report(seq, seq, reason, now) if deleted else None

        with self._lock:
            return self._change_though_full(replace)

    def acknowledge(self, epoch: str, upto: int) -> bool:
        """Forget what the store holds; False where the watermark is not about this journal.

        A watermark beyond the newest number tells that the file was put back to an earlier state.
        Its next numbers would be taken for readings the store has, so a new epoch begins, and what
        waits is numbered anew.
        """
        with self._lock, self._new_epoch_if_corrupt():
            if epoch != self._epoch:
                return False
            if upto <= self._last:
                self._change_though_full(
                    lambda: self._database.execute("DELETE FROM message WHERE seq <= ?", (upto,))
                )
                return True
            self._change_though_full(self._number_anew)
            _log.error(
                "the store has message %d of this journal, which gave fewer: new epoch %s",
                upto,
                self._epoch,
            )
        return False

    def pending(self, after: int, limit: int) -> list[JournalMessage]:
        """The oldest messages numbered above `after`, at most `limit`."""
        rows: list[tuple[int, bytes]] = []
        with self._lock, self._new_epoch_if_corrupt():
            rows = self._database.execute(
                "SELECT seq, payload FROM message WHERE seq > ? ORDER BY seq LIMIT ?",
                (after, limit),
            ).fetchall()
        return [JournalMessage(seq, payload) for seq, payload in rows]

    @property
    def depth(self) -> int:
        """How many messages wait for the store."""
        with self._lock, self._new_epoch_if_corrupt():
            count: int = self._database.execute("SELECT count(*) FROM message").fetchone()[0]
            return count
        return 0

    def is_empty(self) -> bool:
        """Whether no message waits."""
        return not self.pending(0, 1)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def _open(self) -> None:
        try:
            self._connect()
        except sqlite3.DatabaseError as error:
            if not _is_corrupt(error):
                raise
            self._set_aside()
            self._connect()
        with suppress(OSError):
            if not self._reserve.exists() or self._reserve.stat().st_size < _RESERVE_BYTES:
                self._reserve.write_bytes(bytes(_RESERVE_BYTES))

    def _connect(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(self._path, check_same_thread=False, timeout=5.0)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"wal_autocheckpoint={_WAL_PAGES}"):
            self._database.execute(f"PRAGMA {pragma}")
        check = self._database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if check != "ok":
            raise _corrupt(check)
        self._database.executescript(_SCHEMA)
        with self._database:
            row = self._database.execute("SELECT epoch, last FROM journal").fetchone()
            if row is None:
                row = (secrets.token_hex(8), 0)
                self._database.execute("INSERT INTO journal VALUES (?, ?)", row)
        self._epoch, self._last = row

    def _change(self, action: Callable[[], Answer]) -> Answer:
        """Do `action` in a transaction; where that fails the numbers are as before, too."""
        before = self._epoch, self._last
        try:
            with self._database:
                return action()
        except BaseException:
            self._epoch, self._last = before
            raise

    def _change_though_full(self, action: Callable[[], Answer]) -> Answer:
        """Do `action`, which makes room, in a transaction; on a full disk the reserve is spent on
        it."""
        try:
            return self._change(action)
        except sqlite3.DatabaseError as error:
            if not _is_full(error):
                raise
        return self._change_with_reserve(action)

    def _change_with_reserve(self, action: Callable[[], Answer]) -> Answer:
        self._reserve.unlink(missing_ok=True)
        answer = self._change(action)
        # RESTART, not TRUNCATE: the blocks of the WAL are the room that the next transactions need.
        with suppress(sqlite3.OperationalError):
            self._database.execute("PRAGMA wal_checkpoint(RESTART)")
        if not self._full:
            self._full = True
            limit = self._pragma("page_count") + _RESERVE_BYTES // 4 // self._pragma("page_size")
            self._database.execute(f"PRAGMA max_page_count={limit}")
        return answer

    def _insert(
        self,
        readings: list[Reading],
        dropped: Dropped | None,
        lost_from: int | None,
        now: int,
        clock: Clock | None = None,
    ) -> JournalMessage:
        """Number and keep one message; to be called inside a transaction."""
        seq = self._last + 1
        acked = self._acked(lost_from)
        telemetry = Telemetry(
            VERSION, self._epoch, seq, now, self._interval_s, readings, dropped, clock, acked
        )
        message = JournalMessage(seq, encode_telemetry(telemetry))
        self._database.execute(
            "INSERT INTO message VALUES (?, ?, ?)", (seq, message.payload, lost_from)
        )
        self._database.execute("UPDATE journal SET last = ?", (seq,))
        self._last = seq
        return message

    def _acked(self, lost_from: int | None) -> int:
        """Up to which number the store has answered for: what waits, or is reported by what waits,
        begins after it."""
        oldest, lost = self._database.execute(
            "SELECT (SELECT min(seq) FROM message), (SELECT min(lost_from) FROM message WHERE lost_from IS NOT NULL)"
        ).fetchone()
        waiting = [number for number in (oldest, lost, lost_from) if number is not None]
        return min(waiting, default=self._last + 1) - 1

    def _report(self, first: int, last: int, reason: str, now: int) -> JournalMessage:
        return self._insert([], Dropped(first, last, reason), first, now)

    def _evict(self, at_least: int, now: int) -> None:
        """Delete the oldest messages worth `at_least` bytes and report them; inside a transaction.

        A report that has to go too was about older messages still: the new report takes them over.
        """
        size, last, first = 0, 0, None
        for seq, length, lost_from in self._database.execute(
            "SELECT seq, length(payload), lost_from FROM message ORDER BY seq"
        ):
            first = min(candidate for candidate in (first, lost_from, seq) if candidate is not None)
            size, last = size + length, seq
            if size >= at_least:
                break
        if first is None:
            return
        self.evicted += self._database.execute(
            "DELETE FROM message WHERE seq <= ?", (last,)
        ).rowcount
        self._report(first, last, "journal_full", now)
        _log.warning("journal full, messages %d to %d dropped", first, last)

    def _number_anew(self) -> None:
        """Move what waits to a new epoch, inside a transaction; points sent twice are stored once.

        Reports of loss name numbers of the old epoch, which the store has passed: they end here.
        """
        epoch, last = secrets.token_hex(8), 0
        self._database.execute("DELETE FROM message WHERE lost_from IS NOT NULL")
        for (seq,) in self._database.execute("SELECT seq FROM message ORDER BY seq").fetchall():
            last += 1
            (payload,) = self._database.execute(
                "SELECT payload FROM message WHERE seq = ?", (seq,)
            ).fetchone()
            document = json.loads(payload) | {"epoch": epoch, "seq": last}
            document.pop("acked", None)  # a watermark of the old numbers
            payload = to_json(document)
            self._database.execute(
                "UPDATE message SET seq = ?, payload = ? WHERE seq = ?", (last, payload, seq)
            )
        self._database.execute("UPDATE journal SET epoch = ?, last = ?", (epoch, last))
        self._epoch, self._last = epoch, last

    def _used_bytes(self) -> int:
        return (self._pragma("page_count") - self._pragma("freelist_count")) * self._pragma(
            "page_size"
        )

    def _pragma(self, name: str) -> int:
        number: int = self._database.execute(f"PRAGMA {name}").fetchone()[0]
        return number

    @contextmanager
    def _new_epoch_if_corrupt(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if not _is_corrupt(error):
                raise
            self._begin_again()

    def _begin_again(self) -> None:
        self._database.close()
        self._set_aside()
        self._connect()

    def _recover(self, error: sqlite3.DatabaseError, now: int) -> None:
        """Make `append` possible again after `error`, or raise it."""
        if _is_corrupt(error):
            self._begin_again()
        elif _is_full(error):
            self._make_room(now)
        else:
            raise error

    def _make_room(self, now: int) -> None:
        """The disk is full: give up old messages, whose pages are then used again."""
        _log.warning("disk full, giving up the oldest messages of %s", self._path)
        self._change_with_reserve(
            lambda: self._evict(max(self._used_bytes() // _EVICT_SHARE, 1), now)
        )

    def _restock(self) -> None:
        """Make the reserve again when the disk has room for it; until then the file keeps its size.

        Pages beyond it would fit into the WAL but never from there into the file, and then nothing
        could be deleted.
        """
        if not self._full or shutil.disk_usage(self._path.parent).free < 2 * _RESERVE_BYTES:
            return
        with suppress(OSError):
            self._reserve.write_bytes(bytes(_RESERVE_BYTES))
            self._database.execute(f"PRAGMA max_page_count={_NO_LIMIT}")
            self._full = False
            _log.info("the disk of %s has room again", self._path)

    def _set_aside(self) -> None:
        """Keep the corrupt file for inspection under a name of its own; the next one starts a new
        epoch."""
        number = 1
        while (aside := self._path.with_name(f"{self._path.name}.corrupt-{number}")).exists():
            number += 1
        _log.error("journal %s is corrupt, set aside as %s", self._path, aside)
        self._path.rename(aside)
        for suffix in ("-wal", "-shm"):
            companion = self._path.with_name(self._path.name + suffix)
            if companion.exists():
                companion.rename(aside.with_name(aside.name + suffix))


def _corrupt(text: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(text)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _is_full(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def _is_corrupt(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
