"""Counts by gateway, which the receipts commit with the batch that they count. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from ingest.reception.claim import GONE, Gone
from ingest.reception.dead_letter import DeadLetter
from ingest.store.model import RefusedReading
from wire.topics import GatewayPath

REJECTED: Final = "rejected:"
"""The prefix of the count of a dead-letter code."""
BAD_POINT: Final = "point:"
"""The prefix of the count of a reason that moved a point to `bad`."""

Count = Literal["messages", "readings", "redelivered", "resent", "stale_epoch", "lost", "held"]
"""The names of counts, beside those with the prefix REJECTED or BAD_POINT.

- `messages`: acknowledged to the broker. `readings`: stored.
- `redelivered`, `resent`: messages received before, repeated by the broker or by the gateway.
- `stale_epoch`: messages of a former journal. `lost`: numbers that gateways report as dropped, or
  that were acknowledged and that the store does not hold.
- `held`: readings that wait for the owner of their device to be decided, then or later.
"""


@dataclass(slots=True)
class Tallies:
    """Counts by gateway, and the server time of its last message (UTC ms).

    The key None counts the messages whose topic names no gateway.
    """

    counts: dict[GatewayPath | None, Counter[str]] = field(default_factory=dict)
    heard: dict[GatewayPath | None, int] = field(default_factory=dict)

    def add(
        self,
        gateway: GatewayPath | None,
        now: int,
        readings: int,
        letters: Iterable[DeadLetter],
        others: Mapping[str, int],
    ) -> None:
        """Count one message, received at `now`: its good readings, dead letters, and `others`."""
        counts = self.counts.get(gateway)
        if counts is None:
            counts = self.counts[gateway] = Counter()
        counts["messages"] += 1
        counts["readings"] += readings
        for letter in letters:
            counts[REJECTED + letter.code] += 1
        if others:
            counts.update(others)
        self.heard[gateway] = now

    def count(self, gateway: GatewayPath, counts: Mapping[str, int]) -> None:
        """Count what no message brings now."""
        self.counts.setdefault(gateway, Counter()).update(counts)

    def after(self, refused: Iterable[RefusedReading], missing: Iterable[Gone] = ()) -> "Tallies":
        """Return these counts with `refused` readings counted as rejected instead of stored.

        Messages that are `missing` from the store count as lost.
        """
        counts = dict(self.counts)
        for refusal in refused:
            gateway = refusal.stored.gateway
            counts[gateway] = Counter(counts.get(gateway, ()))
            counts[gateway].update({"readings": -1, REJECTED + refusal.code: 1})
        for gone in missing:
            gateway = gone.claim.gateway
            counts[gateway] = Counter(counts.get(gateway, ()))
            counts[gateway].update({"lost": gone.messages, REJECTED + GONE: 1})
        return Tallies(counts, self.heard)

    def total(self) -> Counter[str]:
        """Return the sums over all gateways."""
        total: Counter[str] = Counter()
        for counts in self.counts.values():
            total.update(counts)
        return total


def after_prefix(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    """Return the counts whose names begin with `prefix`, by the rest of the name."""
    return {
        name.removeprefix(prefix): count
        for name, count in counts.items()
        if name.startswith(prefix)
    }
