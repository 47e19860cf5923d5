"""Decisions on boxes on MQTT (contract §2): retained, so that every part learns of them."""

from collections.abc import Iterable
from typing import Any

from alerts.feed.channel import Retry, Sent
from messaging.session import MqttSession
from wire.encode import encode_assignment, encode_retirement
from wire.messages import DeviceAssignment, Retirement
from wire.topics import GatewayPath, assigned_topic, gateway_topic


class BoxFeed:
    """Publishes retired gateways and assigned devices; the broker confirms each message."""

    def __init__(self, bus: MqttSession, root: str) -> None:
        self._bus, self._root = bus, root

    def send(self, payload: dict[str, Any]) -> Sent | Retry:
        """Publish a decision, given as its document; never waits for the broker."""
        if not self._bus.connected:
            return Retry("not_connected")
        return Sent(tuple(self._publish(payload)))

    def repeat(self, decisions: Iterable[dict[str, Any]]) -> None:
        """Publish decisions again: a broker may have lost its retained messages."""
        for decision in decisions:
            self._publish(decision)

    def _publish(self, decision: dict[str, Any]) -> list[int]:
        at = decision["at"]
        if decision["act"] == "assigned":
            district, device = decision["device"]
            topic = assigned_topic(district, device, self._root)
            payload = encode_assignment(DeviceAssignment(at, decision["gateway"]))
            return [self._bus.publish(topic, payload, retain=True)]
        gateway, retired = GatewayPath(*decision["gateway"].split("/")), decision["retired"]
        topic = gateway_topic("retired", gateway, self._root)
        payload = encode_retirement(Retirement(at, retired))
        sent = [self._bus.publish(topic, payload, retain=True)]
        if retired:  # removes the birth that the broker keeps
            birth = gateway_topic("status", gateway, self._root)
            sent.append(self._bus.publish(birth, b"", retain=True))
        return sent
