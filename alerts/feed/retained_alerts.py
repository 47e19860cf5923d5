"""Keeps the retained alerts at the broker equal to the active ones, over a session of its own.

The session reads the alert topics; what has to be corrected goes out by the feed's own connection,
behind whatever that has just sent.
"""

import queue
import time
from collections.abc import Callable, Iterable, Mapping

import structlog

from alerts import metrics
from alerts.feed.retained_set import REMOVED, RetainedSet
from configuration.outage_log import OutageLog
from messaging.session import (
    Connected,
    ConnectionRefused,
    Delivery,
    Disconnected,
    Event,
    MqttSession,
)
from wire.encode import encode_alert
from wire.messages import Alert
from wire.topics import alert_topic

_log = structlog.get_logger()


class RetainedAlerts:
    """Reads what the broker retains by `reader` and corrects it by `bus`."""

    def __init__(
        self,
        reader: MqttSession,
        bus: MqttSession,
        root: str,
        active: Callable[[], Iterable[Alert]],
    ) -> None:
        """`active` gives the alerts that are to be retained, as the database has them now."""
        self._reader, self._bus, self._root, self._active = reader, bus, root, active
        self._set = RetainedSet()
        self._outage = OutageLog(_log, "alert_feed_not_read", "alert_feed_read")

    def sent(self, topic: str) -> None:
        """The feed has just published at `topic`; the broker shows it in a moment."""
        self._set.sent(topic, time.monotonic())

    def turn(self) -> None:
        """Take what came; correct the set once the broker has sent all of it."""
        moment = time.monotonic()
        while (event := self._next()) is not None:
            self._take(event, moment)
        if self._bus.connected and self._set.is_due(moment):
            self._correct(moment)

    def _next(self) -> Event | None:
        try:
            return self._reader.events.get_nowait()
        except queue.Empty:
            return None

    def _take(self, event: Event, moment: float) -> None:
        match event:
            case Delivery():
                self._set.take(event.topic, event.payload, moment, retained=event.retained)
                self._reader.acknowledge(event)
            case Connected():
                self._outage.back()
                self._set.begin(moment)
            case Disconnected():
                self._set.end()
            case ConnectionRefused(reason):
                self._outage.lost(reason)
                self._set.begin(moment, readable=False)

    def _correct(self, moment: float) -> None:
        corrections = self._set.corrections(self._wanted(), moment)
        for topic, payload in corrections:
            self._bus.publish(topic, payload, retain=True)
        if corrections:
            removed = sum(payload == REMOVED for _, payload in corrections)
            metrics.CORRECTED.labels("removed").inc(removed)
            metrics.CORRECTED.labels("repeated").inc(len(corrections) - removed)
            repeated = len(corrections) - removed
            _log.info("alert_feed_corrected", removed=removed, repeated=repeated)

    def _wanted(self) -> Mapping[str, bytes]:
        return {alert_topic(alert, self._root): encode_alert(alert) for alert in self._active()}
