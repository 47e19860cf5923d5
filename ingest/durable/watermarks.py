"""Watermarks on their way to the gateways (design §4.2)."""

from collections.abc import Iterable

import structlog

from configuration.outage_log import OutageLog
from messaging.session import Connected, ConnectionRefused, Event, MqttSession
from messaging.settings import MqttSettings
from wire.encode import encode_ack
from wire.messages import Ack
from wire.topics import GatewayPath, gateway_topic

_log = structlog.get_logger()


class Watermarks:
    """Publishes watermarks over a connection of their own, at QoS 0 (docs/decisions/0020).

    The network thread of the telemetry's connection pauses while too many messages wait for
    validation. Watermarks must not wait for it.
    """

    def __init__(self, mqtt: MqttSettings, client_id: str) -> None:
        """`client_id` is that of the telemetry session; nothing is sent before `start`."""
        self._session = MqttSession(mqtt, f"{client_id}-watermarks", persistent=False)
        self._root = mqtt.root
        self._waiting: dict[GatewayPath, Ack] = {}
        self._refusal = OutageLog(_log, "watermarks_refused", severity="error", each_reason=True)

    def start(self) -> None:
        """Connect in the background and stay connected until `stop`."""
        self._session.start()

    def stop(self) -> None:
        """Disconnect."""
        self._session.stop()

    def publish(self, answers: Iterable[tuple[GatewayPath, Ack]]) -> None:
        """Publish the watermark of each gateway.

        While the broker is away the newest one of each gateway waits for the next call. One that is
        lost on the way is published again when the gateway sends its messages again.
        """
        while not self._session.events.empty():
            self._notice(self._session.events.get())
        self._waiting.update(answers)
        if not self._session.connected:
            return
        for gateway, ack in self._waiting.items():
            topic = gateway_topic("ack", gateway, self._root)
            self._session.publish(topic, encode_ack(ack), qos=0)
        self._waiting.clear()

    def _notice(self, event: Event) -> None:
        """Log a refusal of this connection; the telemetry session logs all other events."""
        if isinstance(event, Connected):
            self._refusal.back()
        elif isinstance(event, ConnectionRefused):
            self._refusal.lost(event.reason, advice="let ingest in with both its client ids")
