"""The counter of rejected input that all services share (reliability §3). Not for the edge."""

from typing import Final

from prometheus_client import Counter

REJECTED: Final = Counter(
    "hearthwatch_rejected", "Rejected input by stable code", ["service", "code"]
)
