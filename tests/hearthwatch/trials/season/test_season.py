"""A season through the rules: the same bytes for the same seed, and faults found."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from hearthwatch.base.errors import FailedError
from hearthwatch.trials.season.command import run_season
from hearthwatch.trials.season.evaluate import evaluate
from hearthwatch.trials.season.options import SeasonOptions
from hearthwatch.trials.season.plan import SeasonPlan
from simulators.scenario.scenario import load_scenario
from simulators.season.layout import blocks
from simulators.season.span import SeasonSpan
from tests.rules.shipped import shipped_rules

START = 1_763_740_800_000  # midnight in Shanghai
COMMAND = [sys.executable, "-m", "hearthwatch", "simulate", "season"]

# So many faults that a few days of a few villages show each of them.
HARSH = """
name = "harsh"
[fleet]
gateways_per_village = 4
units_per_gateway = 10
[weather]
kind = "steady"
outdoor_c = -9.0
humidity = 0.5
swing_k = 4.0
[house]
area_m2 = [80.0, 100.0]
"""
CHANCES = {
    'fault = "high_pressure"': "high_pressure",
    'fault = "fan"': "fan",
    'cause = "communication_loss"': "communication_loss",
    'cause = "gateway_death"': "gateway_death",
    'cause = "village_outage"': "village_outage",
}


def harsh(folder: Path) -> Path:
    path = folder / "harsh.toml"
    tables = "".join(
        f'[[random]]\n{key}\nper_1000_unit_days = 12.0\nlasts = "3h"\nspread = 1.3\n'
        for key in CHANCES
    )
    path.write_text(HARSH + tables)
    return path


def season(scenario: Path, workers: int, *more: str) -> dict[str, Any]:
    arguments = [
        "--scenario",
        str(scenario),
        "--units",
        "5000",
        "--days",
        "1",
        "--workers",
        str(workers),
        "--json",
    ]
    done = subprocess.run(
        [*COMMAND, *arguments, *more], capture_output=True, text=True, timeout=170, check=True
    )
    document: dict[str, Any] = json.loads(done.stdout)
    assert document.pop("seconds") > 0
    assert document.pop("readings_per_s") > 0
    return document


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_processes(
    tmp_path: Path,
) -> None:
    scenario = harsh(tmp_path)
    truths = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    picture = tmp_path / "season.png"
    one = season(scenario, 1, "--step", "30m", "--truth", str(truths[0]), "--picture", str(picture))
    two = season(scenario, 2, "--step", "30m", "--truth", str(truths[1]))
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert json.dumps(one) == json.dumps(two)
    assert truths[0].read_bytes() == truths[1].read_bytes()
    assert one["units"] == 5_000
    assert one["readings"] > 0.9 * 5_000 * 48
    assert json.dumps(season(scenario, 2, "--step", "30m", "--seed", "2")) != json.dumps(one)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """120 units in four days of every fault."""
    scenario = load_scenario(harsh(tmp_path_factory.mktemp("harsh")))
    block = blocks(scenario.fleet, 120)[0]
    told: list[int] = []
    found = evaluate(
        SeasonPlan(scenario, shipped_rules(), SeasonSpan(START, 4, 300_000), 1), block, told.append
    )
    assert sum(told) == found.readings
    return found


def test_every_hard_fault_is_found_in_time(judged: Any) -> None:
    for kind in CHANCES.values():
        figures = judged.score.classes[kind]
        assert figures.injected >= 2, kind
        assert figures.detected == figures.injected, (kind, judged.score.missed)
        assert median(figures.delays_s) <= 30 * 60, (
            kind
        )  # one may have begun while its gateway was dead


def test_nothing_is_raised_that_has_no_cause(judged: Any) -> None:
    assert judged.score.false_alerts == []


def test_a_house_whose_unit_stands_is_cold_in_truth_and_in_alerts(judged: Any) -> None:
    cold = judged.score.classes["low_room"]
    assert cold.injected >= 1
    assert cold.detected == cold.injected


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--start", "1.11.2025"], "--start"),
        (["--step", "7m"], "--step"),
        (["--scenario", "nowhere"], "nowhere"),
        (["--picture", "/nowhere/season.png"], "/nowhere"),
    ],
)
def test_wrong_usage_is_named(arguments: list[str], says: str) -> None:
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert says in done.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_a_long_run_ends_when_it_is_told_to(workers: int) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(FailedError, match="stopped before the end"):
        run_season(SeasonOptions("quiet", 4_801, 366, "2025-11-01", "5m", 1, workers), stop)
