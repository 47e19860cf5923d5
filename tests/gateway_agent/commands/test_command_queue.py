"""Each command once: replays, restarts, floods, a line that stops; and where results are kept."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from gateway_agent.bus.modbus import Bus
from gateway_agent.commands.command_queue import CommandQueue
from gateway_agent.commands.results import CommandResults
from tests.gateway_agent.commands.test_checks import LINE, MIDEA, NOW, WATER, RecordingLink
from wire.messages import Command, Result


class PatientLine:
    """A line that does its jobs when the test says so."""

    def __init__(self) -> None:
        self.link = RecordingLink(dict(WATER))
        self._bus = Bus(LINE, lambda _: self.link)
        self.jobs: list[tuple[Future[Any], Callable[[Bus], Any]]] = []

    def execute(self, work: Callable[[Bus], Any]) -> Future[Any]:
        self.jobs.append((Future(), work))
        return self.jobs[-1][0]

    def turn(self) -> None:
        for future, work in self.jobs:
            future.set_result(work(self._bus))
        self.jobs.clear()


@pytest.fixture
def line() -> PatientLine:
    return PatientLine()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "commands.db"


def queue_on(line: PatientLine, path: Path) -> CommandQueue:
    return CommandQueue(CommandResults(path), {"a": (MIDEA, line)}, lambda: NOW)


def command(value: float, command_id: str = "one") -> Command:
    return Command(command_id, "a", {"setpoint_c": value}, NOW + 60_000, "somebody")


def test_a_replayed_id_returns_the_first_result_also_after_a_restart(
    line: PatientLine, path: Path
) -> None:
    commands = queue_on(line, path)
    commands.receive(command(42))
    commands.receive(command(42))
    assert commands.results() == []
    line.turn()
    first = commands.results()
    assert [(result.id, result.status, result.read_back) for result in first] == [
        ("one", "done", {"setpoint_c": 42.0})
    ]
    commands.receive(command(50))
    assert commands.results() == first
    again = queue_on(line, path)
    again.receive(command(50))
    assert again.results() == first
    assert line.jobs == []
    assert line.link.writes == [(16, 11, (42,))]


def test_a_refusal_is_remembered_too(line: PatientLine, path: Path) -> None:
    commands = queue_on(line, path)
    commands.receive(command(80))
    assert commands.results() == [Result("one", "rejected", "out_of_bounds", NOW)]
    commands.receive(command(42))
    assert commands.results() == [Result("one", "rejected", "out_of_bounds", NOW)]
    assert line.jobs == []


def test_a_command_cut_off_by_a_stop_is_failed_and_not_carried_out_again(
    line: PatientLine, path: Path
) -> None:
    queue_on(line, path).receive(command(42))
    line.jobs[0][0].cancel()
    line.jobs.clear()
    commands = queue_on(line, path)
    assert commands.results() == [Result("one", "failed", "interrupted", NOW)]
    commands.receive(command(42))
    assert commands.results() == [Result("one", "failed", "interrupted", NOW)]
    assert line.link.writes == []


def test_a_flood_is_refused_so_that_polls_go_on(line: PatientLine, path: Path) -> None:
    commands = queue_on(line, path)
    for number in range(30):
        commands.receive(command(42, f"c-{number}"))
    assert [result.reason for result in commands.results()] == ["too_many"] * 10
    assert len(line.jobs) == 20
    line.turn()
    assert len(commands.results()) == 20
    commands.receive(command(42, "later"))
    assert len(line.jobs) == 1


def test_a_command_that_cannot_be_recorded_is_not_carried_out(
    line: PatientLine, path: Path
) -> None:
    recorded = CommandResults(path)
    commands = CommandQueue(recorded, {"a": (MIDEA, line)}, lambda: NOW)
    recorded.close()
    commands.receive(command(42))
    assert [(result.status, result.reason) for result in commands.results()] == [
        ("failed", "not_recorded")
    ]
    assert line.jobs == []


def test_a_corrupt_file_of_outcomes_is_set_aside(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)
    assert CommandResults(path).begin("one", NOW)
    assert path.with_name("commands.db.corrupt").exists()
    with pytest.raises(sqlite3.Error):
        CommandResults(path.parent)


def test_outcomes_are_forgotten_after_a_month(path: Path) -> None:
    recorded = CommandResults(path)
    assert recorded.begin("one", NOW)
    assert not recorded.begin("one", NOW + 29 * 86_400_000)
    assert recorded.begin("one", NOW + 31 * 86_400_000)
