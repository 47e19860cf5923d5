"""The watermarks of gateways on their way to them (design §4.2)."""

from collections.abc import Iterable

import structlog

from messaging.session import Connected, ConnectionRefused, Event, MqttSession
from messaging.settings import MqttSettings
from wire.encode import encode_ack
from wire.messages import Ack
from wire.topics import GatewayPath, gateway_topic

_log = structlog.get_logger()


class Watermarks:
    """Publishes watermarks over a connection of its own.

    On the one that brings telemetry, the broker's answers to what we publish stand behind all that
    waits to be read: watermarks would pile up here until it has been.
    """

    def __init__(self, mqtt: MqttSettings, client_id: str) -> None:
        """`client_id` is that of the session that brings telemetry; nothing is sent before
        `start`."""
        self._session = MqttSession(mqtt, f"{client_id}-watermarks", persistent=False)
        self._root = mqtt.root
        self._refusal: str | None = None

    def start(self) -> None:
        """Connect in the background and stay connected until `stop`."""
        self._session.start()

    def stop(self) -> None:
        """Disconnect."""
        self._session.stop()

    def tell(self, answers: Iterable[tuple[GatewayPath, Ack]]) -> None:
        """Publish the watermark of each gateway; one that is lost is told again when the gateway
        sends again."""
        for place, ack in answers:
            self._session.publish(gateway_topic("ack", place, self._root), encode_ack(ack))
        while not self._session.events.empty():
            self._notice(self._session.events.get())

    def _notice(self, event: Event) -> None:
        """Log once that the broker will not have this connection; all else the one that brings
        telemetry tells."""
        if isinstance(event, Connected):
            self._refusal = None
        elif isinstance(event, ConnectionRefused) and event.reason != self._refusal:
            self._refusal = event.reason
            _log.error(
                "watermarks_refused",
                reason=event.reason,
                advice="let ingest in with both its client ids",
            )
