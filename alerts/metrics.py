"""What the alert service counts (served at `/metrics`)."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from messaging.rejections import REJECTED

SERVICE: Final = "alerts"

READINGS: Final = Counter("hearthwatch_alerts_readings", "Readings given to the rules")
TRANSITIONS: Final = Counter(
    "hearthwatch_alerts_transitions", "Alert changes that took effect", ["rule", "edge"]
)
ESCALATIONS: Final = Counter(
    "hearthwatch_alerts_escalations", "Ticket deadlines that passed", ["stage"]
)
PUBLISHED: Final = Counter("hearthwatch_alerts_published", "Alert changes confirmed by the broker")
CORRECTED: Final = Counter(
    "hearthwatch_alerts_feed_corrected",
    "Retained alerts at the broker that were removed, not being active, or repeated",
    ["how"],
)
COMMIT_SECONDS: Final = Histogram(
    "hearthwatch_alerts_commit_seconds", "Time of one transaction of the ticket database"
)
CONNECTED: Final = Gauge(
    "hearthwatch_alerts_connected", "1 while the broker has us", multiprocess_mode="livemin"
)
DATABASE_UP: Final = Gauge(
    "hearthwatch_alerts_database_up", "1 while tickets are stored", multiprocess_mode="livemin"
)
LATE: Final = Gauge(
    "hearthwatch_alerts_late_readings",
    "Readings older than their device's newest",
    multiprocess_mode="livesum",
)


def reject(code: str, count: int = 1) -> None:
    """Count `count` inputs rejected with `code`."""
    REJECTED.labels(SERVICE, code).inc(count)
