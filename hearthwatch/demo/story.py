"""What the demo does to its own gateways, and when; pure.

The scenario holds what happens to heat pumps.
"""

from dataclasses import dataclass
from typing import Final, Literal

from hearthwatch.demo.layout import DemoGateway

# The last will counts after 15 s, so the ticket is on the page well within the first minute.
_GATEWAY_DIES_AFTER_MS: Final = 15_000
_GATEWAY_RETURNS_AFTER_MS: Final = 90_000


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """A gateway loses its power or gets it back, `after_ms` after the demo was ready."""

    after_ms: int
    gateway: DemoGateway
    edge: Literal["down", "up"]


def gateway_truth(
    gateway: DemoGateway, edge: Literal["down", "up", "killed"], at: int, last_will: bool
) -> dict[str, object]:
    """Return the line of ground truth for an event at `gateway` at `at` (UTC ms).

    `killed` is a process that somebody ended and that is being restarted. `last_will` is whether
    the broker was there to publish the gateway's last will.
    """
    document: dict[str, object] = {
        "type": "gateway",
        "gateway": gateway.name,
        "devices": gateway.devices,
    }
    return document | {"edge": edge, "last_will": last_will, "at": at}


def gateway_events(gateways: tuple[DemoGateway, ...]) -> list[GatewayEvent]:
    """Return the events: the last gateway dies as in a power cut, and returns with its journal."""
    victim = gateways[-1]
    return [
        GatewayEvent(_GATEWAY_DIES_AFTER_MS, victim, "down"),
        GatewayEvent(_GATEWAY_RETURNS_AFTER_MS, victim, "up"),
    ]
