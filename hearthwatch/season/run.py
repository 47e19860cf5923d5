"""Blocks of a season over several processes; the result does not depend on how many."""

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from multiprocessing.pool import AsyncResult, Pool
from multiprocessing.sharedctypes import Synchronized
from typing import Final

from hearthwatch.season.judge import Judged, Plan, Progress, judge
from simulators.season.layout import Block

_LOOK_EVERY_S: Final = 0.2

_done: "Synchronized[int] | None" = None  # of this worker process: readings done by all of them


def run_blocks(plan: Plan, blocks: Sequence[Block], workers: int, progress: Progress) -> Iterator[Judged]:
    """What came of each block, in their order; `progress` is told how many readings more are done."""
    if workers == 1 or len(blocks) == 1:
        for block in blocks:
            yield judge(plan, block, progress)
        return
    context = multiprocessing.get_context("spawn")
    done: Synchronized[int] = context.Value("q", 0)
    with context.Pool(min(workers, len(blocks)), _remember, (done,)) as pool:
        yield from _collect(pool, plan, blocks, done, progress)


def _collect(
    pool: Pool, plan: Plan, blocks: Sequence[Block], done: "Synchronized[int]", progress: Progress
) -> Iterator[Judged]:
    told = 0
    results: list[AsyncResult[Judged]] = [pool.apply_async(_work, (plan, block)) for block in blocks]
    for result in results:
        while not result.ready():
            result.wait(_LOOK_EVERY_S)
            now = done.value
            progress(now - told)
            told = now
        yield result.get()


def _remember(done: "Synchronized[int]") -> None:
    global _done
    _done = done
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to hear, which then ends this process


def _work(plan: Plan, block: Block) -> Judged:
    return judge(plan, block, _count)


def _count(readings: int) -> None:
    if _done is not None:
        with _done.get_lock():
            _done.value += readings
