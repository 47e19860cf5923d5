"""Keeps a gateway in operation: reloads its configuration, feeds the watchdog, serves the metrics
page."""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import monotonic
from typing import Final

from configuration.load import ConfigurationError
from gateway_agent.profile.schema import Profile
from gateway_agent.service import GatewayService, RunningGateway
from gateway_agent.settings import GatewaySettings
from gateway_agent.status.metrics import render
from gateway_agent.status.running_metrics import figures_of
from gateway_agent.status.systemd import Notifier

# How often the signs of life are looked at; also how long a reload waits at most to be noticed.
_LOOK_S: Final = 0.5
# Without a manager that says how long it waits: no exchange, retries included, holds a line up for
# so long.
_HANGS_AFTER_S: Final = 180.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything read from files: the gateway's own and the profiles it names."""

    settings: GatewaySettings
    profiles: dict[str, Profile]


@dataclass(slots=True)
class Signals:
    """What the outside asks for: `stop` for good; `reload` to read the configuration again."""

    stop: threading.Event
    reload: threading.Event


class GatewaySupervisor:
    """One gateway after the other in this process, each with the last good configuration."""

    def __init__(
        self,
        load: Callable[[], Configuration],
        signals: Signals,
        notifier: Notifier,
        serve: Callable[[Configuration], GatewayService] = lambda each: GatewayService(
            each.settings, each.profiles
        ),
    ) -> None:
        """`load` reads and checks the configuration; it is called at once, and what it raises is
        raised."""
        self._load = load
        self._signals = signals
        self._notifier = notifier
        self._serve = serve
        self._configuration = load()

    def run(self) -> None:
        """Work until the stop signal. Raises what ends a gateway by itself, and OSError for the
        page's address."""
        while not self._signals.stop.is_set():
            self._run_one(self._configuration)
        self._notifier.stopping()

    def _run_one(self, configuration: Configuration) -> None:
        """Work with `configuration` until the stop signal, or until there is another one."""
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
        """Look after `service` until it has ended: set `end` when it shall."""
        told = False
        while not ended.wait(_LOOK_S):
            parts = service.parts
            if parts is not None and not told:
                self._notifier.ready()
                told = True
            if parts is not None and self._turns(parts):
                self._notifier.alive()
            if self._signals.stop.is_set() or self._has_changed():
                end.set()

    def _turns(self, parts: RunningGateway) -> bool:
        return monotonic() - parts.alive_at < (self._notifier.watchdog_s or _HANGS_AFTER_S) / 2

    def _has_changed(self) -> bool:
        """After a reload signal: whether there is a new configuration, and a good one."""
        if not self._signals.reload.is_set():
            return False
        self._signals.reload.clear()
        self._notifier.reloading()
        try:
            found = self._load()
        except ConfigurationError as error:
            for problem in error.problems:
                _log.error("configuration refused, the last good one stays: %s", problem)
            found = self._configuration
        changed = found != self._configuration
        self._configuration = found
        if not changed:
            self._notifier.ready()
        return changed

    def _page(
        self, configuration: Configuration, service: GatewayService
    ) -> AbstractContextManager[object]:
        address = configuration.settings.metrics.address
        if address is None:
            return nullcontext()
        # Only a box that shows its figures pays for a web server's memory.
        from gateway_agent.status.page import StatusPage

        def metrics() -> str:
            parts = service.parts
            return render(figures_of(parts)) if parts is not None else ""

        def healthy() -> bool:
            parts = service.parts
            return parts is not None and self._turns(parts)

        return StatusPage(*address, metrics, healthy)
