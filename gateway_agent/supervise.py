"""Supervise a gateway: reload its configuration, feed the watchdog, serve the metrics page."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import monotonic
from typing import Final

from configuration.load import ConfigurationError
from gateway_agent.logs import EventLog
from gateway_agent.profile.schema import Profile
from gateway_agent.service import GatewayService, RunningGateway
from gateway_agent.settings import GatewaySettings
from gateway_agent.status.limits import limits_page
from gateway_agent.status.metrics import metrics_page
from gateway_agent.status.systemd import Notifier

# How often signs of life and signals are checked; also the longest delay of a reload.
_CHECK_EVERY_S: Final = 0.5
# Used without a watchdog: longer than any exchange with its retries holds up a line.
_HANGS_AFTER_S: Final = 180.0

_log = EventLog(__name__)


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything read from files: the gateway's settings, and its profiles by reference."""

    settings: GatewaySettings
    profiles: dict[str, Profile]


@dataclass(slots=True)
class Signals:
    """Requests from outside: `stop` for good, `reload` to read the configuration again."""

    stop: threading.Event
    reload: threading.Event


class GatewaySupervisor:
    """Runs one gateway after the other in this process, each with the last good configuration."""

    def __init__(
        self,
        load: Callable[[], Configuration],
        signals: Signals,
        notifier: Notifier,
        serve: Callable[[Configuration], GatewayService] = lambda each: GatewayService(
            each.settings, each.profiles
        ),
    ) -> None:
        """`load` reads and checks the configuration; it is called at once.

        `serve` makes the gateway of a configuration. Raises ConfigurationError.
        """
        self._load = load
        self._signals = signals
        self._notifier = notifier
        self._serve = serve
        self._configuration = load()

    def run(self) -> None:
        """Work until the stop signal.

        Raises the error that ended a gateway, and OSError if the page's address is taken.
        """
        while not self._signals.stop.is_set():
            self._run_gateway(self._configuration)
        self._notifier.stopping()

    def _run_gateway(self, configuration: Configuration) -> None:
        """Run a gateway until the stop signal, or until there is another configuration."""
        service, end, ended = self._serve(configuration), threading.Event(), threading.Event()
        watch = threading.Thread(target=self._watch, args=(service, end, ended), name="watch")
        with self._page(configuration, service):
            watch.start()
            try:
                service.run(end)
            finally:
                ended.set()
                watch.join()

    def _watch(self, service: GatewayService, end: threading.Event, ended: threading.Event) -> None:
        """Report the state of `service` until it has `ended`; set `end` to stop it."""
        notified = False
        while not ended.wait(_CHECK_EVERY_S):
            running = service.running
            if running is not None and not notified:
                self._notifier.ready()
                notified = True
            if running is not None and self._is_alive(running):
                self._notifier.alive()
            if self._signals.stop.is_set() or self._has_changed(running):
                end.set()

    def _is_alive(self, running: RunningGateway) -> bool:
        silence_s = monotonic() - running.alive_at
        return silence_s < (self._notifier.watchdog_s or _HANGS_AFTER_S) / 2

    def _has_changed(self, running: RunningGateway | None) -> bool:
        """Whether a reload signal came and the configuration is another one, without mistakes.

        If it is the same, the units are asked again for what they have refused.
        """
        if not self._signals.reload.is_set():
            return False
        self._signals.reload.clear()
        self._notifier.reloading()
        try:
            configuration = self._load()
        except ConfigurationError as error:
            for problem in error.problems:
                _log.error("configuration_refused", kept="the last good one", problem=problem)
            configuration = self._configuration
        changed = configuration != self._configuration
        self._configuration = configuration
        if not changed:
            for line in running.lines if running is not None else ():
                line.ask_again()
            self._notifier.ready()
        return changed

    def _page(
        self, configuration: Configuration, service: GatewayService
    ) -> AbstractContextManager[object]:
        address = configuration.settings.metrics.address
        if address is None:
            return nullcontext()
        # Imported here, so that only a box with a metrics page pays for a web server's memory.
        from gateway_agent.status.page import StatusPage

        def metrics() -> str:
            running = service.running
            return metrics_page(running.metrics()) if running is not None else ""

        def limits() -> str:
            running = service.running
            return limits_page(running.lines if running is not None else ())

        def healthy() -> bool:
            running = service.running
            return running is not None and self._is_alive(running)

        return StatusPage(*address, metrics, limits, healthy)
