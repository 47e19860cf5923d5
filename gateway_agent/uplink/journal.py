"""The journal: readings on disk, numbered, until the store is known to hold them (design §4).

SQLite in WAL mode with `synchronous=FULL`: a message that `append` returned survives kill -9 and a
power cut, and its number was given in the same transaction. One lock; any thread may call.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from gateway_agent.logs import EventLog
from gateway_agent.uplink.disk_reserve import DiskReserve
from gateway_agent.uplink.journal_file import (
    is_corrupt,
    is_full,
    new_epoch,
    open_file,
    set_aside,
    used_bytes,
)
from wire.encode import encode_telemetry, to_json
from wire.messages import VERSION, Clock, Dropped, Reading, Telemetry

# A full journal gives up this share of it at once, so that not every reading costs an eviction.
_EVICT_SHARE: Final = 16

Answer = TypeVar("Answer")

_log = EventLog(__name__)


@dataclass(frozen=True, slots=True)
class JournalMessage:
    """One numbered message as it goes to the broker."""

    seq: int
    payload: bytes


class Journal:
    """The journal file. `epoch` names the numbering; a new file begins a new epoch."""

    def __init__(self, path: Path, interval_s: float, max_mb: int) -> None:
        """Open or make the file at `path`; a corrupt one is set aside.

        `interval_s` goes into every message. Raises sqlite3.Error if no file can be opened.
        """
        self._path = path
        self._interval_s = interval_s
        self._max_bytes = max_mb * 1024 * 1024
        self._lock = threading.RLock()
        self.evicted = 0
        self._epoch = ""
        self._last = 0
        self._open()
        self._reserve = DiskReserve(path)

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
        """Number `readings`, polled at `now` (UTC ms), as one message; on return it is on disk.

        `clock` marks readings stamped by an unsynchronised clock. A full journal or disk gives up
        its oldest messages first. Raises sqlite3.Error if the message cannot be kept.
        """

        def add() -> JournalMessage:
            if used_bytes(self._database) > self._max_bytes:
                self._evict(self._max_bytes // _EVICT_SHARE, now)
            return self._insert(list(readings), None, None, now, clock)

        with self._lock:
            self._reserve.restock(self._database)
            try:
                return self._change(add)
            except sqlite3.DatabaseError as error:
                self._recover(error, now)
                return self._change(add)

    def drop(self, seq: int, reason: str, now: int) -> JournalMessage | None:
        """Give up the message `seq` and report it as lost at `now` (UTC ms).

        Returns the report; None if the message is not there.
        """

        def replace() -> JournalMessage | None:
            deleted = self._database.execute("DELETE FROM message WHERE seq = ?", (seq,)).rowcount
            return self._report(seq, seq, reason, now) if deleted else None

        with self._lock:
            return self._change_though_full(replace)

    def acknowledge(self, epoch: str, upto: int) -> bool:
        """Forget messages up to `upto`, which the store holds; False for another journal's epoch.

        A watermark beyond the newest number means that the file was put back to an earlier state.
        The store would take its next numbers for readings it already has. So a new epoch begins,
        the waiting messages are numbered anew, and the answer is False.
        """
        with self._lock, self._new_epoch_if_corrupt():
            if epoch != self._epoch:
                return False
            if upto <= self._last:
                self._change_though_full(
                    lambda: self._database.execute("DELETE FROM message WHERE seq <= ?", (upto,))
                )
                return True
            last = self._last
            self._change_though_full(self._number_anew)
            _log.error("journal_put_back", stored=upto, last=last, old=epoch, epoch=self._epoch)
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
        self._database = open_file(self._path)
        row = self._database.execute("SELECT epoch, last FROM journal").fetchone()
        self._epoch, self._last = row

    def _change(self, action: Callable[[], Answer]) -> Answer:
        """Do `action` in a transaction; if it fails, the numbers too are as before."""
        before = self._epoch, self._last
        try:
            with self._database:
                return action()
        except BaseException:
            self._epoch, self._last = before
            raise

    def _change_though_full(self, action: Callable[[], Answer]) -> Answer:
        """Do `action`, which deletes rows, in a transaction; a full disk spends the reserve."""
        try:
            return self._change(action)
        except sqlite3.DatabaseError as error:
            if not is_full(error):
                raise
        return self._change_with_reserve(action)

    def _change_with_reserve(self, action: Callable[[], Answer]) -> Answer:
        self._reserve.spend()
        answer = self._change(action)
        self._reserve.hold_size(self._database)
        return answer

    def _insert(
        self,
        readings: list[Reading],
        dropped: Dropped | None,
        lost_from: int | None,
        now: int,
        clock: Clock | None = None,
    ) -> JournalMessage:
        """Number and keep one message; call it inside a transaction."""
        seq = self._last + 1
        acked = self._acked(lost_from)
        telemetry = Telemetry(
            VERSION, self._epoch, seq, now, self._interval_s, readings, dropped, clock, acked
        )
        message = JournalMessage(seq, encode_telemetry(telemetry))
        self._database.execute(
            "INSERT INTO message VALUES (?, ?, ?)", (seq, message.payload, lost_from)
        )
        counted = self._database.execute(
            "UPDATE journal SET last = ? WHERE last = ?", (seq, self._last)
        )
        assert counted.rowcount == 1, "numbers must be free of gaps and repetitions"
        self._last = seq
        return message

    def _acked(self, lost_from: int | None) -> int:
        """The number up to which the store has all messages.

        It ends before the oldest message that waits, and before the oldest lost one whose report
        waits or is about to be written (`lost_from`).
        """
        oldest, lost = self._database.execute(
            "SELECT (SELECT min(seq) FROM message),"
            " (SELECT min(lost_from) FROM message WHERE lost_from IS NOT NULL)"
        ).fetchone()
        waiting = [number for number in (oldest, lost, lost_from) if number is not None]
        acked: int = min(waiting, default=self._last + 1) - 1
        assert 0 <= acked <= self._last, "the watermark must not pass the numbers given"
        return acked

    def _report(self, first: int, last: int, reason: str, now: int) -> JournalMessage:
        assert 0 < first <= last <= self._last, "only numbers once given can be lost"
        return self._insert([], Dropped(first, last, reason), first, now)

    def _evict(self, at_least: int, now: int) -> None:
        """Delete the oldest messages worth `at_least` bytes and report them; inside a transaction.

        If a report has to go too, the new report also covers the older messages it was about.
        """
        size, last, first = 0, 0, None
        for seq, length, lost_from in self._database.execute(
            "SELECT seq, length(payload), lost_from FROM message ORDER BY seq"
        ):
            first = min(number for number in (first, lost_from, seq) if number is not None)
            size, last = size + length, seq
            if size >= at_least:
                break
        if first is None:
            return
        deleted = self._database.execute("DELETE FROM message WHERE seq <= ?", (last,))
        self.evicted += deleted.rowcount
        self._report(first, last, "journal_full", now)
        _log.warning("messages_dropped", first=first, last=last, reason="journal_full")

    def _number_anew(self) -> None:
        """Move the waiting messages to a new epoch, inside a transaction.

        Points sent twice are stored once. Reports of loss name numbers of the old epoch, which the
        store has passed: they are deleted.
        """
        epoch, last = new_epoch(), 0
        self._database.execute("DELETE FROM message WHERE lost_from IS NOT NULL")
        for (seq,) in self._database.execute("SELECT seq FROM message ORDER BY seq").fetchall():
            last += 1
            assert last <= seq, "a message would take the number of one not yet moved"
            self._renumber(seq, epoch, last)
        self._database.execute("UPDATE journal SET epoch = ?, last = ?", (epoch, last))
        self._epoch, self._last = epoch, last

    def _renumber(self, seq: int, epoch: str, number: int) -> None:
        (payload,) = self._database.execute(
            "SELECT payload FROM message WHERE seq = ?", (seq,)
        ).fetchone()
        document = json.loads(payload) | {"epoch": epoch, "seq": number}
        document.pop("acked", None)  # a watermark of the old numbers
        self._database.execute(
            "UPDATE message SET seq = ?, payload = ? WHERE seq = ?",
            (number, to_json(document), seq),
        )

    @contextmanager
    def _new_epoch_if_corrupt(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            self._begin_again()

    def _begin_again(self) -> None:
        self._database.close()
        set_aside(self._path)
        self._open()

    def _recover(self, error: sqlite3.DatabaseError, now: int) -> None:
        """Make `append` possible again after `error`, or raise it."""
        if is_corrupt(error):
            self._begin_again()
        elif is_full(error):
            self._change_with_reserve(
                lambda: self._evict(max(used_bytes(self._database) // _EVICT_SHARE, 1), now)
            )
        else:
            raise error
