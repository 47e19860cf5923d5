"""Signals as events that the services watch."""

import signal
import threading
from types import FrameType


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM or SIGINT sets; a second signal ends the process at once."""
    stop = threading.Event()

    def _stop(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    return stop


def reload_on_hangup() -> threading.Event:
    """Return an event that SIGHUP sets; the service that reloads clears it."""
    reload = threading.Event()
    signal.signal(signal.SIGHUP, lambda number, frame: reload.set())
    return reload
