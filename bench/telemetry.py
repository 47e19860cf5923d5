"""Telemetry to measure with: 50 gateways of 30 devices, 16 points a reading, by seed."""

import random
from typing import Final

from wire.encode import encode_telemetry
from wire.messages import Reading, Telemetry
from wire.points import POINTS
from wire.topics import GatewayPath, gateway_topic

POINTS_PER_READING: Final = 16
DEVICES_PER_GATEWAY: Final = 30
_GATEWAYS: Final = 50

Message = tuple[str, bytes]
"""Topic and payload."""


def messages(count: int, start: int, seed: int = 1) -> list[Message]:
    """Return `count` messages of the gateways in turn, 30 s apart, from `start` (UTC ms)."""
    chance = random.Random(seed)
    return [
        _message(number // _GATEWAYS + 1, number % _GATEWAYS, start, chance)
        for number in range(count)
    ]


def _message(seq: int, gateway: int, start: int, chance: random.Random) -> Message:
    path = GatewayPath("mentougou", "zhaitang", f"v-{gateway // 5}", f"gw-{gateway}")
    sent_at = start + 30_000 * seq
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
