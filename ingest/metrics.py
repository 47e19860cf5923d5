"""What ingest counts, for Prometheus; names and codes as in RELIABILITY §3."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

STORED: Final = Counter("hearthwatch_ingest_readings_stored", "Readings the store has taken.")
MESSAGES: Final = Counter("hearthwatch_ingest_messages", "Messages acknowledged to the broker.")
DUPLICATES: Final = Counter("hearthwatch_ingest_duplicates", "Messages received more than once and stored once.")
STALE_EPOCHS: Final = Counter("hearthwatch_ingest_stale_epochs", "Messages from a gateway's former journal.")
LOST: Final = Counter("hearthwatch_ingest_lost_messages", "Message numbers that gateways report as dropped.")
MISSING: Final = Gauge(
    "hearthwatch_ingest_missing_messages", "Message numbers not received yet.", multiprocess_mode="livesum"
)
STORE_UP: Final = Gauge(
    "hearthwatch_ingest_store_up", "Whether the last write to the store worked.", multiprocess_mode="livemin"
)
BATCH_SECONDS: Final = Histogram("hearthwatch_ingest_batch_seconds", "From a batch's hand-over to its PUBACKs.")
