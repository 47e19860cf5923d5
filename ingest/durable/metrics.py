"""Prometheus metrics of ingest; names and codes as in reliability §3.

They begin at zero with the process. The counts by gateway, which outlive it, are in the receipts.
"""

from collections import Counter
from typing import Final

import prometheus_client as prometheus

from ingest.reception.tally import BAD_POINT, REJECTED, after_prefix
from messaging import rejections

STORED: Final = prometheus.Counter(
    "hearthwatch_ingest_readings_stored", "Readings the store has taken."
)
MESSAGES: Final = prometheus.Counter(
    "hearthwatch_ingest_messages", "Messages acknowledged to the broker."
)
DUPLICATES: Final = prometheus.Counter(
    "hearthwatch_ingest_duplicates", "Messages received more than once and stored once."
)
RESENT: Final = prometheus.Counter(
    "hearthwatch_ingest_resent", "Of the duplicates, those that the gateway itself sent again."
)
STALE_EPOCHS: Final = prometheus.Counter(
    "hearthwatch_ingest_stale_epochs", "Messages from a gateway's former journal."
)
LOST: Final = prometheus.Counter(
    "hearthwatch_ingest_lost_messages", "Message numbers that gateways report as dropped."
)
HELD: Final = prometheus.Counter(
    "hearthwatch_ingest_held_readings",
    "Readings that wait, then or later, for the owner of their device to be decided.",
)
MISSING: Final = prometheus.Gauge(
    "hearthwatch_ingest_missing_messages",
    "Message numbers not received yet.",
    multiprocess_mode="livesum",
)
STORE_UP: Final = prometheus.Gauge(
    "hearthwatch_ingest_store_up",
    "Whether the last write to the store worked.",
    multiprocess_mode="livemin",
)
BATCH_SECONDS: Final = prometheus.Histogram(
    "hearthwatch_ingest_batch_seconds", "From a batch's hand-over to its PUBACKs."
)


def count(total: Counter[str], missing: int) -> None:
    """Add the counts of a committed batch; `missing` numbers are missing after it."""
    STORED.inc(total["readings"])
    MESSAGES.inc(total["messages"])
    DUPLICATES.inc(total["redelivered"] + total["resent"])
    RESENT.inc(total["resent"])
    STALE_EPOCHS.inc(total["stale_epoch"])
    LOST.inc(total["lost"])
    HELD.inc(total["held"])
    MISSING.set(missing)
    for code, number in after_prefix(total, REJECTED).items():
        rejections.REJECTED.labels("ingest", code).inc(number)
    for reason, number in after_prefix(total, BAD_POINT).items():
        rejections.REJECTED.labels("ingest", f"payload_invalid:{reason}").inc(number)
