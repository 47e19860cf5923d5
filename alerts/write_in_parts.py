"""The write of a round in which one change makes the database fail: that one is left out."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from alerts.core.model import Round
from alerts.database_retry import DatabaseRetry

# SQL states of what was to be written: data exception, broken constraint, a value too large.
_STATES_OF_CONTENT: Final = ("22", "23", "54")

Answer = TypeVar("Answer")


def is_of_content(error: Exception) -> bool:
    """Whether `error` comes from what was to be written; otherwise the database is at fault."""
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or "")
        return isinstance(error, DataError | IntegrityError) or state.startswith(_STATES_OF_CONTENT)
    return not isinstance(error, DatabaseRetry.Stopped | OSError)


def write_in_parts(
    changes: Round,
    write: Callable[[Round], Answer],
    set_aside: Callable[[str, str, Exception], None],
) -> Iterator[Answer]:
    """Write a round, or what of it can be written: halves of halves, each a transaction.

    A change that cannot be written is given to `set_aside`: step, change, error. Raises the errors
    of the database itself.
    """
    try:
        written = write(changes)
    except Exception as error:
        if not is_of_content(error):
            raise
        if changes.size == 1:
            set_aside("write", changes.described(), error)
            return
    else:
        yield written
        return
    for half in changes.halves():
        yield from write_in_parts(half, write, set_aside)
