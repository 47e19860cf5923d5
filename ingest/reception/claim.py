"""A gateway's claim that messages were acknowledged which these receipts do not know. Pure."""

from dataclasses import dataclass
from typing import Final

from ingest.reception.dead_letter import DeadLetter
from wire.messages import Telemetry
from wire.topics import DEFAULT_ROOT, GatewayPath, gateway_topic

_WITNESSES: Final = 3


@dataclass(frozen=True, slots=True)
class Claim:
    """Messages `first`..`last` of `epoch` that the gateway has forgotten, because it was told to.

    `devices` are polled by the gateway; `before` is the time of a later reading of theirs (UTC ms).
    """

    gateway: GatewayPath
    epoch: str
    first: int
    last: int
    devices: tuple[str, ...]
    before: int


def claim_of(gateway: GatewayPath, telemetry: Telemetry, known: int) -> Claim | None:
    """Return what `telemetry` claims beyond `known`, the watermark of the receipts.

    A message without readings has no witness: None.
    """
    if not telemetry.readings:
        return None
    return Claim(
        gateway,
        telemetry.epoch,
        known + 1,
        telemetry.acked,
        tuple(reading.device for reading in telemetry.readings[:_WITNESSES]),
        telemetry.readings[0].at,
    )


@dataclass(frozen=True, slots=True)
class Gone:
    """Messages `first`..`last` that were acknowledged and that the store does not hold."""

    claim: Claim
    first: int

    @property
    def messages(self) -> int:
        """How many messages are gone."""
        return self.claim.last - self.first + 1

    def letter(self, now: int, root: str = DEFAULT_ROOT) -> DeadLetter:
        """Return the report, a dead letter of server time `now` (UTC ms)."""
        claim = self.claim
        return DeadLetter(
            now,
            GONE,
            gateway_topic("telemetry", claim.gateway, root),
            claim.gateway.gateway,
            claim.epoch,
            reading={"first": self.first, "last": claim.last},
        )


GONE: Final = "not_in_store"
"""The code of acknowledged messages that the store does not hold (reliability §3)."""
