"""`hearthwatch box …` as an operator uses it."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from desk.database.engine import open_database, writing
from desk.ledger.device_registry import store_birth
from hearthwatch.__main__ import main
from tests.ingest.harness import PLACE
from wire.messages import AnnouncedDevice, Status


@pytest.fixture
def config(tmp_path: Path) -> Path:
    database = open_database(f"sqlite:///{tmp_path / 'tickets.db'}")
    devices = [AnnouncedDevice("pump-1", "phnix", "bus-1", 1)]
    with writing(database) as session:
        store_birth(session, PLACE, Status(True, 1, "e1", "0.1", 30, devices), devices, 2)
    (tmp_path / "devices.csv").write_text("device,gateway\npump-9,mt-01\n")
    file = tmp_path / "server.toml"
    file.write_text('[ingest]\nregistered = "devices.csv"\n')
    return file


@dataclass
class Answer:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def box(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """The command line within this process: starting one takes seconds."""

    def run(*words: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["hearthwatch", "box", *words, "--config", str(config)])
        with pytest.raises(SystemExit) as ended:
            main()
        return Answer(int(ended.value.code or 0), *capsys.readouterr())

    return run


Box = Callable[..., Answer]


def test_a_box_is_retired_taken_back_and_given_a_device(box: Box) -> None:
    [listed] = json.loads(box("list", "--json").stdout)["items"]
    assert (listed["gateway"], listed["devices"], listed["born_at"]) == (str(PLACE), ["pump-1"], 1)
    assert box("retire", "mt-01", "--why", "gone").returncode == 0
    assert "retired" in box("list").stdout
    twice = box("retire", "mt-01", "--why", "gone")
    assert (twice.returncode, "retired already" in twice.stderr) == (2, True)
    assert box("reinstate", str(PLACE), "--why", "mistake").returncode == 0
    given = box("assign", "pump-1", "mt-01", "--why", "moved")
    assert str(PLACE) in given.stdout
    assert box("assign", "pump-1", "--why", "back").returncode == 0


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("retire", "nowhere", "--why", "gone"), "hearthwatch box list"),
        (("assign", "pump-1", "mt-01"), "say why"),
        (("assign", "pump-9", "mt-01", "--why", "moved"), "list of devices"),
    ],
)
def test_a_refusal_says_what_to_do(box: Box, words: tuple[str, ...], advice: str) -> None:
    refused = box(*words)
    assert refused.returncode == 2
    assert advice in refused.stderr
