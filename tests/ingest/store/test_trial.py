"""`server check` of every kind of store: what is missing is made, and a point goes in and comes
back."""

from pathlib import Path

import pytest

from configuration.check import Check
from configuration.load import ConfigurationError, validate
from ingest.store import StoreSettings
from ingest.store.trial import try_store
from tests.ingest.store.stand_in import serving
from tests.servers import InfluxGate, free_port
from wire.durations import format_duration, parse_duration

NAMES = [
    "version",
    "bucket",
    "bucket: write and read",
    "hourly bucket",
    "hourly bucket: write and read",
]


def trial(url: str, **options: object) -> list[Check]:
    return list(try_store(StoreSettings.model_validate({"url": url, **options})))


def texts(findings: list[Check]) -> dict[str, str]:
    assert all(check.good for check in findings)
    return {check.name: check.text for check in findings}


def test_a_file_is_made_and_tried(tmp_path: Path) -> None:
    path = tmp_path / "new" / "readings.db"
    shown = texts(trial(f"sqlite:{path}"))
    assert list(shown) == ["version", "file", "write and read"]
    assert str(path) in shown["file"]


def test_databases_are_made_with_their_retention_and_found_again(influx: InfluxGate) -> None:
    url = influx.url.replace("/hearthwatch", "/checked")
    made = trial(url, retention="400d")
    assert [check.name for check in made] == NAMES
    assert texts(made)["version"].startswith("InfluxDB 1.")
    assert texts(made)["bucket"] == "bucket 'checked' made, readings kept 400d"
    assert texts(made)["hourly bucket"] == "bucket 'checked_hourly' made, readings kept for ever"
    assert texts(trial(url))["bucket"] == "bucket 'checked' found, readings kept 9600h0m0s"
    assert (
        texts(trial(url, retention="30d"))["bucket"] == "bucket 'checked' found, readings kept 30d"
    )
    assert texts(trial(url))["bucket"] == "bucket 'checked' found, readings kept 720h0m0s"


def rule(days: int, shard_days: int) -> dict[str, object]:
    return {
        "type": "expire",
        "everySeconds": days * 86_400,
        "shardGroupDurationSeconds": shard_days * 86_400,
    }


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("secret\n")
    return file


def test_buckets_of_2_are_made_with_their_retention_and_found_again(token: Path) -> None:
    with serving("v2.7.6") as server:
        made = texts(trial(server.url, token_file=token, retention="400d", hourly_retention="0d"))
        assert list(made) == NAMES
        assert made["bucket"] == "bucket 'readings' made, readings kept 400d"
        assert server.buckets == {
            "readings": rule(400, shard_days=7),
            "readings_hourly": rule(0, shard_days=7),
        }
        shown = texts(trial(server.url, token_file=token))
        assert shown["bucket"] == "bucket 'readings' found, readings kept 400d"
        assert shown["hourly bucket"] == "bucket 'readings_hourly' found, readings kept for ever"
        trial(server.url, token_file=token, retention="30d")
        assert server.buckets["readings"] == rule(30, shard_days=7)


@pytest.mark.parametrize("retention", ["1h", "2h", "36h", "3d", "200d", "0d"])
def test_every_retention_is_set_on_a_bucket_of_any_other(token: Path, retention: str) -> None:
    with serving("v2.7.6") as server:
        for before in ("0d", "1h", "400d"):
            trial(server.url, token_file=token, retention=before)
            shown = texts(trial(server.url, token_file=token, retention=retention))
            kept = "for ever" if retention == "0d" else format_duration(parse_duration(retention))
            assert shown["bucket"] == f"bucket 'readings' found, readings kept {kept}"
            assert server.buckets["readings"]["everySeconds"] * 1_000 == parse_duration(retention)


def test_a_retention_below_an_hour_never_reaches_a_server(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"retention: at least 1h, or 0d for ever"):
        validate({"retention": "30m"}, StoreSettings, tmp_path / "server.toml")


def test_a_token_that_may_not_read_the_organisation_is_named(token: Path) -> None:
    with serving("v2.7.6") as server:
        server.hides_organisations = True
        *_, bad = trial(server.url, token_file=token)
    assert (bad.name, bad.good) == ("bucket", False)
    assert "may not read organisation 'district'" in bad.text


def test_a_missing_organisation_is_named(token: Path) -> None:
    with serving("v2.7.6") as server:
        *_, bad = trial(server.url_of("elsewhere"), token_file=token)
    assert (bad.name, bad.good) == ("bucket", False)
    assert "has no organisation 'elsewhere': correct [store] url" in bad.text


def test_databases_of_3_are_made_with_their_retention_and_found_again(token: Path) -> None:
    with serving("3.4.0") as server:
        made = texts(trial(server.url, token_file=token, retention="400d"))
        assert made["bucket"] == "bucket 'readings' made, readings kept 400d"
        assert server.buckets == {"readings": "400d", "readings_hourly": None}
        assert "found" in texts(trial(server.url, token_file=token, retention="400d"))["bucket"]


def test_a_token_that_may_not_is_named_and_nothing_more_is_tried(tmp_path: Path) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("guess")
    with serving("v2.7.6") as server:
        *good, bad = trial(server.url, token_file=wrong)
    assert [check.name for check in good] == ["version"]
    assert not bad.good
    assert "refuses the token" in bad.text


def test_nobody_there(tmp_path: Path) -> None:
    (only,) = trial(f"influxdb+http://127.0.0.1:{free_port()}/o/b")
    assert (only.name, only.good) == ("version", False)
    assert "does not answer" in only.text
    assert only.text.endswith("start it, or correct host and port in [store] url")
