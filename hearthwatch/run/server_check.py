"""`server check`: tries all that the services need, before they start or while they run."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from configuration.check import Check
from configuration.load import ConfigurationError
from configuration.state_files import require_state_files
from console import readiness as console_readiness
from desk.database.engine import DatabaseError, open_database, shown, writing
from desk.database.explanation import explained
from hearthwatch.run.server_settings import ServerSettings
from ingest.store.trial import try_store
from messaging.trial import try_broker

_ANSWER_S = 2.0
_NOBODY = "hearthwatch-check"
"""A district that no gateway has: its topics concern nobody."""


def server_checks(config: Path, settings: ServerSettings) -> Iterator[Check]:
    """Yield every check; one that fails ends only the checks of the same part.

    Files, buckets and tables that are missing are made.
    """
    parts: tuple[Callable[[], Iterator[Check]], ...] = (
        lambda: _files(config, settings),
        lambda: _store(settings),
        lambda: _tickets(settings),
        lambda: _broker(settings),
        lambda: _page(settings),
    )
    for part in parts:
        try:
            yield from part()
        except ConfigurationError as error:
            for problem in error.problems:
                yield Check("files", False, f"{problem.key or config}: {problem.message}")


def _files(config: Path, settings: ServerSettings) -> Iterator[Check]:
    files = settings.ingest_files | settings.alert_files
    require_state_files(config, files)
    folders = sorted({str(path.parent) for path in files.values()})
    yield Check("files", True, f"{len(files)} files in {', '.join(folders)} can be written")


def _store(settings: ServerSettings) -> Iterator[Check]:
    for check in try_store(settings.store):
        yield replace(check, name=f"store: {check.name}")


def _tickets(settings: ServerSettings) -> Iterator[Check]:
    try:
        with writing(open_database(settings.tickets.address)) as session:
            version = session.scalar(text("SELECT version_num FROM alembic_version"))
    except (SQLAlchemyError, DatabaseError, OSError) as error:
        yield Check("tickets", False, explained(error))
        return
    yield Check("tickets", True, f"{shown(settings.tickets.url)}, tables of version {version}")


def _broker(settings: ServerSettings) -> Iterator[Check]:
    root = settings.mqtt.root
    reads = [*settings.ingest.filters(root), f"{root}/alert/#"]
    box, unit = f"{_NOBODY}/none/none/none", f"{_NOBODY}/none"
    topics = (f"ack/{box}", f"command/{box}", f"alert/{unit}")
    decided = (f"status/{box}", f"retired/{box}", f"assigned/{unit}")
    yield from try_broker(settings.mqtt, reads, [f"{root}/{topic}" for topic in topics + decided])


def _page(settings: ServerSettings) -> Iterator[Check]:
    missing = console_readiness()
    yield Check("console", not missing, "; ".join(missing) or "its scripts are here")
    host, port = settings.http.host, settings.http.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
    except OSError as error:
        yield _taken(settings, error)
        return
    yield Check("port", True, f"{settings.http.listen} is free")


def _taken(settings: ServerSettings, error: OSError) -> Check:
    listen = settings.http.listen
    try:
        # Through no proxy of the environment: the address is this machine's own.
        build_opener(ProxyHandler({})).open(f"http://{listen}/healthz", timeout=_ANSWER_S).close()
    except (URLError, OSError, ValueError):
        reason = (error.strerror or str(error)).lower()
        return Check("port", False, f"{listen}: {reason}; name another in [http] listen")
    return Check("port", True, f"alerts already runs at {listen}")
