"""The process `alerts run`: the alert service in a thread beside the HTTP API and the console."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from alerts.rulebook import advice_of
from alerts.service import AlertParts, AlertService
from api import ApiContext, create_app
from api.serving import server_settings
from configuration.exclusive import exclusive
from console import mount
from console import readiness as console_readiness
from desk.database.engine import open_database
from desk.database.explanation import explained
from hearthwatch.run.alert_parts import make_alert_parts
from hearthwatch.run.on_record import note_settings
from hearthwatch.run.server_settings import ServerSettings
from wire.wall_clock import wall_clock_ms

_log = structlog.get_logger()

_RETRY_S: Final = 2.0
_IN_USE: Final = (
    "another alerts process is using it; end that one first, or give this one a configuration of "
    "its own"
)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: signals end the alert service too, in order."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Handle no signals; they set the event that `run_alert_process` watches."""
        return nullcontext()


def run_alert_process(settings: ServerSettings, stop: threading.Event) -> None:
    """Run alerts, API and console until `stop` is set or one of them fails; raises its error.

    Raises ConfigurationError while another process works on the same `alerts.state`.
    """
    with exclusive(settings.alerts.state / "alerts", _IN_USE):
        _run(settings, stop)


def _run(settings: ServerSettings, stop: threading.Event) -> None:
    parts = make_alert_parts(settings)
    service = AlertService(parts, settings.alerts, wall_clock_ms)
    failures: list[BaseException] = []
    work = _guarded(lambda: service.run(stop), failures, stop)
    thread = threading.Thread(target=work, name="alert-service")
    app = _application(settings, parts, service, stop)
    thread.start()
    try:
        _serve(app, settings, stop)
    finally:
        stop.set()
        thread.join()
    if failures:
        raise failures[0]


def _application(
    settings: ServerSettings, parts: AlertParts, service: AlertService, stop: threading.Event
) -> FastAPI:
    database = _wait_for_database(settings.tickets.address, stop)
    note_settings(database, settings, wall_clock_ms())
    context = ApiContext(
        database=database,
        store=parts.open_store(),
        readiness=lambda: [*service.readiness(), *console_readiness()],
        clock=wall_clock_ms,
        stop=stop,
        terms=parts.practice.terms,
        advice=advice_of(parts.rules),
        operators=settings.alerts.operators,
        listed=parts.listed,
    )
    app = create_app(context)
    mount(app)
    return app


def _wait_for_database(url: str, stop: threading.Event) -> Engine:
    """The ticket database, waited for while its server is away."""
    logged = False
    while True:
        try:
            return open_database(url)
        except OperationalError as error:
            if not logged:
                _log.warning("ticket_database_unavailable", reason=explained(error))
            logged = True
            if stop.wait(_RETRY_S):
                raise


def _guarded(
    work: Callable[[], None], failures: list[BaseException], stop: threading.Event
) -> Callable[[], None]:
    """`work` for a thread: its failure ends the whole process, which must not live on by half."""

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            stop.set()

    return run


def _serve(app: FastAPI, settings: ServerSettings, stop: threading.Event) -> None:
    server = _Server(server_settings(app, settings.http.host, settings.http.port))

    def end_at_stop() -> None:
        stop.wait()
        server.should_exit = True

    threading.Thread(target=end_at_stop, name="http-stop", daemon=True).start()
    _log.info("http_listens", url=f"http://{settings.http.listen}")
    server.run()
