"""Make or verify a bucket of an InfluxDB; each of its three generations has a way of its own.

1.x: CREATE DATABASE in InfluxQL. 2.x: the buckets API; a bucket answers InfluxQL under its name.
3.x: the database API, which sets a retention only for a new database.

1.x and 2.x refuse a retention shorter than the bucket's shards. So the length of a shard, which the
servers choose for a new bucket, is set together with the retention.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from ingest.store.influx.http import InfluxConnection
from ingest.store.influx.refusals import RequestRefused
from wire.durations import format_duration
from wire.units import DAY_MS, HOUR_MS, SECOND_MS

_FOR_EVER: Final = "for ever"
_FOR_EVER_1X: Final = ("0s", "0h0m0s")


def ensure_bucket(connection: InfluxConnection, bucket: str, retention: int | None) -> str:
    """Make a missing `bucket`, set its `retention`, and return the result.

    `retention` is in ms; 0 keeps readings for ever, None leaves a bucket that is there as it is.
    Raises StoreUnavailable, also if the token lacks the right.
    """
    generation = connection.version().lstrip("v").partition(".")[0]
    ensure = {"1": _ensure_database_1, "3": _ensure_database_3}.get(generation, _ensure_bucket_2)
    return f"bucket {bucket!r} {ensure(connection, bucket, retention)}"


def shard_length(retention: int, current: int) -> int:
    """Return the length of a shard (ms): what InfluxDB itself chooses for a new bucket.

    A `current` length that somebody chose longer, and that fits, stays.
    """
    if retention == 0 or retention >= 180 * DAY_MS:
        chosen = 7 * DAY_MS
    else:
        chosen = DAY_MS if retention >= 2 * DAY_MS else HOUR_MS
    fits = retention == 0 or current <= retention
    return max(chosen, current) if fits else chosen


def _ensure_database_1(connection: InfluxConnection, bucket: str, retention: int | None) -> str:
    if bucket not in {row["name"] for row in connection.query("SHOW DATABASES")}:
        duration = f" WITH DURATION {format_duration(retention)}" if retention else ""
        connection.execute(f'CREATE DATABASE "{bucket}"{duration}')
        return f"made, readings kept {_text(retention)}"
    (policy,) = [
        row for row in connection.query(f'SHOW RETENTION POLICIES ON "{bucket}"') if row["default"]
    ]
    if retention is None:
        kept = _FOR_EVER if policy["duration"] in _FOR_EVER_1X else policy["duration"]
        return f"found, readings kept {kept}"
    kept = format_duration(retention) if retention else "INF"
    hours = int(policy["shardGroupDuration"].partition("h")[0])  # written as 168h0m0s
    shards = format_duration(shard_length(retention, hours * HOUR_MS))
    connection.execute(
        f'ALTER RETENTION POLICY "{policy["name"]}" ON "{bucket}" '
        f"DURATION {kept} SHARD DURATION {shards} DEFAULT"
    )
    return f"found, readings kept {_text(retention)}"


def _ensure_bucket_2(connection: InfluxConnection, bucket: str, retention: int | None) -> str:
    known = _bucket_2(connection, bucket)
    if known is None:
        document = {"name": bucket, "orgID": _organisation_2(connection)}
        rules = [_rule_2(retention, 0)] if retention else []
        connection.request("POST", "/api/v2/buckets", {}, {**document, "retentionRules": rules})
        return f"made, readings kept {_text(retention)}"
    if retention is None:
        return f"found, readings kept {_text(_from_rule(known, 'everySeconds'))}"
    rule = _rule_2(retention, _from_rule(known, "shardGroupDurationSeconds"))
    path = f"/api/v2/buckets/{known['id']}"
    connection.request("PATCH", path, {}, {"retentionRules": [rule]})
    return f"found, readings kept {_text(retention)}"


def _bucket_2(connection: InfluxConnection, bucket: str) -> Mapping[str, Any] | None:
    """Return the bucket of that name, or None: 2.x answers 404 for a missing one."""
    organisation = connection.address.organisation
    try:
        answer = _get(connection, "/api/v2/buckets", name=bucket, org=organisation)
    except RequestRefused as error:
        if error.status == HTTPStatus.NOT_FOUND and not error.about_organisation:
            return None
        raise
    return next((known for known in answer.get("buckets", []) if known["name"] == bucket), None)


def _organisation_2(connection: InfluxConnection) -> str:
    """Return the id of the organisation, which a new bucket needs."""
    organisation = connection.address.organisation
    owners = _get(connection, "/api/v2/orgs", org=organisation).get("orgs", [])
    if not owners:  # 2.x hides what a token may not read
        raise RequestRefused(
            f"the token may not read organisation {organisation!r}: use one that may read it and "
            "write its buckets, or make the bucket by hand"
        )
    return str(owners[0]["id"])


def _rule_2(retention: int, current_shards: int) -> dict[str, Any]:
    return {
        "type": "expire",
        "everySeconds": retention // SECOND_MS,
        "shardGroupDurationSeconds": shard_length(retention, current_shards) // SECOND_MS,
    }


def _from_rule(bucket: Mapping[str, Any], seconds: str) -> int:
    """Return a duration of a bucket's retention rule (ms); 0 without a rule, and for ever."""
    rules = bucket.get("retentionRules", [])
    return int(rules[0].get(seconds, 0)) * SECOND_MS if rules else 0


def _ensure_database_3(connection: InfluxConnection, bucket: str, retention: int | None) -> str:
    connection.as_bearer()
    path = "/api/v3/configure/database"
    databases = json.loads(connection.request("GET", path, {"format": "json"}))
    if bucket in {database["iox::database"] for database in databases}:
        return "found, readings kept as it was made"
    document = {"db": bucket}
    if retention:
        document["retention_period"] = format_duration(retention)
    connection.request("POST", path, {}, document)
    return f"made, readings kept {_text(retention)}"


def _get(connection: InfluxConnection, path: str, **parameters: str) -> Any:
    return json.loads(connection.request("GET", path, parameters))


def _text(retention: int | None) -> str:
    return format_duration(retention) if retention else _FOR_EVER
