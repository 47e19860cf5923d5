"""The process `alerts run`: the alert service in its own thread, the HTTP API and the console in
the main one."""

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

log = structlog.get_logger()


_RETRY_S = 2.0


class _Server(uvicorn.Server):
    """uvicorn that leaves the signals to us: they end the alert service too, in order."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Signals set the event that `run_alert_process` watches."""
        return nullcontext()


def run_alert_process(settings: ServerSettings, stop: threading.Event) -> None:
    """Run alerts, API and console until `stop` is set, or until one of them fails; raises what it
    raised."""
    parts = (
        settings.mqtt,
        settings.tickets,
        settings.rules,
        settings.alerts,
        settings.store,
        settings.season,
    )
    service = AlertService(*parts, forecast=settings.forecast)
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
    """The ticket database, waited for while its server is away."""
    announced = False
    while True:
        try:
            return open_database(url)
        except OperationalError as error:
            if not announced:
                log.warning("ticket_database_unavailable", reason=str(error.orig))
            announced = True
            if stop.wait(_RETRY_S):
                raise


def _guarded(
    work: Callable[[], None], failures: list[BaseException], stop: threading.Event
) -> Callable[[], None]:
    """`work` for a thread: if it fails, the whole process is to end and say why, not live on by
    half."""

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

    def end_when_told() -> None:
        stop.wait()
        server.should_exit = True

    threading.Thread(target=end_when_told, name="http-stop", daemon=True).start()
    log.info("http_listens", url=f"http://{settings.http.listen}")
    server.run()
