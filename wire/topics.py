"""MQTT topics (contract §2): the address of each message, and the sender that a topic names."""

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from wire.identifiers import is_identifier
from wire.messages import Alert

DEFAULT_ROOT: Final = "hw/v1"

GatewayTopic = Literal["telemetry", "status", "ack", "command", "result", "retired"]
_GATEWAY_TOPICS: Final[tuple[str, ...]] = get_args(GatewayTopic)


@dataclass(frozen=True, slots=True)
class GatewayPath:
    """The four levels that identify a gateway. Only the topic identifies it, never the payload."""

    district: str
    town: str
    village: str
    gateway: str

    def __str__(self) -> str:
        """Return `district/town/village/gateway`."""
        return f"{self.district}/{self.town}/{self.village}/{self.gateway}"


def gateway_of(path: str) -> GatewayPath | None:
    """Return the gateway of `district/town/village/gateway`, None for any other text."""
    levels = path.split("/")
    return GatewayPath(*levels) if len(levels) == 4 and all(map(is_identifier, levels)) else None


class TopicError(ValueError):
    """A topic outside the contract; `code` is `bad_topic` or `bad_identifier` (reliability §3)."""

    def __init__(self, code: Literal["bad_topic", "bad_identifier"], topic: str) -> None:
        super().__init__(f"{code}: {topic!r}")
        self.code = code


def gateway_topic(kind: GatewayTopic, gateway: GatewayPath, root: str = DEFAULT_ROOT) -> str:
    """Return the topic of one kind of message of `gateway`."""
    return f"{root}/{kind}/{gateway}"


def every_gateway(kind: GatewayTopic, root: str = DEFAULT_ROOT) -> str:
    """Return the subscription filter for one kind of message from all gateways."""
    return f"{root}/{kind}/+/+/+/+"


def parse_gateway_topic(topic: str, root: str = DEFAULT_ROOT) -> tuple[str, GatewayPath]:
    """Return the kind of message and the gateway that `topic` names; raises TopicError."""
    prefix = f"{root}/"
    levels = topic.removeprefix(prefix).split("/")
    if not topic.startswith(prefix) or len(levels) != 5 or levels[0] not in _GATEWAY_TOPICS:
        raise TopicError("bad_topic", topic)
    if not all(is_identifier(level) for level in levels[1:]):
        raise TopicError("bad_identifier", topic)
    return levels[0], GatewayPath(*levels[1:])


def assigned_topic(district: str, device: str, root: str = DEFAULT_ROOT) -> str:
    """Return the retained topic that names the gateway of `device` (contract §2)."""
    return f"{root}/assigned/{district}/{device}"


def assigned_device(topic: str, root: str = DEFAULT_ROOT) -> str | None:
    """Return the device whose gateway `topic` names, None for any other topic."""
    levels = topic.removeprefix(f"{root}/assigned/").split("/")
    fits = topic.startswith(f"{root}/assigned/") and len(levels) == 2
    return levels[1] if fits and all(map(is_identifier, levels)) else None


def code_slug(code: str) -> str:
    """Return an alert's code as a topic level: `high_pressure:P1` becomes `high-pressure-p1`."""
    return re.sub(r"[^a-z0-9]+", "-", code.lower()).strip("-")


def alert_topic(alert: Alert, root: str = DEFAULT_ROOT) -> str:
    """Return the retained feed topic of an alert; its code, if any, is one more level."""
    base = (
        f"{root}/alert/{alert.district}/{alert.town}/{alert.village}/{alert.subject}/{alert.rule}"
    )
    return f"{base}/{code_slug(alert.code)}" if alert.code is not None else base
