"""Make or verify a bucket of an InfluxDB; each of its three generations has a way of its own.

1.x: CREATE DATABASE in InfluxQL. 2.x: the buckets API; a bucket answers InfluxQL under its name.
3.x: the database API, which sets a retention only for a new database.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from ingest.store.influx.http import InfluxConnection
from wire.durations import format_duration
from wire.units import SECOND_MS

_FOR_EVER: Final = "for ever"
_FOR_EVER_1X: Final = ("0s", "0h0m0s")


def ensure_bucket(connection: InfluxConnection, bucket: str, retention: int | None) -> str:
    """Make a missing `bucket`, set its `retention` (ms; None: keep it), and return the result.

    Raises StoreUnavailable, also if the token lacks the right.
    """
    generation = connection.version().lstrip("v").partition(".")[0]
    ensure = {"1": _ensure_database_1, "3": _ensure_database_3}.get(generation, _ensure_bucket_2)
    return f"bucket {bucket!r} {ensure(connection, bucket, retention)}"


def _ensure_database_1(connection: InfluxConnection, bucket: str, retention: int | None) -> str:
    if bucket not in {row["name"] for row in connection.query("SHOW DATABASES")}:
        duration = "" if retention is None else f" WITH DURATION {format_duration(retention)}"
        connection.execute(f'CREATE DATABASE "{bucket}"{duration}')
        return f"made, readings kept {_text(retention)}"
    (policy,) = [
        row for row in connection.query(f'SHOW RETENTION POLICIES ON "{bucket}"') if row["default"]
    ]
    if retention is None:
        kept = _FOR_EVER if policy["duration"] in _FOR_EVER_1X else policy["duration"]
        return f"found, readings kept {kept}"
    connection.execute(
        f'ALTER RETENTION POLICY "{policy["name"]}" ON "{bucket}" '
        f"DURATION {format_duration(retention)} DEFAULT"
    )
    return f"found, readings kept {_text(retention)}"


def _ensure_bucket_2(connection: InfluxConnection, bucket: str, retention: int | None) -> str:
    organisation = connection.address.organisation
    answer = _get(connection, "/api/v2/buckets", name=bucket, org=organisation)
    buckets = answer.get("buckets", [])
    rules = (
        [] if retention is None else [{"type": "expire", "everySeconds": retention // SECOND_MS}]
    )
    if not buckets:
        (owner,) = _get(connection, "/api/v2/orgs", org=organisation)["orgs"]
        document = {"name": bucket, "orgID": owner["id"], "retentionRules": rules}
        connection.request("POST", "/api/v2/buckets", {}, document)
        return f"made, readings kept {_text(retention)}"
    if retention is None:
        return f"found, readings kept {_text(_retention_2(buckets[0]))}"
    path = f"/api/v2/buckets/{buckets[0]['id']}"
    connection.request("PATCH", path, {}, {"retentionRules": rules})
    return f"found, readings kept {_text(retention)}"


def _retention_2(bucket: Mapping[str, Any]) -> int | None:
    """Return the retention of a bucket of 2.x (ms), None for ever."""
    rules = bucket.get("retentionRules", [])
    return rules[0]["everySeconds"] * SECOND_MS or None if rules else None


def _ensure_database_3(connection: InfluxConnection, bucket: str, retention: int | None) -> str:
    connection.as_bearer()
    path = "/api/v3/configure/database"
    databases = json.loads(connection.request("GET", path, {"format": "json"}))
    if bucket in {database["iox::database"] for database in databases}:
        return "found, readings kept as it was made"
    document = {"db": bucket}
    if retention is not None:
        document["retention_period"] = format_duration(retention)
    connection.request("POST", path, {}, document)
    return f"made, readings kept {_text(retention)}"


def _get(connection: InfluxConnection, path: str, **parameters: str) -> Any:
    return json.loads(connection.request("GET", path, parameters))


def _text(retention: int | None) -> str:
    return _FOR_EVER if retention is None else format_duration(retention)
