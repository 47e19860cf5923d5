"""Opens the ticket database (SQLite by default, PostgreSQL in production) and its transactions."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy import text as sql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from configuration.links import refuse_links
from desk.database.migrate import migrate

_BUSY_TIMEOUT_MS: Final = 10_000
# Name of a PostgreSQL advisory lock, arbitrary but ours; desk.database.migrate has the other.
_WRITER_LOCK: Final = 0x68656175


class DatabaseError(Exception):
    """The ticket database cannot be opened; the message says what to do."""


def open_database(url: str) -> Engine:
    """Open the database at SQLAlchemy `url`, migrated to the newest version.

    Statements that fail are logged without their values. Raises DatabaseError, and
    ConfigurationError if the file of SQLite is a link.
    """
    try:
        engine = create_engine(make_url(url), pool_pre_ping=True, hide_parameters=True)
    except (ArgumentError, ImportError) as error:
        raise DatabaseError(f"[tickets] url {shown(url)} cannot be used: {error}") from None
    if engine.dialect.name == "sqlite":
        if engine.url.database:
            refuse_links(Path(engine.url.database))
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediately)
    migrate(engine)
    return engine


def shown(url: str) -> str:
    """Return `url` in quotes as logs and people may see it: without its password."""
    try:
        return repr(make_url(url).render_as_string(hide_password=True))
    except ArgumentError:
        return repr(url) if "@" not in url else "with something other than a URL"


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    # The driver's own transactions begin too late; `_begin_immediately` opens them instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "foreign_keys = ON", f"busy_timeout = {_BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediately(connection: Any) -> None:
    # A read that later writes would fail at once when another writer came between; taking the lock
    # first waits.
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """One transaction that may write: committed at the end, rolled back by an exception."""
    with Session(engine) as session, session.begin():
        lock_writers(session)
        yield session


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """One transaction that only reads; on SQLite it neither waits for the writer nor holds it
    up."""
    with Session(engine.execution_options(read_only=True)) as session, session.begin():
        yield session


def lock_writers(session: Session) -> None:
    """Let one writer in at a time until its transaction ends.

    Ticket numbers, one open case for each fault, and feed ids that become visible in order all rest
    on it. SQLite does so by itself; PostgreSQL needs the advisory lock.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})"))
