"""A bar on standard error for long work, with its pace and the time left."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from hearthwatch.base.errors import FailedError
from hearthwatch.base.terminal import Terminal


@contextmanager
def progress_bar(
    label: str,
    total: int,
    pace: Callable[[float], str],
    stop: threading.Event | None = None,
) -> Iterator[Callable[[int], None]]:
    """Show a bar of `total` steps; yields `advance(more)`.

    `pace` writes out how many steps are done a second. Once `stop` is set, `advance` raises
    FailedError.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[pace]}"))
    console = Terminal(stderr=True)
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task(label, total=total, pace="")
        began = time.monotonic()

        def advance(more: int) -> None:
            if stop is not None and stop.is_set():
                raise FailedError(f"stopped before the end of the {label}")
            bar.advance(task, more)
            a_second = bar.tasks[task].completed / max(time.monotonic() - began, 0.001)
            bar.update(task, pace=pace(a_second))

        yield advance
