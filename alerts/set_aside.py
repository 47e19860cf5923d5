"""What could not be processed: left out so that the rest goes on, counted, and named in the log."""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from alerts import metrics
from alerts.core.model import Round
from alerts.database_retry import DatabaseRetry

UNPROCESSABLE: Final = "unprocessable"
"""The code of an input that passed every check and made a later step fail (reliability §3)."""

# SQL states of what was to be written: data exception, broken constraint, a value too large.
_STATES_OF_CONTENT: Final = ("22", "23", "54")

Answer = TypeVar("Answer")


class SetAside:
    """Counts everything set aside; logs each step and kind of failure once, with its traceback."""

    def __init__(self, logger: Any) -> None:
        """`logger` takes an event id and fields, as loggers of structlog do."""
        self._logger = logger
        self._named: set[tuple[str, type[Exception]]] = set()

    def note(self, step: str, what: str, error: Exception) -> None:
        """Count one input, described by `what`, that made `step` fail."""
        metrics.reject(UNPROCESSABLE)
        kind = (step, type(error))
        if kind not in self._named:
            self._named.add(kind)
            self._logger.error("input_set_aside", step=step, what=what, exc_info=error)


def is_of_content(error: Exception) -> bool:
    """Whether `error` comes from what was to be written; otherwise the database is at fault."""
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or "")
        return isinstance(error, DataError | IntegrityError) or state.startswith(_STATES_OF_CONTENT)
    return not isinstance(error, DatabaseRetry.Stopped | OSError)


def write_in_parts(
    changes: Round, write: Callable[[Round], Answer], set_aside: SetAside
) -> Iterator[Answer]:
    """Write a round, or what of it can be written: halves of halves, each a transaction.

    A change that cannot be written is set aside. Raises the errors of the database itself.
    """
    try:
        written = write(changes)
    except Exception as error:
        if not is_of_content(error):
            raise
        if changes.size == 1:
            set_aside.note("write", changes.described(), error)
            return
    else:
        yield written
        return
    for half in changes.halves():
        yield from write_in_parts(half, write, set_aside)
