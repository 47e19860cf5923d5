"""Making the two buckets of an InfluxDB, or verifying them: each of its three generations has a way
of its own.

1.x: CREATE DATABASE in InfluxQL. 2.x: the buckets API; a bucket without a mapping of its own
answers InfluxQL under its name. 3.x: the database API; there a retention is set when a database is
made, and not changed.
"""

import json
from typing import Any, Final

from ingest.store.influx.http import InfluxConnection
from wire.durations import format_duration

_FOR_EVER: Final = "for ever"
_FOR_EVER_1X: Final = ("0s", "0h0m0s")


def ensure_bucket(connection: InfluxConnection, bucket: str, retention: int | None) -> str:
    """Make `bucket` where it is missing and set its `retention` (ms; None: leave it); tells what
    there is now.

    Raises StoreUnavailable, also where the token may not do it.
    """
    generation = connection.version().lstrip("v").partition(".")[0]
    ensure = {"1": _ensure_database_1, "3": _ensure_database_3}.get(generation, _ensure_bucket_2)
    return f"bucket {bucket!r} {ensure(connection, bucket, retention)}"


def _ensure_database_1(connection: InfluxConnection, bucket: str, retention: int | None) -> str:
    if bucket not in {row["name"] for row in connection.query("SHOW DATABASES")}:
        duration = "" if retention is None else f" WITH DURATION {format_duration(retention)}"
        connection.execute(f'CREATE DATABASE "{bucket}"{duration}')
        return f"made, readings kept {_told(retention)}"
    (policy,) = [
        row for row in connection.query(f'SHOW RETENTION POLICIES ON "{bucket}"') if row["default"]
    ]
    if retention is None:
        return f"found, readings kept {_FOR_EVER if policy['duration'] in _FOR_EVER_1X else policy['duration']}"
    connection.execute(
        f'ALTER RETENTION POLICY "{policy["name"]}" ON "{bucket}" DURATION {format_duration(retention)} DEFAULT'
    )
    return f"found, readings kept {_told(retention)}"


def _ensure_bucket_2(connection: InfluxConnection, bucket: str, retention: int | None) -> str:
    organisation = connection.address.organisation
    found = _get(connection, "/api/v2/buckets", name=bucket, org=organisation).get("buckets", [])
    rules = [] if retention is None else [{"type": "expire", "everySeconds": retention // 1000}]
    if not found:
        (owner,) = _get(connection, "/api/v2/orgs", org=organisation)["orgs"]
        document = {"name": bucket, "orgID": owner["id"], "retentionRules": rules}
        connection.request("POST", "/api/v2/buckets", {}, document)
        return f"made, readings kept {_told(retention)}"
    if retention is None:
        seconds = [rule["everySeconds"] for rule in found[0].get("retentionRules", [])]
        return (
            f"found, readings kept {_told(seconds[0] * 1000 if seconds and seconds[0] else None)}"
        )
    connection.request("PATCH", f"/api/v2/buckets/{found[0]['id']}", {}, {"retentionRules": rules})
    return f"found, readings kept {_told(retention)}"


def _ensure_database_3(connection: InfluxConnection, bucket: str, retention: int | None) -> str:
    connection.as_bearer()
    path = "/api/v3/configure/database"
    databases = json.loads(connection.request("GET", path, {"format": "json"}))
    if bucket in {one["iox::database"] for one in databases}:
        return "found, readings kept as it was made"
    document = {"db": bucket} | (
        {} if retention is None else {"retention_period": format_duration(retention)}
    )
    connection.request("POST", path, {}, document)
    return f"made, readings kept {_told(retention)}"


def _get(connection: InfluxConnection, path: str, **parameters: str) -> Any:
    return json.loads(connection.request("GET", path, parameters))


def _told(retention: int | None) -> str:
    return _FOR_EVER if retention is None else format_duration(retention)
