"""Readings into the journal; a journal that cannot be written is logged and its losses counted."""

import sqlite3
from collections.abc import Callable, Sequence

from configuration.outage_log import OutageLog
from gateway_agent.logs import EventLog
from gateway_agent.uplink.journal import Journal
from wire.messages import Clock, Reading

_log = EventLog(__name__)


class JournalWriter:
    """Takes the readings of every line over into one journal."""

    def __init__(
        self, journal: Journal, clock: Callable[[], int], synchronised: Callable[[], bool]
    ) -> None:
        """`clock` gives UTC milliseconds; `synchronised` whether that clock is set right."""
        self._journal = journal
        self._clock = clock
        self._synchronised = synchronised
        self._journal_log = OutageLog(
            _log, "journal_unwritable", "journal_writable", severity="error"
        )
        self.lost = 0
        """How many readings the journal has not taken."""

    @property
    def clock_synchronised(self) -> bool:
        """Whether the clock that stamps readings is set right."""
        return self._synchronised()

    def keep(self, readings: Sequence[Reading]) -> None:
        """Journal `readings`; if the journal cannot take them, count them in `lost`."""
        mark: Clock | None = None if self._synchronised() else "unsynced"
        try:
            self._journal.append(readings, self._clock(), mark)
        except sqlite3.Error as error:
            self.lost += len(readings)
            self._journal_log.lost(str(error))
        else:
            self._journal_log.back(lost=self.lost)
