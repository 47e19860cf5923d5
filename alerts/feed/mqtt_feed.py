"""The alert feed on MQTT (contract §2): active alerts retained, cleared ones sent and removed."""

from collections.abc import Callable, Iterable
from typing import Any

from alerts.feed.channel import Retry, Sent
from messaging.session import MqttSession
from wire.encode import encode_alert
from wire.messages import Alert
from wire.topics import alert_topic


class MqttFeed:
    """Publishes alerts; the broker confirms each message by its id."""

    def __init__(
        self, bus: MqttSession, root: str, is_active_again: Callable[[Alert], bool]
    ) -> None:
        """`is_active_again` answers whether a later alert holds the topic of a cleared one."""
        self._bus, self._root = bus, root
        self._is_active_again = is_active_again

    def send(self, payload: dict[str, Any]) -> Sent | Retry:
        """Publish an alert, given as its document; never waits for the broker."""
        if not self._bus.connected:
            return Retry("not_connected")
        alert = _alert(payload)
        topic = alert_topic(alert, self._root)
        message = self._bus.publish(topic, encode_alert(alert), retain=alert.state == "active")
        if alert.state == "active" or self._is_active_again(alert):
            return Sent((message,))
        return Sent((message, self._bus.publish(topic, b"", retain=True)))

    def repeat(self, alerts: Iterable[Alert]) -> None:
        """Publish active alerts again: a broker that was away may have lost its retained ones."""
        for alert in alerts:
            self._bus.publish(alert_topic(alert, self._root), encode_alert(alert), retain=True)


def _alert(document: dict[str, Any]) -> Alert:
    fields = {name: value for name, value in document.items() if name != "v"}
    return Alert(**fields)
