"""The gateway as receivers know it: its topics, its client id, its birth and its last will."""

from collections.abc import Sequence
from dataclasses import dataclass

from messaging.session import MqttSession, Will
from messaging.settings import MqttSettings
from wire.encode import encode_status
from wire.messages import AnnouncedDevice, Status
from wire.topics import DEFAULT_ROOT, GatewayPath, GatewayTopic, gateway_topic

OFFLINE = encode_status(Status(online=False))
"""The payload of the last will, and of a clean sign-off (contract §3)."""


@dataclass(frozen=True, slots=True)
class GatewayIdentity:
    """The levels of a gateway in topics, and the contents of its birth message.

    `interval_s` is the time in seconds from one reading of a device to the next, `software` the
    name and version of this program, `root` the first level of every topic.
    """

    gateway_path: GatewayPath
    devices: Sequence[AnnouncedDevice]
    interval_s: float
    software: str
    root: str = DEFAULT_ROOT

    def topic(self, kind: GatewayTopic) -> str:
        """The topic of this gateway for messages of `kind`."""
        return gateway_topic(kind, self.gateway_path, self.root)

    def birth(self, epoch: str, now: int) -> bytes:
        """The payload of the birth message, sent at `now` (UTC ms) with the journal's `epoch`."""
        devices = list(self.devices)
        return encode_status(Status(True, now, epoch, self.software, self.interval_s, devices))

    def session(self, settings: MqttSettings) -> MqttSession:
        """A session on the broker of `settings`, subscribed to watermarks and commands."""
        path = self.gateway_path
        return MqttSession(
            settings,
            f"gateway-{path.district}-{path.town}-{path.village}-{path.gateway}",
            subscriptions=[self.topic("ack"), self.topic("command")],
            will=Will(self.topic("status"), OFFLINE),
            report_published=True,
        )
