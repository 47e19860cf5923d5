"""Repeats what needs the ticket database while that is away; logs the loss and the return once."""

import threading
from collections.abc import Callable
from typing import Final, TypeVar

import structlog
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from alerts import metrics
from configuration.outage_log import OutageLog
from desk.database.explanation import explained

_log = structlog.get_logger()

_RETRY_S: Final = 1.0
_TRANSIENT: Final = (OperationalError, InterfaceError, PoolTimeoutError)
_TOO_LARGE: Final = "54"  # the class of SQL states that PostgreSQL counts as operational
# Another writer inserted the same row first. It does so once; what fails again is at fault itself.
_RACES: Final = 1

Answer = TypeVar("Answer")


class DatabaseRetry:
    """Owns the patience with one database; `readiness` says whether it takes changes."""

    class Stopped(Exception):  # noqa: N818 - not an error of the database
        """The service is to stop while something could not be committed."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._missing: str | None = "the ticket database has not been opened yet"
        self._outage = OutageLog(
            _log, "ticket_database_lost", "ticket_database_back", severity="error"
        )

    def readiness(self) -> list[str]:
        """What is missing, as sentences; empty while the database takes changes."""
        missing = self._missing
        return [] if missing is None else [f"tickets: {missing}"]

    def persist(self, action: Callable[[], Answer]) -> Answer:
        """Do `action`, again and again while the database is away; raises Stopped at `stop`.

        Raises every error that lasts.
        """
        races = 0
        while True:
            try:
                answer = action()
            except IntegrityError:
                races += 1
                if races > _RACES:
                    raise
            except _TRANSIENT as error:
                if _is_too_large(error):
                    raise
                self._note_lost(error)
                if self.stop.wait(_RETRY_S):
                    raise DatabaseRetry.Stopped from error
            else:
                self._note_back()
                return answer

    def _note_lost(self, error: Exception) -> None:
        self._outage.lost(explained(error))
        self._missing = "the ticket database does not take changes; see the log"
        metrics.DATABASE_UP.set(0)

    def _note_back(self) -> None:
        self._outage.back()
        self._missing = None
        metrics.DATABASE_UP.set(1)


def _is_too_large(error: Exception) -> bool:
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return str(state).startswith(_TOO_LARGE)
