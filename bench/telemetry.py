"""Telemetry of a district to measure with: 1,900 gateways of 30 devices, 16 points a reading."""

import random
from typing import Final

from wire.encode import encode_telemetry
from wire.messages import Reading, Telemetry
from wire.points import POINTS
from wire.topics import GatewayPath, gateway_topic

POINTS_PER_READING: Final = 16
DEVICES_PER_GATEWAY: Final = 30
GATEWAYS: Final = 1_900
INTERVAL_MS: Final = 30_000

Message = tuple[str, bytes]
"""Topic and payload."""


def messages(each: int, start: int, gateways: int = GATEWAYS) -> list[Message]:
    """Return `each` messages of every gateway, 30 s apart, from `start` (UTC ms), in turn.

    The same arguments give the same messages.
    """
    chance = random.Random(1)
    return [
        _message(seq, gateway, start, chance)
        for seq in range(1, each + 1)
        for gateway in range(gateways)
    ]


def _message(seq: int, gateway: int, start: int, chance: random.Random) -> Message:
    path = GatewayPath("mentougou", "zhaitang", f"v-{gateway // 5}", f"gw-{gateway}")
    sent_at = start + INTERVAL_MS * seq
    names = list(POINTS)[:POINTS_PER_READING]
    readings = [
        Reading(
            f"d-{gateway}-{number}",
            sent_at + number,
            "heating",
            [],
            {
                name: round(chance.uniform(max(0, POINTS[name].low), min(60, POINTS[name].high)), 1)
                for name in names
            },
            [],
        )
        for number in range(DEVICES_PER_GATEWAY)
    ]
    payload = encode_telemetry(Telemetry(1, "e1", seq, sent_at, 30, readings))
    return gateway_topic("telemetry", path), payload
