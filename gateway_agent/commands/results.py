"""Commands and their results on disk: a repeated id is carried out once, also across a restart.

The file is not the journal, so that neither a full nor a corrupt journal makes a command forgotten.
"""

import sqlite3
import threading
from pathlib import Path
from typing import Final

from gateway_agent.logs import EventLog
from wire.decode import decode_result
from wire.encode import encode_result
from wire.messages import Result
from wire.units import DAY_MS

_COMMANDS: Final = (
    "CREATE TABLE IF NOT EXISTS command (id TEXT PRIMARY KEY, at INTEGER NOT NULL, result BLOB)"
)
# When a command last wrote each point.
_WRITES: Final = (
    "CREATE TABLE IF NOT EXISTS written (device TEXT, point TEXT, at INTEGER NOT NULL, "
    "PRIMARY KEY (device, point))"
)
# Far longer than any broker or server keeps a command; without a limit the disk would fill up.
_KEEP_MS: Final = 30 * DAY_MS

_log = EventLog(__name__)


class CommandResults:
    """The file of command ids and their first results. Any thread may call."""

    def __init__(self, path: Path) -> None:
        """Open or make the file at `path`; a corrupt one is set aside. Raises sqlite3.Error."""
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = _open(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            aside = path.with_name(path.name + ".corrupt")
            _log.error("command_results_corrupt", file=path, aside=aside, reason=error)
            path.rename(aside)
            self._database = _open(path)

    def begin(self, command_id: str, now: int) -> bool:
        """Note at `now` (UTC ms) that the command is begun; False if it was noted before."""
        with self._lock, self._database:
            self._database.execute("DELETE FROM command WHERE at < ?", (now - _KEEP_MS,))
            added = self._database.execute(
                "INSERT OR IGNORE INTO command VALUES (?, ?, NULL)", (command_id, now)
            )
            return added.rowcount == 1

    def finish(self, result: Result) -> None:
        """Keep the result of a command that was begun; a later result of it changes nothing."""
        with self._lock, self._database:
            self._database.execute(
                "UPDATE command SET result = ? WHERE id = ? AND result IS NULL",
                (encode_result(result), result.id),
            )

    def result_of(self, command_id: str) -> Result | None:
        """The first result of the command; None while there is none."""
        with self._lock:
            row = self._database.execute(
                "SELECT result FROM command WHERE id = ?", (command_id,)
            ).fetchone()
        return decode_result(row[0]) if row is not None and row[0] is not None else None

    def unfinished(self) -> list[str]:
        """The ids of commands that were begun and have no result, oldest first."""
        select = "SELECT id FROM command WHERE result IS NULL ORDER BY at"
        with self._lock:
            return [row[0] for row in self._database.execute(select)]

    def written_at(self, device: str, point: str) -> int | None:
        """When a command last began to write the point (UTC ms); None if none did."""
        select = "SELECT at FROM written WHERE device = ? AND point = ?"
        with self._lock:
            row = self._database.execute(select, (device, point)).fetchone()
        return None if row is None else int(row[0])

    def note_write(self, device: str, point: str, now: int) -> None:
        """Keep that a command begins to write the point at `now` (UTC ms)."""
        with self._lock, self._database:
            self._database.execute(
                "INSERT OR REPLACE INTO written VALUES (?, ?, ?)", (device, point, now)
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, check_same_thread=False, timeout=5.0)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", _COMMANDS, _WRITES):
        database.execute(statement)
    return database
