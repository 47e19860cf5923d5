"""A bar on standard error for what takes long, with its pace and the time that is left."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def progress_bar(
    what: str, total: int, pace: Callable[[float], str]
) -> Iterator[Callable[[int], None]]:
    """A bar that is told of every so many more of `total`; `pace` puts into words how many a second
    that is."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[pace]}"))
    console = Console(stderr=True)
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task(what, total=total, pace="")
        began = time.monotonic()

        def advance(more: int) -> None:
            bar.advance(task, more)
            a_second = bar.tasks[task].completed / max(time.monotonic() - began, 0.001)
            bar.update(task, pace=pace(a_second))

        yield advance
