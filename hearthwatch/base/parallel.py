"""Work on many parts of one thing spread over several processes; what comes of it does not depend
on how many."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.sharedctypes import Synchronized
from typing import Any, Final, TypeVar

_LOOK_EVERY_S: Final = 0.2

Progress = Callable[[int], None]
_Plan = TypeVar("_Plan")
_Part = TypeVar("_Part")
_Answer = TypeVar("_Answer")

_done: "Synchronized[int] | None" = None  # of this worker process: what all of them have done


def spread(
    work: Callable[[_Plan, _Part, Progress], _Answer],
    plan: _Plan,
    parts: Sequence[_Part],
    workers: int,
    progress: Progress,
) -> Iterator[_Answer]:
    """What `work` makes of each part, in their order; it and `progress` are told how much more is
    done.

    `work` must be a function of a module. An error, Ctrl-C included, ends all processes and is
    raised here.
    """
    if workers == 1 or len(parts) <= 1:
        yield from (work(plan, part, progress) for part in parts)
        return
    context = multiprocessing.get_context("spawn")
    done: Synchronized[int] = context.Value("q", 0)
    told = 0
    with context.Pool(min(workers, len(parts)), _prepare, (done,)) as pool:
        for result in [pool.apply_async(_work, (work, plan, part)) for part in parts]:
            while not result.ready():
                result.wait(_LOOK_EVERY_S)
                now = done.value
                progress(now - told)
                told = now
            yield result.get()
        progress(done.value - told)


def _prepare(done: "Synchronized[int]") -> None:
    global _done
    _done = done
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches every process; the first one ends the others


def _work(work: Callable[[Any, Any, Progress], Any], plan: object, part: object) -> Any:
    return work(plan, part, _count)


def _count(more: int) -> None:
    if _done is not None:
        with _done.get_lock():
            _done.value += more
