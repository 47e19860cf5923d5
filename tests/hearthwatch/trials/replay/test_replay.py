"""`rules replay` raises from a real store exactly what the running service raised; a changed limit
shows."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hearthwatch.base.resources import config_folder
from hearthwatch.cli.application import app
from hearthwatch.run.server_settings import load_server_settings
from hearthwatch.trials.replay.blocks import interval_of
from hearthwatch.trials.replay.command import replay
from hearthwatch.trials.replay.options import ReplayOptions
from ingest.store import open_store
from rules.transitions.raised import Raised
from tests.hearthwatch.trials.replay.winter import SPAN, Winter
from tests.rules.shipped import shipped_rules
from tests.servers import InfluxGate, wait_until

REPOSITORY = Path(__file__).parents[4]
PERIOD = ("2025-11-22", "2025-11-23T01:00")  # in China, that of SPAN


@pytest.fixture(scope="module")
def winter(tmp_path_factory: pytest.TempPathFactory) -> Winter:
    return Winter(tmp_path_factory.mktemp("winter"))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, winter: Winter) -> Path:
    """A server.toml beside a filled SQLite store, whose finished hours are packed."""
    config = configured(tmp_path_factory.mktemp("server"), "sqlite:readings.db", winter)
    store = open_store(load_server_settings(config).store)
    store.tend(SPAN.end)
    store.close()
    return config


def configured(folder: Path, url: str, winter: Winter) -> Path:
    config = folder / "server.toml"
    config.write_text(f'[store]\nurl = "{url}"\n', encoding="utf-8")
    store = open_store(load_server_settings(config).store)
    winter.fill(store)
    store.close()
    return config


def options(**changes: object) -> ReplayOptions:
    usual = {
        "since": PERIOD[0],
        "until": PERIOD[1],
        "warm_up": "0s",
        "rules": [],
        "against": [],
        "villages": [],
        "devices": [],
        "workers": 1,
    }
    return ReplayOptions(**{**usual, **changes})  # type: ignore[arg-type]


def run(config: Path, *more: str) -> dict[str, object]:
    command = [
        "rules",
        "replay",
        "--config",
        str(config),
        "--from",
        PERIOD[0],
        "--to",
        PERIOD[1],
        "--workers",
        "1",
    ]
    ended = CliRunner().invoke(app, [*command, "--json", *more], catch_exceptions=False)
    assert ended.exit_code == 0, ended.stderr
    document: dict[str, object] = json.loads(ended.stdout)
    return document


def in_order(alerts: list[Raised]) -> list[Raised]:
    return sorted(alerts, key=lambda one: (one.at, one.key))


def test_a_replay_raises_what_the_running_service_raised(winter: Winter, config: Path) -> None:
    expected = winter.live(shipped_rules())
    assert {"fault", "village_outage", "gateway_offline", "device_offline"} <= {
        one.rule for one in expected
    }
    found = replay(options(), load_server_settings(config))
    assert in_order(found.alerts) == in_order(expected)
    assert found.readings == len(list(winter.stored()))
    assert found.skipped == ["extreme_cold", "ownership_conflict", "too_many_events"]


def test_it_is_the_same_from_influxdb_and_with_two_processes(
    winter: Winter, influx: InfluxGate, tmp_path: Path
) -> None:
    config = configured(tmp_path, influx.create("replay"), winter)
    found = replay(options(workers=2), load_server_settings(config))
    assert in_order(found.alerts) == in_order(winter.live(shipped_rules()))


def test_a_changed_limit_shows_in_the_difference(
    winter: Winter, config: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "low_room_temperature.toml"
    shipped = (config_folder() / "rules" / "low_room_temperature.toml").read_text(encoding="utf-8")
    changed.write_text(shipped.replace('on_delay = "60m"', 'on_delay = "10m"'), encoding="utf-8")
    assert changed.read_text(encoding="utf-8") != shipped
    outputs = ("--csv", str(tmp_path / "alerts.csv"), "--picture", str(tmp_path / "alerts.png"))
    document = run(config, "--against", str(changed), *outputs)
    comparison = document["comparison"]
    assert (tmp_path / "alerts.png").read_bytes().startswith(b"\x89PNG")
    assert comparison["changed_rules"] == ["low_room_temperature"]
    assert comparison["first_only"] == []
    assert {pair["raised_later_ms"] for pair in comparison["both"]} == {-50 * 60_000}
    with (tmp_path / "alerts.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    count = len(comparison["both"]) + len(comparison["second_only"])
    assert sum(1 for row in rows if row["by"] == "second") == count > 0
    assert sum(1 for row in rows if row["by"] == "first") == len(document["alerts"])


def test_people_get_tables(winter: Winter, config: Path, tmp_path: Path) -> None:
    changed = tmp_path / "device_offline.toml"
    shipped = (config_folder() / "rules" / "device_offline.toml").read_text(encoding="utf-8")
    changed.write_text(shipped.replace("intervals = 3", "intervals = 30"), encoding="utf-8")
    command = ["rules", "replay", "--config", str(config), "--from", PERIOD[0], "--workers", "1"]
    shown = (
        CliRunner()
        .invoke(app, [*command, "--against", str(changed)], catch_exceptions=False)
        .stdout
    )
    assert "not replayed: extreme_cold" in " ".join(shown.split())
    [line] = [
        line for line in shown.splitlines() if "only before" in line and "device_offline" in line
    ]
    assert winter.devices[13] in line


def test_the_same_file_differs_in_nothing(config: Path) -> None:
    same = config_folder() / "rules" / "low_room_temperature.toml"
    comparison = run(config, "--against", str(same))["comparison"]
    assert comparison == {"changed_rules": [], "first_only": [], "second_only": [], "both": []}


def test_only_what_is_asked_for(winter: Winter, config: Path) -> None:
    village = run(config, "--village", "v0001")
    assert set(village["villages"]) == {"town/v0001"}
    device = run(config, "--device", winter.devices[2])
    assert {one["subject"] for one in device["alerts"]} == {winter.devices[2]}
    assert set(device["not_replayed"]) == {
        "device_offline",
        "gateway_offline",
        "village_outage",
        "extreme_cold",
        "ownership_conflict",
        "too_many_events",
    }


def test_what_was_raised_before_the_period_and_stands_in_it_counts(
    winter: Winter, config: Path
) -> None:
    """The warm-up makes what an hour in the middle shows what the whole shows of it."""
    settings = load_server_settings(config)
    begin, end = SPAN.start + 8 * 3_600_000, SPAN.start + 10 * 3_600_000
    hours = {"since": "2025-11-22T08:00", "until": "2025-11-22T10:00", "warm_up": "8h"}
    found = replay(options(**hours), settings).alerts
    whole = replay(options(), settings).alerts
    standing = [
        one for one in whole if one.at < end and (one.cleared_at is None or one.cleared_at >= begin)
    ]
    assert [(one.key, one.at) for one in in_order(found)] == [
        (one.key, one.at) for one in in_order(standing)
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--village", "nowhere"], "--village: the reading store has nothing of nowhere"),
        (["--device", "nobody"], "--device: the reading store has nothing of nobody"),
        (["--from", "winter"], "--from: 'winter' is no time"),
        (["--to", "2025-11-22"], "--to must be after --from"),
        (["--warm-up", "long"], "--warm-up"),
        (["--picture", "/nowhere/at/all.png"], "--picture: there is no folder /nowhere/at"),
    ],
)
def test_what_cannot_be_done_says_what_to_change(config: Path, more: list[str], said: str) -> None:
    command = [
        "rules",
        "replay",
        "--config",
        str(config),
        "--from",
        PERIOD[0],
        "--to",
        PERIOD[1],
        *more,
    ]
    ended = CliRunner().invoke(app, command)
    assert said in str(ended.exception)


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text("", encoding="utf-8")
    ended = CliRunner().invoke(
        app, ["rules", "replay", "--config", str(tmp_path / "server.toml"), "--from", PERIOD[0]]
    )
    assert "there is no such reading store" in str(ended.exception)
    assert list(tmp_path.iterdir()) == [tmp_path / "server.toml"]


def test_ctrl_c_ends_every_process_and_leaves_nothing(config: Path, tmp_path: Path) -> None:
    folder = tmp_path / "server"
    shutil.copytree(config.parent, folder)
    before = sorted(path.name for path in folder.iterdir())
    held = tmp_path / "held"
    held.mkdir()
    options = ["--config", str(folder / "server.toml"), "--csv", str(tmp_path / "alerts.csv")]
    options += ["--from", PERIOD[0], "--warm-up", "0s", "--workers", "2"]
    replay_held = "tests.hearthwatch.trials.replay.held_replay"
    with subprocess.Popen(
        [sys.executable, "-m", replay_held, "rules", "replay", *options],
        stderr=subprocess.DEVNULL,
        cwd=REPOSITORY,
        env={**os.environ, "HELD": str(held)},
        start_new_session=True,
    ) as process:
        workers = wait_until(lambda: len(waiting := list(held.iterdir())) == 2 and waiting, 60)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
    assert process.returncode != 0
    assert not [worker.name for worker in workers if Path("/proc", worker.name).exists()]
    assert sorted(path.name for path in folder.iterdir()) == before
    assert not (tmp_path / "alerts.csv").exists()


@pytest.mark.parametrize(
    ("times", "interval_ms"),
    [
        ([], 30_000),
        ([5], 30_000),
        ([0, 60_000], 60_000),
        ([0, 300_100, 599_900, 900_000, 901_000, 1_200_000], 300_000),
    ],
)
def test_the_poll_interval_is_the_usual_time_between_readings(
    times: list[int], interval_ms: int
) -> None:
    assert interval_of(times) == interval_ms
