"""What ingest counts, for Prometheus; names and codes as in reliability §3.

These begin at zero with the process; what is counted by gateway and outlives it stands in the
receipts (`tally`).
"""

from collections import Counter as Counts
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from ingest.reception.tally import BAD_POINT, REJECTED, after_prefix
from messaging.rejections import REJECTED as REJECTIONS

STORED: Final = Counter("hearthwatch_ingest_readings_stored", "Readings the store has taken.")
MESSAGES: Final = Counter("hearthwatch_ingest_messages", "Messages acknowledged to the broker.")
DUPLICATES: Final = Counter(
    "hearthwatch_ingest_duplicates", "Messages received more than once and stored once."
)
RESENT: Final = Counter(
    "hearthwatch_ingest_resent", "Of the duplicates, those that the gateway itself sent again."
)
STALE_EPOCHS: Final = Counter(
    "hearthwatch_ingest_stale_epochs", "Messages from a gateway's former journal."
)
LOST: Final = Counter(
    "hearthwatch_ingest_lost_messages", "Message numbers that gateways report as dropped."
)
MISSING: Final = Gauge(
    "hearthwatch_ingest_missing_messages",
    "Message numbers not received yet.",
    multiprocess_mode="livesum",
)
STORE_UP: Final = Gauge(
    "hearthwatch_ingest_store_up",
    "Whether the last write to the store worked.",
    multiprocess_mode="livemin",
)
BATCH_SECONDS: Final = Histogram(
    "hearthwatch_ingest_batch_seconds", "From a batch's hand-over to its PUBACKs."
)


def count(total: Counts[str], missing: int) -> None:
    """Add the counts of a batch that was committed; `missing` is how many numbers are missing after
    it."""
    STORED.inc(total["readings"])
    MESSAGES.inc(total["messages"])
    DUPLICATES.inc(total["redelivered"] + total["resent"])
    RESENT.inc(total["resent"])
    STALE_EPOCHS.inc(total["stale_epoch"])
    LOST.inc(total["lost"])
    MISSING.set(missing)
    for code, number in after_prefix(total, REJECTED).items():
        REJECTIONS.labels("ingest", code).inc(number)
    for reason, number in after_prefix(total, BAD_POINT).items():
        REJECTIONS.labels("ingest", f"payload_invalid:{reason}").inc(number)
