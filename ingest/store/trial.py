"""Check of the reading store for `server check`: write a point and read it back.

The readings are not touched.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from secrets import randbits
from typing import Final

from configuration.check import Check
from ingest.store.model import StoreUnavailable
from ingest.store.settings import InfluxAddress, StoreSettings

_TOKEN_BITS: Final = 62


def try_store(settings: StoreSettings) -> Iterator[Check]:
    """Yield one check after the other, up to the first that fails; makes missing files and buckets.

    Raises ConfigurationError if a file cannot be used.
    """
    target = settings.target
    trials = (
        _of_sqlite(settings, target) if isinstance(target, Path) else _of_influx(settings, target)
    )
    for name, trial in trials:
        try:
            yield Check(name, True, trial())
        except StoreUnavailable as error:
            yield Check(name, False, str(error))
            return


Trials = Iterator[tuple[str, Callable[[], str]]]


def _of_sqlite(settings: StoreSettings, path: Path) -> Trials:
    from ingest.store.sqlite.store import SqliteStore

    with closing(SqliteStore(path, settings.kept)) as store:
        yield "version", lambda: f"SQLite {sqlite3.sqlite_version}"
        yield "file", lambda: f"{path}, {path.stat().st_size / 1e6:.1f} MB"
        yield "write and read", lambda: store.probe(randbits(_TOKEN_BITS))


def _of_influx(settings: StoreSettings, address: InfluxAddress) -> Trials:
    from ingest.store.influx.http import InfluxConnection
    from ingest.store.influx.setup import ensure_bucket

    connection = InfluxConnection(address, settings.token_file)
    buckets = {"bucket": address.bucket, "hourly bucket": address.hourly_bucket}
    kept = {"bucket": settings.retention, "hourly bucket": settings.hourly_retention}
    try:
        yield "version", lambda: f"InfluxDB {connection.version()} at {address.server}"
        for name, bucket in buckets.items():
            yield name, partial(ensure_bucket, connection, bucket, kept[name])
            yield (
                f"{name}: write and read",
                partial(connection.probe, bucket, randbits(_TOKEN_BITS)),
            )
    finally:
        connection.close()
