"""An alert service that kills itself (as SIGKILL would) at the Nth time it comes past a named
point.

Run as `python -m tests.alerts.killed_service DIRECTORY URL POINT COUNT`; COUNT 0 never dies.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from alerts.core.model import Round
from alerts.service import AlertService
from alerts.store.write_round import Written
from messaging.session import Delivery
from tests.alerts.rig import make_service, settings

POINTS = ("before_commit", "after_commit", "after_acknowledge", "after_outbox", "before_snapshot")


class MortalService(AlertService):
    """Counts down at one point of its round, and dies there."""

    point: str
    left: int

    def _past(self, point: str) -> None:
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def write(self, changes: Round) -> Written:
        news = bool(changes.decided)
        if news:
            self._past("before_commit")
        written = super().write(changes)
        if news:
            self._past("after_commit")
        return written

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        super().acknowledge(deliveries)
        if deliveries:
            self._past("after_acknowledge")

    def turn(self) -> None:
        super().turn()
        self._past("after_outbox")

    def save_state(self) -> None:
        self._past("before_snapshot")
        super().save_state()


def main() -> None:
    directory, url, point, count = sys.argv[1:]
    tables = settings(Path(directory), url, snapshot_every="200ms")
    service = make_service(MortalService, **tables)
    assert isinstance(service, MortalService)
    service.point, service.left = point, int(count)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    service.run(stop)


if __name__ == "__main__":
    main()
