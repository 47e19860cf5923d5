"""What the programs themselves put into the audit log: changed settings, backups, restores."""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from desk.accounts.accounts import this_user
from desk.audit.entry import Actor
from desk.audit.trail import last_of, newest_line, record
from desk.database.engine import DatabaseError, open_database, shown, writing
from hearthwatch.run.server_settings import ServerSettings

_log = structlog.get_logger()
_SETTINGS: Final = "settings"


def note_settings(database: Engine, settings: ServerSettings, now: int) -> None:
    """Write the settings that a server starts with, if they are not those on record (UTC ms).

    Logs the newest line's id and hash: kept outside of this machine they prove the log whole.
    """
    values = _flat(settings.model_dump(mode="json"))
    values["tickets.url"] = shown(settings.tickets.url)
    with writing(database) as session:
        last = last_of(session, _SETTINGS)
        known = {} if last is None or last.after is None else last.after
        if known != values:
            before = {name: value for name, value in known.items() if value != values.get(name)}
            record(session, Actor("hearthwatch"), _SETTINGS, now, None, before or None, values)
        newest, head = newest_line(session)
    _log.info("audit_log", newest=newest, hash=head)


def note_command(settings: ServerSettings, what: str, facts: Mapping[str, Any], now: int) -> bool:
    """Write that a person ran a command on the whole state; whether the ticket database took it.

    A database file that does not exist is not made.
    """
    file = settings.tickets.file
    if file is not None and not file.exists():
        return False
    try:
        with writing(open_database(settings.tickets.address)) as session:
            record(session, this_user(), what, now, None, None, facts)
    except (SQLAlchemyError, DatabaseError):
        return False
    return True


def _flat(table: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return `{"alerts.operators": 2}` of nested tables; keys without a value are left out."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{above}{name}.")
        elif value is not None:
            flat[f"{above}{name}"] = value
    return flat
