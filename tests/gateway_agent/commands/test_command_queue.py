"""Each command once: replays, restarts, floods, a line that stops; and where results are kept."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_agent.bus.modbus import Bus
from gateway_agent.commands.checks import CommandRefused, check_command
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


def queue_on(line: PatientLine, path: Path, now: int = NOW) -> CommandQueue:
    return CommandQueue(CommandResults(path), {"a": (MIDEA, line)}, lambda: now)


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


@given(
    moments=st.lists(st.integers(0, 300), min_size=1, max_size=12),
)
def test_writes_of_a_point_are_never_closer_than_its_pause(
    moments: list[int],
) -> None:
    pause_s = MIDEA.profile.write[0].pause_s
    line, now = PatientLine(), [NOW]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "commands.db"
        writes: list[int] = []
        for number, moment in enumerate(sorted(moments)):
            now[0] = NOW + moment * 1_000
            commands = CommandQueue(CommandResults(path), {"a": (MIDEA, line)}, lambda: now[0])
            wanted = Command(f"c-{number}", "a", {"setpoint_c": 42.0}, now[0] + 1, "somebody")
            commands.receive(wanted)
            line.turn()
            (result,) = commands.results()
            assert result.by == "somebody"
            if result.status == "done":
                writes.append(moment)
                continue
            assert writes
            left = pause_s - (moment - writes[-1])
            assert result.reason == f"too_soon: write it again in {left} s"
        assert len(line.link.writes) == len(writes)
        assert all(later - first >= pause_s for first, later in pairwise(writes))


def test_a_clock_that_was_set_back_holds_up_no_write(line: PatientLine, path: Path) -> None:
    queue_on(line, path, NOW + 10**9).receive(
        Command("one", "a", {"setpoint_c": 42.0}, NOW + 10**9 + 1, "somebody")
    )
    line.turn()
    commands = queue_on(line, path)
    commands.receive(command(43, "two"))
    line.turn()
    assert [result.status for result in commands.results()] == ["done"]


@given(st.integers(-(10**13), 10**13))
def test_a_command_is_valid_for_a_day_at_most(ahead_ms: int) -> None:
    wanted = Command("c", "a", {"setpoint_c": 42.0}, NOW + ahead_ms, "somebody")
    if 0 < ahead_ms <= 86_400_000:
        check_command(wanted, {"a": MIDEA.profile}, NOW)
        return
    with pytest.raises(CommandRefused) as refused:
        check_command(wanted, {"a": MIDEA.profile}, NOW)
    assert refused.value.code == ("expired" if ahead_ms <= 0 else "expiry_too_far")
