"""What ingest has received from each gateway, as `hearthwatch ingest status` shows it. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.reception.device_registry import Remembered
from ingest.reception.tally import BAD_POINT, REJECTED, Tallies, after_prefix
from wire.intervals import Intervals
from wire.topics import GatewayPath


@dataclass(frozen=True, slots=True)
class EpochStatus:
    """One numbering of a gateway: its watermark, and the gaps above it as `(first, last)`."""

    epoch: str
    current: bool
    upto: int
    gaps: tuple[tuple[int, int], ...]

    @property
    def missing(self) -> int:
        """How many message numbers have not been received although a higher one has."""
        return sum(last - first + 1 for first, last in self.gaps)


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """One gateway; `gateway` is None for all messages whose topic names no gateway. `heard` is server
    time, UTC ms."""

    gateway: GatewayPath | None
    heard: int | None
    epochs: list[EpochStatus] = field(default_factory=list)
    counts: Mapping[str, int] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        """`district/town/village/gateway`, or `?`."""
        gateway = self.gateway
        return (
            f"{gateway.district}/{gateway.town}/{gateway.village}/{gateway.gateway}"
            if gateway is not None
            else "?"
        )

    @property
    def missing(self) -> int:
        """Missing message numbers of all epochs."""
        return sum(epoch.missing for epoch in self.epochs)

    def to_document(self) -> dict[str, Any]:
        """As one JSON object."""
        epochs = [
            {
                "epoch": e.epoch,
                "current": e.current,
                "upto": e.upto,
                "missing": e.missing,
                "gaps": list(e.gaps),
            }
            for e in self.epochs
        ]
        return {
            "gateway": self.name,
            "heard": self.heard,
            "epochs": epochs,
            **counts_document(self.counts),
        }


def gateway_statuses(remembered: Remembered, tallies: Tallies) -> list[GatewayStatus]:
    """Every gateway that was ever heard, in order of its name."""
    epochs: dict[GatewayPath | None, list[EpochStatus]] = {}
    for (gateway, epoch), pairs in sorted(remembered.received.items(), key=lambda item: item[0][1]):
        received = Intervals(pairs)
        current = remembered.current.get(gateway) == epoch
        epochs.setdefault(gateway, []).append(
            EpochStatus(epoch, current, received.upto(), received.gaps())
        )
    gateways = {*epochs, *remembered.current, *tallies.heard}
    found = [
        GatewayStatus(
            gateway,
            tallies.heard.get(gateway),
            epochs.get(gateway, []),
            tallies.counts.get(gateway, Counter()),
        )
        for gateway in gateways
    ]
    return sorted(found, key=lambda one: one.name)


def status_document(gateways: list[GatewayStatus], tallies: Tallies) -> dict[str, Any]:
    """The whole of it as one JSON object, with the totals over all gateways."""
    totals = {"missing": sum(one.missing for one in gateways), **counts_document(tallies.total())}
    return {"gateways": [one.to_document() for one in gateways], "totals": totals}


def counts_document(counts: Mapping[str, int]) -> dict[str, Any]:
    """The counts of one gateway, or of all, in the order in which they are shown."""
    names = {
        "messages": "messages",
        "readings": "readings",
        "redelivered": "redelivered",
        "resent": "resent",
        "stale_epochs": "stale_epoch",
        "lost": "lost",
    }
    return {
        **{shown: counts.get(name, 0) for shown, name in names.items()},
        "rejected": after_prefix(counts, REJECTED),
        "bad_points": after_prefix(counts, BAD_POINT),
    }
