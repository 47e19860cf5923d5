"""What a process logs about its connection to the broker (design §7)."""

from typing import Any

from configuration.outage_log import OutageLog
from messaging.session import (
    Connected,
    ConnectionFailed,
    ConnectionRefused,
    Disconnected,
    Event,
)


class BrokerLog:
    """Logs each connection and its end, and each reason why there is none once, despite retries."""

    def __init__(self, logger: Any) -> None:
        """`logger` takes an event id and fields, as loggers of structlog do."""
        self._logger = logger
        self._refusal = OutageLog(logger, "broker_refused", severity="error", each_reason=True)
        self._failure = OutageLog(logger, "broker_unreachable", severity="error", each_reason=True)

    def __call__(self, event: Event) -> None:
        """Log `event` of the session; ignores deliveries and PUBACKs."""
        if isinstance(event, Connected):
            self._refusal.back()
            self._failure.back()
            self._logger.info("broker_connected")
        elif isinstance(event, Disconnected):
            self._logger.warning("broker_lost", reason=event.reason)
        elif isinstance(event, ConnectionRefused):
            self._refusal.lost(event.reason)
        elif isinstance(event, ConnectionFailed):
            self._failure.lost(event.reason)
