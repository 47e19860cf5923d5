"""The alert feed on MQTT (contract §2): active alerts retained, cleared ones sent and removed."""

from collections.abc import Callable
from typing import Any

from alerts.feed.channel import EffectRefused, Retry, Sent
from messaging.session import MqttSession
from wire.decode import alert_from
from wire.encode import encode_alert
from wire.messages import Alert
from wire.payload import PayloadError
from wire.topics import alert_topic


class MqttFeed:
    """Publishes alerts; the broker confirms each message by its id."""

    def __init__(
        self,
        bus: MqttSession,
        root: str,
        is_active_again: Callable[[Alert], bool],
        sent: Callable[[str], None],
    ) -> None:
        """`is_active_again` answers whether a later alert holds the topic of a cleared one.

        `sent` is called with each topic that is published.
        """
        self._bus, self._root = bus, root
        self._is_active_again, self._sent = is_active_again, sent

    def send(self, payload: dict[str, Any]) -> Sent | Retry | EffectRefused:
        """Publish an alert, given as its document; never waits for the broker."""
        if not self._bus.connected:
            return Retry("not_connected")
        try:
            alert = alert_from(payload)
        except PayloadError as error:
            return EffectRefused(str(error))
        topic = alert_topic(alert, self._root)
        self._sent(topic)
        message = self._bus.publish(topic, encode_alert(alert), retain=alert.state == "active")
        if alert.state == "active" or self._is_active_again(alert):
            return Sent((message,))
        return Sent((message, self._bus.publish(topic, b"", retain=True)))
