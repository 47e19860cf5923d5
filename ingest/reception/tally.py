"""What has come of every gateway's messages: counts that go into the receipts with the batch they
count. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from ingest.reception.dead_letter import DeadLetter
from ingest.store.model import RefusedReading
from wire.topics import GatewayPath

REJECTED: Final = "rejected:"
"""Before the code of a dead letter."""
BAD_POINT: Final = "point:"
"""Before the reason why a point was moved to `bad`."""

Count = Literal["messages", "readings", "redelivered", "resent", "stale_epoch", "lost"]
"""`messages` acknowledged to the broker; `readings` stored; messages received before and
`redelivered` by the broker or `resent` by the gateway; messages of a `stale_epoch`; message numbers
reported dropped (`lost`). Beside these a count may be named REJECTED or BAD_POINT and what
follows."""


@dataclass(slots=True)
class Tallies:
    """Counts by gateway, and when each was last heard (server time, UTC ms).

    None stands for all messages whose topic names no gateway.
    """

    counts: dict[GatewayPath | None, Counter[str]] = field(default_factory=dict)
    heard: dict[GatewayPath | None, int] = field(default_factory=dict)

    def add(
        self,
        place: GatewayPath | None,
        now: int,
        readings: int,
        letters: Iterable[DeadLetter],
        others: Mapping[str, int],
    ) -> None:
        """Count one message received at `now`, with its good readings, its dead letters and what
        else it tells."""
        counts = self.counts.get(place)
        if counts is None:
            counts = self.counts[place] = Counter()
        counts["messages"] += 1
        counts["readings"] += readings
        for letter in letters:
            counts[REJECTED + letter.code] += 1
        if others:
            counts.update(others)
        self.heard[place] = now

    def after(self, refused: Iterable[RefusedReading]) -> "Tallies":
        """The same where the store has refused some of the readings for good."""
        counts = dict(self.counts)
        for one in refused:
            change = Counter({"readings": -1, REJECTED + one.code: 1})
            counts[one.stored.gateway] = Counter(counts.get(one.stored.gateway, ()))
            counts[one.stored.gateway].update(change)
        return Tallies(counts, self.heard)

    def total(self) -> Counter[str]:
        """All gateways together."""
        total: Counter[str] = Counter()
        for counts in self.counts.values():
            total.update(counts)
        return total


def after_prefix(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    """The counts whose names begin with `prefix`, without it."""
    return {
        name.removeprefix(prefix): count
        for name, count in counts.items()
        if name.startswith(prefix)
    }
