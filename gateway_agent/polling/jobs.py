"""Work on a line between two visits, in order: commands to its units."""

from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from gateway_agent.bus.modbus import Bus, ReplyError
from gateway_agent.bus.transport import LineDown

Answer = TypeVar("Answer")


class Jobs:
    """The queue of one line: any thread adds work, the line's own thread does it."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[Bus], Any]]] = SimpleQueue()
        self._ended = False

    def submit(self, work: Callable[[Bus], Answer]) -> Future[Answer]:
        """Have `work` done on the line.

        The future holds its answer, or the ReplyError or LineDown it raised.
        """
        future: Future[Answer] = Future()
        self._waiting.put((future, work))
        if self._ended:
            self.end()
        return future

    def do_next(self, bus: Bus, wait_s: float = 0.0) -> None:
        """Do the oldest job, and only that, so that many commands cannot starve the polls.

        Waits at most `wait_s` for a job. Raises any error of the job but ReplyError and LineDown,
        which its future holds.
        """
        try:
            future, work = self._waiting.get(block=wait_s > 0, timeout=wait_s)
        except Empty:
            return
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work(bus))
        except (ReplyError, LineDown) as failure:
            future.set_exception(failure)

    def end(self) -> None:
        """Cancel every job that has not begun, and every later one."""
        self._ended = True
        while True:
            try:
                self._waiting.get_nowait()[0].cancel()
            except Empty:
                return
