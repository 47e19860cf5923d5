"""`server check` of every kind of store: what is missing is made, and a point goes in and comes
back."""

from pathlib import Path

import pytest

from ingest.store import StoreSettings
from ingest.store.trial import StoreCheck, try_store
from tests.ingest.store.stand_in import serving
from tests.servers import InfluxGate, free_port

NAMES = [
    "version",
    "bucket",
    "bucket: write and read",
    "hourly bucket",
    "hourly bucket: write and read",
]


def trial(url: str, **options: object) -> list[StoreCheck]:
    return list(try_store(StoreSettings.model_validate({"url": url, **options})))


def texts(findings: list[StoreCheck]) -> dict[str, str]:
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
            "readings": [{"type": "expire", "everySeconds": 400 * 86_400}],
            "readings_hourly": [],
        }
        shown = texts(trial(server.url, token_file=token))
        assert shown["bucket"] == "bucket 'readings' found, readings kept 400d"
        assert shown["hourly bucket"] == "bucket 'readings_hourly' found, readings kept for ever"
        trial(server.url, token_file=token, retention="30d")
        assert server.buckets["readings"] == [{"type": "expire", "everySeconds": 30 * 86_400}]


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
