"""Commands in, results out: each id once, each unit's writes on the thread of its line."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from math import ceil
from queue import Empty, SimpleQueue
from typing import Final, Protocol, TypeVar

from gateway_agent.bus.modbus import Bus
from gateway_agent.commands.checks import CommandRefused, check_command, pause_left_ms
from gateway_agent.commands.execute import execute
from gateway_agent.commands.results import CommandResults
from gateway_agent.logs import EventLog
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.writes import WriteRule
from wire.messages import Command, Result

# Commands waiting for their line. More would hold up the polls, and no honest sender sends as many.
_MAX_WAITING: Final = 20

Answer = TypeVar("Answer")

_log = EventLog(__name__)


class Executor(Protocol):
    """A line, as far as commands need it."""

    def execute(self, work: Callable[[Bus], Answer]) -> Future[Answer]:
        """Have `work` done on the line between two visits."""


class CommandQueue:
    """Takes commands, has them carried out, and hands out their results.

    One thread calls it; the lines finish commands on their own threads.
    """

    def __init__(
        self,
        recorded: CommandResults,
        units: Mapping[str, tuple[PolledUnit, Executor]],
        clock: Callable[[], int],
    ) -> None:
        """`units` by device, each with its line; `clock` gives UTC milliseconds.

        Commands that the last stop cut off get a failed result.
        """
        self._recorded = recorded
        self._units = units
        self._clock = clock
        self._results: SimpleQueue[Result] = SimpleQueue()
        self._waiting: list[Future[Result]] = []
        self.counts: Counter[str] = Counter()
        for command_id in recorded.unfinished():
            self._finish(Result(command_id, "failed", "interrupted", clock()))

    def receive(self, command: Command) -> None:
        """Deal with `command`; `results` returns its result at once, or when its line is done."""
        try:
            if self._recorded.begin(command.id, self._clock()):
                self._submit(command)
            else:
                self._repeat(command.id)
        except CommandRefused as refusal:
            result = refusal.result(command, self._clock())
            _log.info("command_refused", **_words(command, result))
            self._finish(result)
        except sqlite3.Error as error:
            _log.error("command_not_recorded", id=command.id, reason=error)
            self._results.put(
                Result(command.id, "failed", "not_recorded", self._clock(), by=command.by)
            )

    def results(self) -> list[Result]:
        """The results since the last call."""
        results: list[Result] = []
        while True:
            try:
                results.append(self._results.get_nowait())
            except Empty:
                return results

    def _submit(self, command: Command) -> None:
        profiles = {device: unit.profile for device, (unit, _) in self._units.items()}
        check_command(command, profiles, self._clock())
        self._waiting = [future for future in self._waiting if not future.done()]
        if len(self._waiting) >= _MAX_WAITING:
            raise CommandRefused("too_many")
        unit, line = self._units[command.device]
        take_turn = partial(self._take_turn, command.device)
        future = line.execute(lambda bus: execute(command, unit, bus, self._clock, take_turn))
        self._waiting.append(future)
        future.add_done_callback(partial(self._done, command))

    def _done(self, command: Command, future: Future[Result]) -> None:
        if future.cancelled() or future.exception() is not None:
            return  # the gateway stops; after the next start the command is answered as failed
        result = future.result()
        assert result.id == command.id, "a result would answer another command"
        _log.info("command_done", **_words(command, result), set=command.set)
        self._finish(result)

    def _take_turn(self, device: str, point: str, rule: WriteRule) -> None:
        """Note that the point is written now; raises CommandRefused if the last write is too new.

        The line of the device calls it: no other thread writes the same point.
        """
        now = self._clock()
        try:
            left_ms = pause_left_ms(self._recorded.written_at(device, point), now, rule)
            if left_ms:
                raise CommandRefused("too_soon", f"write it again in {ceil(left_ms / 1_000)} s")
            self._recorded.note_write(device, point, now)
        except sqlite3.Error as error:
            raise CommandRefused("not_recorded", str(error), status="failed") from error

    def _repeat(self, command_id: str) -> None:
        """Give the first result again; a command still being carried out gives its own later."""
        self.counts["replayed"] += 1
        first = self._recorded.result_of(command_id)
        if first is not None:
            self._results.put(first)

    def _finish(self, result: Result) -> None:
        self.counts[result.reason.partition(":")[0] or result.status] += 1
        try:
            self._recorded.finish(result)
        except sqlite3.Error as error:
            _log.error("command_result_not_recorded", id=result.id, reason=error)
        self._results.put(result)


def _words(command: Command, result: Result) -> dict[str, object]:
    """What the log says of a command: who wanted what of which device, and what became of it."""
    reason = {"reason": result.reason} if result.reason else {}
    return {
        "id": command.id,
        "by": command.by,
        "device": command.device,
        "status": result.status,
        **reason,
    }
