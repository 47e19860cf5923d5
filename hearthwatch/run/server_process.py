"""The process `server run`: ingest and alerts as two supervised processes."""

import os
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hearthwatch.base.errors import UsageError
from hearthwatch.run.server_settings import ServerSettings
from hearthwatch.run.supervisor import Supervisor, hearthwatch_command

_CHECK_EVERY_S: Final = 0.25


def metrics_environment(folder: Path) -> Mapping[str, str]:
    """Return the environment in which several processes count into `folder`.

    One /metrics then shows all their counters. Counts of an earlier run are removed: a counter
    starts from zero with its service.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}


def start_services(supervisor: Supervisor, config: Path, environment: Mapping[str, str]) -> None:
    """Start ingest and alerts from one server.toml."""
    for name in ("ingest", "alerts"):
        supervisor.start(
            name, hearthwatch_command(name, "run", "--config", str(config)), environment
        )


def run_server_processes(config: Path, settings: ServerSettings, stop: threading.Event) -> None:
    """Keep ingest and alerts alive until `stop` is set, then end them in order.

    Raises UsageError if one of them refuses to start: it would do so again and again.
    """
    state = settings.alerts.state
    supervisor = Supervisor(state / "logs")
    start_services(supervisor, config, metrics_environment(state / "metrics"))
    try:
        while not stop.wait(_CHECK_EVERY_S):
            _end_if_refused(supervisor)
            supervisor.check()
    finally:
        supervisor.stop_all()


def _end_if_refused(supervisor: Supervisor) -> None:
    for name, child in supervisor.children.items():
        if child.refused_to_start:
            raise UsageError(f"{name} does not start: {supervisor.last_words(name)}")
