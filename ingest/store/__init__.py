"""The reading store (contract §5): SQLite, or InfluxDB and databases with its protocol.

`model` defines the store, `sqlite` and `influx` implement it. `columns` is for readers of whole
seasons, `hours` for hourly aggregates, `trial` for `server check`.
"""

from datetime import tzinfo
from pathlib import Path

from ingest.store.giving_up import NobodyWaits, asked_by
from ingest.store.hours import hour_of, long_summaries
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
from wire.local_days import BEIJING_OFFSET_MS, offset_of

__all__ = [
    "Area",
    "NobodyWaits",
    "PointSummary",
    "Prepared",
    "ReadingStore",
    "RefusedReading",
    "Series",
    "StoreSettings",
    "StoreUnavailable",
    "StoredReading",
    "asked_by",
    "long_summaries",
    "open_store",
]


def open_store(settings: StoreSettings, zone: tzinfo | None = None) -> ReadingStore:
    """Open the store that `settings.url` names; an InfluxDB is first contacted by a first call.

    Its days are those of `zone`, by default Beijing's. Raises ConfigurationError if a file cannot
    be used.
    """
    offset_ms = BEIJING_OFFSET_MS if zone is None else hour_of(offset_of(zone))
    # Only the database in use loads its library: influxdb-client alone takes half a second.
    target = settings.target
    if isinstance(target, Path):
        from ingest.store.sqlite.store import SqliteStore

        return SqliteStore(target, settings.kept, offset_ms)
    from ingest.store.influx.http import InfluxConnection
    from ingest.store.influx.store import InfluxStore

    return InfluxStore(InfluxConnection(target, settings.token_file), settings.kept, offset_ms)
