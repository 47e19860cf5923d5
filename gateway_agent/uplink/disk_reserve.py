"""Room kept free on the disk for the moment it is full, because to delete rows needs room too.

SQLite writes a deletion into its WAL first. So a file of this size lies beside the journal; on a
full disk it is removed, and the journal keeps its size until the disk has room again.
"""

import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from configuration.links import write_unlinked
from configuration.outage_log import OutageLog
from gateway_agent.logs import EventLog
from gateway_agent.uplink.journal_file import pragma

RESERVE_BYTES: Final = 2 * 1024 * 1024
_NO_LIMIT: Final = 1_073_741_823  # the default of older SQLite, https://sqlite.org/limits.html §13

_log = EventLog(__name__)


class DiskReserve:
    """The reserve beside the journal at `path`; the journal's lock guards it."""

    def __init__(self, path: Path) -> None:
        """Make the reserve if the disk has room for it."""
        self._file = path.with_name(path.name + ".reserve")
        self._is_holding_size = False
        self._disk_log = OutageLog(_log, "disk_full", "disk_has_room")
        with suppress(OSError):
            if not self._file.exists() or self._file.stat().st_size < RESERVE_BYTES:
                write_unlinked(self._file, bytes(RESERVE_BYTES))

    def spend(self) -> None:
        """Give its room to the next transaction."""
        self._disk_log.lost("no room for the journal", reserve=self._file)
        self._file.unlink(missing_ok=True)

    def hold_size(self, database: sqlite3.Connection) -> None:
        """After that transaction: let the journal grow no further until `restock`.

        Pages beyond this size would fit into the WAL but never from there into the file. Then
        nothing could be deleted.
        """
        # RESTART, not TRUNCATE: the next transactions need the blocks of the WAL as their room.
        with suppress(sqlite3.OperationalError):
            database.execute("PRAGMA wal_checkpoint(RESTART)")
        if not self._is_holding_size:
            self._is_holding_size = True
            spare_pages = RESERVE_BYTES // 4 // pragma(database, "page_size")
            limit = pragma(database, "page_count") + spare_pages
            database.execute(f"PRAGMA max_page_count={limit}")

    def restock(self, database: sqlite3.Connection) -> None:
        """Make the reserve again and let the journal grow, as soon as the disk has room."""
        if not self._is_holding_size:
            return
        if shutil.disk_usage(self._file.parent).free < 2 * RESERVE_BYTES:
            return
        with suppress(OSError):
            write_unlinked(self._file, bytes(RESERVE_BYTES))
            database.execute(f"PRAGMA max_page_count={_NO_LIMIT}")
            self._is_holding_size = False
            self._disk_log.back(reserve=self._file)
