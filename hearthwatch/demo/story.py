"""What the demo does to its own gateways, and when; pure. What happens to heat pumps stands in the
scenario."""

from dataclasses import dataclass
from typing import Final, Literal

from hearthwatch.demo.layout import Gateway

# The last will waits 15 s before it counts, so the ticket is on the page well within the first
# minute.
_GATEWAY_DIES_AFTER_MS: Final = 15_000
_GATEWAY_RETURNS_AFTER_MS: Final = 90_000


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """The power of a village box goes or comes back, `after_ms` after the demo was ready."""

    after_ms: int
    gateway: Gateway
    edge: Literal["down", "up"]


def gateway_truth(
    gateway: Gateway, edge: Literal["down", "up", "killed"], at: int, last_will: bool
) -> dict[str, object]:
    """The line of ground truth for what happened to `gateway` at `at` (UTC ms).

    `killed` is a process that somebody ended and that is being started again. `last_will` where the
    broker was there to spread the news of its death.
    """
    document: dict[str, object] = {
        "type": "gateway",
        "gateway": gateway.name,
        "devices": gateway.devices,
    }
    return document | {"edge": edge, "last_will": last_will, "at": at}


def gateway_events(gateways: tuple[Gateway, ...]) -> list[GatewayEvent]:
    """The last gateway dies as in a power cut and comes back later, with its journal."""
    victim = gateways[-1]
    return [
        GatewayEvent(_GATEWAY_DIES_AFTER_MS, victim, "down"),
        GatewayEvent(_GATEWAY_RETURNS_AFTER_MS, victim, "up"),
    ]
