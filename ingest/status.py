"""The receipts of each gateway, as `hearthwatch ingest status` shows them. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ingest.reception.device_registry import Remembered
from ingest.reception.tally import BAD_POINT, REJECTED, Tallies, after_prefix
from wire.intervals import Intervals
from wire.topics import GatewayPath

_SHOWN: Final = {
    "messages": "messages",
    "readings": "readings",
    "redelivered": "redelivered",
    "resent": "resent",
    "stale_epochs": "stale_epoch",
    "lost": "lost",
}
"""The key in a document, and the name of the count."""


@dataclass(frozen=True, slots=True)
class EpochStatus:
    """One epoch of a gateway: its watermark `upto`, and the gaps above it as `(first, last)`."""

    epoch: str
    current: bool
    upto: int
    gaps: tuple[tuple[int, int], ...]

    @property
    def missing(self) -> int:
        """Return how many numbers below the highest received are missing."""
        return sum(last - first + 1 for first, last in self.gaps)

    def to_document(self) -> dict[str, Any]:
        """Return the epoch as a JSON object."""
        return {
            "epoch": self.epoch,
            "current": self.current,
            "upto": self.upto,
            "missing": self.missing,
            "gaps": list(self.gaps),
        }


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """One gateway; `gateway` is None for all messages whose topic names none.

    `heard` is the server time of its last message (UTC ms); the names in `counts` are those of
    `tally.Count`. `held` counts the readings that wait for the owner of their device.
    """

    gateway: GatewayPath | None
    heard: int | None
    epochs: list[EpochStatus] = field(default_factory=list)
    counts: Mapping[str, int] = field(default_factory=Counter)
    held: int = 0

    @property
    def name(self) -> str:
        """Return `district/town/village/gateway`, or `?`."""
        return str(self.gateway) if self.gateway is not None else "?"

    @property
    def missing(self) -> int:
        """Return the missing numbers of all epochs."""
        return sum(epoch.missing for epoch in self.epochs)

    def to_document(self) -> dict[str, Any]:
        """Return the gateway as a JSON object."""
        return {
            "gateway": self.name,
            "heard": self.heard,
            "epochs": [epoch.to_document() for epoch in self.epochs],
            "held": self.held,
            **counts_document(self.counts),
        }


def gateway_statuses(remembered: Remembered, tallies: Tallies) -> list[GatewayStatus]:
    """Return every gateway that was ever heard, in order of its name."""
    epochs: dict[GatewayPath | None, list[EpochStatus]] = {}
    for gateway, status in _epoch_statuses(remembered):
        epochs.setdefault(gateway, []).append(status)
    held: Counter[GatewayPath | None] = Counter()
    for holding, count in remembered.waiting.items():
        held[holding.gateway] += count
    statuses = [
        GatewayStatus(
            gateway,
            tallies.heard.get(gateway),
            epochs.get(gateway, []),
            tallies.counts.get(gateway, Counter()),
            held[gateway],
        )
        for gateway in {*epochs, *remembered.current, *tallies.heard}
    ]
    return sorted(statuses, key=lambda status: status.name)


def _epoch_statuses(remembered: Remembered) -> Iterator[tuple[GatewayPath, EpochStatus]]:
    in_order = sorted(remembered.received.items(), key=lambda entry: entry[0][1])
    for (gateway, epoch), pairs in in_order:
        received = Intervals(pairs)
        current = remembered.current.get(gateway) == epoch
        yield gateway, EpochStatus(epoch, current, received.upto(), received.gaps())


def status_document(gateways: list[GatewayStatus], tallies: Tallies) -> dict[str, Any]:
    """Return all gateways as one JSON object, with the totals."""
    missing = sum(gateway.missing for gateway in gateways)
    held = sum(gateway.held for gateway in gateways)
    return {
        "gateways": [gateway.to_document() for gateway in gateways],
        "totals": {"missing": missing, "held": held, **counts_document(tallies.total())},
    }


def counts_document(counts: Mapping[str, int]) -> dict[str, Any]:
    """Return the counts of one gateway, or of all, in the order of display."""
    return {
        **{key: counts.get(name, 0) for key, name in _SHOWN.items()},
        "rejected": after_prefix(counts, REJECTED),
        "bad_points": after_prefix(counts, BAD_POINT),
    }
