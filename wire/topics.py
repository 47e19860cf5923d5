"""MQTT topics (contract §2): where each message goes and what a topic says about its sender."""

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from wire.identifiers import is_identifier
from wire.messages import Alert

DEFAULT_ROOT: Final = "hw/v1"

GatewayTopic = Literal["telemetry", "status", "ack", "command", "result"]
_GATEWAY_TOPICS: Final[tuple[str, ...]] = get_args(GatewayTopic)


@dataclass(frozen=True, slots=True)
class GatewayPath:
    """Where a gateway stands. The topic is what says who a gateway is, never its payload."""

    district: str
    town: str
    village: str
    gateway: str


class TopicError(ValueError):
    """A topic that is not one of ours; `code` is `bad_topic` or `bad_identifier` (reliability
    §3)."""

    def __init__(self, code: Literal["bad_topic", "bad_identifier"], topic: str) -> None:
        super().__init__(f"{code}: {topic!r}")
        self.code = code


def gateway_topic(kind: GatewayTopic, gateway: GatewayPath, root: str = DEFAULT_ROOT) -> str:
    """The topic of one kind of message of the gateway at `gateway`."""
    return f"{root}/{kind}/{gateway.district}/{gateway.town}/{gateway.village}/{gateway.gateway}"


def every_gateway(kind: GatewayTopic, root: str = DEFAULT_ROOT) -> str:
    """The subscription filter for one kind of message from all gateways."""
    return f"{root}/{kind}/+/+/+/+"


def parse_gateway_topic(topic: str, root: str = DEFAULT_ROOT) -> tuple[str, GatewayPath]:
    """The kind of message and the sender's gateway; raises TopicError."""
    prefix = f"{root}/"
    levels = topic.removeprefix(prefix).split("/")
    if not topic.startswith(prefix) or len(levels) != 5 or levels[0] not in _GATEWAY_TOPICS:
        raise TopicError("bad_topic", topic)
    if not all(is_identifier(level) for level in levels[1:]):
        raise TopicError("bad_identifier", topic)
    return levels[0], GatewayPath(*levels[1:])


def code_slug(code: str) -> str:
    """An alert's code as a topic level: `high_pressure:P1` becomes `high-pressure-p1`."""
    return re.sub(r"[^a-z0-9]+", "-", code.lower()).strip("-")


def alert_topic(alert: Alert, root: str = DEFAULT_ROOT) -> str:
    """The retained feed topic of an alert; one that has a code gets one level more."""
    base = (
        f"{root}/alert/{alert.district}/{alert.town}/{alert.village}/{alert.subject}/{alert.rule}"
    )
    return f"{base}/{code_slug(alert.code)}" if alert.code is not None else base
