"""Work on the parts of one thing, spread over processes.

The answers do not depend on the number of processes.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.sharedctypes import Synchronized
from typing import Any, Final, TypeVar

_CHECK_EVERY_S: Final = 0.2

Progress = Callable[[int], None]
"""Takes how much more is done, in units of the work's own."""

_Plan = TypeVar("_Plan")
_Part = TypeVar("_Part")
_Answer = TypeVar("_Answer")

_done: "Synchronized[int] | None" = None  # in a worker: what all workers together have done


def worker_count(asked: int | None) -> int:
    """How many processes to use: as many as asked for, else one for each processor."""
    return asked or os.cpu_count() or 1


def spread(
    work: Callable[[_Plan, _Part, Progress], _Answer],
    plan: _Plan,
    parts: Sequence[_Part],
    workers: int,
    progress: Progress,
) -> Iterator[_Answer]:
    """Yield what `work` returns for each part, in the order of the parts.

    `work` must be a function of a module. It reports progress; all of it reaches `progress`. An
    error, Ctrl-C included, ends all processes and is raised here.
    """
    if workers == 1 or len(parts) <= 1:
        yield from (work(plan, part, progress) for part in parts)
        return
    context = multiprocessing.get_context("spawn")
    done: Synchronized[int] = context.Value("q", 0)
    reported = 0
    with context.Pool(min(workers, len(parts)), _prepare, (done,)) as pool:
        for result in [pool.apply_async(_work, (work, plan, part)) for part in parts]:
            while not result.ready():
                result.wait(_CHECK_EVERY_S)
                now = done.value
                progress(now - reported)
                reported = now
            yield result.get()
        progress(done.value - reported)


def _prepare(done: "Synchronized[int]") -> None:
    global _done
    _done = done
    # Ctrl-C reaches every process; the first process ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(work: Callable[[Any, Any, Progress], Any], plan: object, part: object) -> Any:
    return work(plan, part, _count)


def _count(more: int) -> None:
    if _done is not None:
        with _done.get_lock():
            _done.value += more
