"""`hearthwatch rules test`: what it prints and how it exits."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hearthwatch.base.resources import config_folder
from hearthwatch.cli.rules import app

TEST = """
rules = ["{folder}/low_room_temperature.toml"]
[[test]]
name = "an hour"
interval = "5m"
series.room_c = "19*3 17.5*14"
expect = [{{ at = "{at}", rule = "low_room_temperature", edge = "raise" }}]
"""


@pytest.fixture
def write(tmp_path: Path) -> Path:
    return tmp_path / "tests.toml"


def test_a_passing_file(write: Path) -> None:
    write.write_text(TEST.format(folder=config_folder() / "rules", at="1h15m"), encoding="utf-8")
    result = CliRunner().invoke(app, ["test", str(write)])
    assert (result.exit_code, result.stdout) == (0, f"{write}: 1 of 1 tests passed\n")


def test_a_failing_file_shows_the_difference(write: Path) -> None:
    write.write_text(TEST.format(folder=config_folder() / "rules", at="1h"), encoding="utf-8")
    result = CliRunner().invoke(app, ["test", str(write)])
    assert result.exit_code == 1
    lines = [line.split()[:4] for line in result.stdout.splitlines()[3:]]
    assert lines == [
        ["-", "1h", "low_room_temperature", "raise"],
        ["+", "1h15m", "low_room_temperature", "raise"],
    ]


def test_json(write: Path) -> None:
    write.write_text(TEST.format(folder=config_folder() / "rules", at="1h"), encoding="utf-8")
    result = CliRunner().invoke(app, ["test", "--json", str(write)])
    document = json.loads(result.stdout)
    assert (result.exit_code, document["passed"]) == (1, False)
    [test] = document["files"][0]["tests"]
    assert [one["edge"] for one in (*test["missing"], *test["unexpected"])] == ["raise", "raise"]


def test_every_mistake_of_every_file_is_named(write: Path, tmp_path: Path) -> None:
    from configuration.load import ConfigurationError

    other = tmp_path / "other.toml"
    write.write_text(TEST.format(folder=config_folder() / "rules", at="an hour"), encoding="utf-8")
    other.write_text(
        'rules = ["missing.toml"]\n[[test]]\nname = "x"\ninterval = "1m"\nseries.room_c = "1"\n'
    )
    result = CliRunner().invoke(app, ["test", str(write), str(other)])
    assert isinstance(result.exception, ConfigurationError)
    assert [problem.key for problem in result.exception.problems] == [
        "test 'an hour'.expect[0].at",
        "",
    ]
