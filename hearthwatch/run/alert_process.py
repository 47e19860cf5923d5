"""The process `alerts run`: the alert service in a thread beside the HTTP API and the console."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from alerts.service import AlertService
from api import create_app
from console import mount
from desk.database.tables import open_database
from hearthwatch.run.server_settings import ServerSettings
from ingest.store import open_store
from wire.wall_clock import wall_clock_ms

_log = structlog.get_logger()

_RETRY_S = 2.0


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: signals end the alert service too, in order."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Handle no signals; they set the event that `run_alert_process` watches."""
        return nullcontext()


def run_alert_process(settings: ServerSettings, stop: threading.Event) -> None:
    """Run alerts, API and console until `stop` is set or one of them fails; raise its error."""
    service = AlertService(
        mqtt=settings.mqtt,
        tickets=settings.tickets,
        rules=settings.rules,
        alerts=settings.alerts,
        store=settings.store,
        season=settings.season,
        forecast=settings.forecast,
    )
    failures: list[BaseException] = []
    thread = threading.Thread(
        target=_guarded(lambda: service.run(stop), failures, stop), name="alert-service"
    )
    app = _application(settings, service, stop)
    thread.start()
    try:
        _serve(app, settings, stop)
    finally:
        stop.set()
        thread.join()
    if failures:
        raise failures[0]


def _application(settings: ServerSettings, service: AlertService, stop: threading.Event) -> FastAPI:
    database = _wait_for_database(settings.tickets.url, stop)
    store = open_store(settings.store)
    app = create_app(
        database, store, settings.alerts, service.readiness, wall_clock_ms, stop, service.rules
    )
    mount(app)
    return app


def _wait_for_database(url: str, stop: threading.Event) -> Engine:
    """Return the ticket database; wait while its server is away."""
    logged = False
    while True:
        try:
            return open_database(url)
        except OperationalError as error:
            if not logged:
                _log.warning("ticket_database_unavailable", reason=str(error.orig))
            logged = True
            if stop.wait(_RETRY_S):
                raise


def _guarded(
    work: Callable[[], None], failures: list[BaseException], stop: threading.Event
) -> Callable[[], None]:
    """Return `work` for a thread: if it fails, its error is kept and the whole process ends."""

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            stop.set()

    return run


def _serve(app: FastAPI, settings: ServerSettings, stop: threading.Event) -> None:
    config = uvicorn.Config(
        app,
        host=settings.http.host,
        port=settings.http.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
        server_header=False,
    )
    server = _Server(config)

    def end_on_stop() -> None:
        stop.wait()
        server.should_exit = True

    threading.Thread(target=end_on_stop, name="http-stop", daemon=True).start()
    _log.info("http_listens", url=f"http://{settings.http.listen}")
    server.run()
