"""The counts of `simulate fleet` while it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.live import Live
from rich.table import Table

from hearthwatch.base.terminal import Terminal
from simulators.load.counts import Counts


@contextmanager
def live_counts() -> Iterator[Callable[[Counts], None]]:
    """Keep a small table on standard error; yields the function that replaces its counts."""
    live = Live(console=Terminal(stderr=True), refresh_per_second=2, transient=True)
    with live:
        yield lambda counts: live.update(_table(counts))


def _table(counts: Counts) -> Table:
    columns = {
        "gateways connected": counts.connected,
        "readings": counts.readings,
        "covered": counts.acknowledged,
        "waiting": counts.waiting,
        "lost": counts.lost,
        "messages sent": counts.messages_sent,
        "sent again": counts.messages_resent,
    }
    table = Table(*columns)
    table.add_row(*(f"{number:,}" for number in columns.values()))
    return table
