"""Where commands come in and results go out: each id once, each unit's writes on its own line's
thread."""

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final, Protocol, TypeVar

from gateway_agent.bus.modbus import Bus
from gateway_agent.commands.checks import CommandRefused, check_command
from gateway_agent.commands.execute import execute
from gateway_agent.commands.results import CommandResults
from gateway_agent.polling.unit import PolledUnit
from wire.messages import Command, Result

# Commands waiting for their line; more would hold up the polls, and nobody who means well sends as
# many.
_MAX_WAITING: Final = 20

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


class Executor(Protocol):
    """A line, as far as commands need it."""

    def execute(self, work: Callable[[Bus], Answer]) -> Future[Answer]:
        """Have `work` done on the line between two polls."""


class CommandQueue:
    """Takes commands, has them carried out, and hands out their results. One thread calls; lines
    finish on theirs."""

    def __init__(
        self,
        outcomes: CommandResults,
        units: Mapping[str, tuple[PolledUnit, Executor]],
        clock: Callable[[], int],
    ) -> None:
        """`units` by device, each with its line. Commands cut off by the last stop are answered as
        failed."""
        self._outcomes = outcomes
        self._units = units
        self._clock = clock
        self._results: SimpleQueue[Result] = SimpleQueue()
        self._waiting: list[Future[Result]] = []
        self.counts: Counter[str] = Counter()
        for command_id in outcomes.unfinished():
            self._finish(Result(command_id, "failed", "interrupted", clock()))

    def receive(self, command: Command) -> None:
        """Deal with `command`; its result comes out of `results`, at once or when its line has done
        it."""
        try:
            if self._outcomes.begin(command.id, self._clock()):
                self._submit(command)
            else:
                self._repeat(command.id)
        except CommandRefused as refusal:
            self._finish(refusal.result(command.id, self._clock()))
        except sqlite3.Error as error:
            _log.error(
                "command %s is not carried out, it cannot be recorded: %s", command.id, error
            )
            self._results.put(Result(command.id, "failed", "not_recorded", self._clock()))

    def results(self) -> list[Result]:
        """The results since the last call."""
        found: list[Result] = []
        while True:
            try:
                found.append(self._results.get_nowait())
            except Empty:
                return found

    def _submit(self, command: Command) -> None:
        profiles = {device: unit.profile for device, (unit, _) in self._units.items()}
        check_command(command, profiles, self._clock())
        self._waiting = [future for future in self._waiting if not future.done()]
        if len(self._waiting) >= _MAX_WAITING:
            raise CommandRefused("too_many")
        unit, line = self._units[command.device]
        future = line.execute(lambda bus: execute(command, unit, bus, self._clock))
        self._waiting.append(future)
        future.add_done_callback(partial(self._done, command))

    def _done(self, command: Command, future: Future[Result]) -> None:
        # Cancelled: the gateway stops, and answers when it is back.
        if not future.cancelled() and future.exception() is None:
            result = future.result()
            _log.info(
                "command %s of %s for %s: %s %s",
                command.id,
                command.by,
                command.device,
                result.status,
                command.set,
            )
            self._finish(result)

    def _repeat(self, command_id: str) -> None:
        """The first result again; one that is still being carried out will answer by itself."""
        self.counts["replayed"] += 1
        first = self._outcomes.result_of(command_id)
        if first is not None:
            self._results.put(first)

    def _finish(self, result: Result) -> None:
        self.counts[result.reason.partition(":")[0] or result.status] += 1
        try:
            self._outcomes.finish(result)
        except sqlite3.Error as error:
            _log.error("the result of command %s cannot be recorded: %s", result.id, error)
        self._results.put(result)
