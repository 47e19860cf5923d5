"""The reading store: SQLite, or InfluxDB and what speaks like it (contract §5)."""

from pathlib import Path

from ingest.store.hours import long_summaries
from ingest.store.model import (
    Area,
    PointSummary,
    Prepared,
    ReadingStore,
    RefusedReading,
    Series,
    StoredReading,
    StoreUnavailable,
)
from ingest.store.settings import StoreSettings

__all__ = [
    "Area",
    "PointSummary",
    "Prepared",
    "ReadingStore",
    "RefusedReading",
    "Series",
    "StoreSettings",
    "StoreUnavailable",
    "StoredReading",
    "long_summaries",
    "open_store",
]


def open_store(settings: StoreSettings) -> ReadingStore:
    """The store that `settings.url` names.

    Raises ConfigurationError for a file that cannot be used. An InfluxDB is not contacted before
    the first call.
    """
    # Each database's library is loaded only where it is used: influxdb-client alone takes half a
    # second.
    target = settings.target
    if isinstance(target, Path):
        from ingest.store.sqlite.store import SqliteStore

        return SqliteStore(target, settings.kept)
    from ingest.store.influx.http import InfluxConnection
    from ingest.store.influx.store import InfluxStore

    return InfluxStore(InfluxConnection(target, settings.token_file), settings.kept)
