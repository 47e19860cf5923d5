"""What a process logs about its connection to the broker (design §7)."""

import time
from collections.abc import Callable
from typing import Any, Final

from configuration.outage_log import OutageLog
from messaging.session import (
    Connected,
    ConnectionFailed,
    ConnectionRefused,
    Disconnected,
    Event,
)
from messaging.takeovers import Takeovers

_TAKEN_OVER: Final = (
    "the broker ends each connection soon after it began: another process uses this client id; "
    "end that process, or give it another client_id"
)


class BrokerLog:
    """Logs each connection and its end, and each reason why there is none once, despite retries."""

    def __init__(
        self, logger: Any, client_id: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`logger` takes an event id and fields, as loggers of structlog do.

        `client_id` is that of the session; `clock` gives monotonic seconds.
        """
        self._logger, self._client_id, self._clock = logger, client_id, clock
        self._takeovers = Takeovers()
        self._takeover = OutageLog(logger, "client_id_taken_over", severity="error")
        self._refusal = OutageLog(logger, "broker_refused", severity="error", each_reason=True)
        self._failure = OutageLog(logger, "broker_unreachable", severity="error", each_reason=True)

    def __call__(self, event: Event) -> None:
        """Log `event` of the session; ignores deliveries and PUBACKs."""
        if isinstance(event, Connected):
            self._takeovers.accepted(self._clock())
            self._refusal.back()
            self._failure.back()
            self._logger.info("broker_connected")
        elif isinstance(event, Disconnected):
            self._logger.warning("broker_lost", reason=event.reason)
            self._judge_end()
        elif isinstance(event, ConnectionRefused):
            self._refusal.lost(event.reason)
        elif isinstance(event, ConnectionFailed):
            self._failure.lost(event.reason)

    def _judge_end(self) -> None:
        if self._takeovers.ended(self._clock()):
            self._takeover.lost(_TAKEN_OVER, client_id=self._client_id)
        else:
            self._takeover.back()
