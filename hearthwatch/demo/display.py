"""The demo on the terminal: progress while it sets up, a live line, figures at the end.

All of it goes to standard error; standard output is left to `--json`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from hearthwatch.base.terminal import Terminal
from hearthwatch.demo.observe import DemoCounts
from simulators.verify import Verification


class DemoDisplay:
    """The demo's terminal; `quiet` shows only failures."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._console = Terminal(stderr=True, quiet=quiet, markup=True)

    @contextmanager
    def progress(self) -> Iterator[Callable[[str, int, int], None]]:
        """Show a bar for each step of the set-up; yields `step(name, done, total)`."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description:<34}"),
            BarColumn(),
            MofNCompleteColumn(),
        )
        with Progress(*columns, TimeElapsedColumn(), console=self._console) as progress:
            tasks: dict[str, Any] = {}

            def step(name: str, done: int, total: int) -> None:
                if name not in tasks:
                    tasks[name] = progress.add_task(name, total=total)
                progress.update(tasks[name], completed=done)

            yield step

    def introduce(self, console: str, mqtt: str, data: Path, user: str, password: str) -> None:
        """Show where the console is, and what is about to happen."""
        text = (
            f"Console  [bold]{console}[/]   user [bold]{user}[/]   password [bold]{password}[/]\n"
            f"Broker   {mqtt}/   watch the feed: hearthwatch watch --url {mqtt}\n"
            f"Data     {escape(str(data))}\n\n"
            "Within a minute a heat pump trips, a house falls below 18 °C and a gateway dies.\n"
            "Each becomes one ticket on the page. Ctrl-C ends everything."
        )
        self._console.print(
            Panel(text, title="hearthwatch is watching", expand=False, highlight=False)
        )

    @contextmanager
    def live(self) -> Iterator[Callable[[DemoCounts, float, int | None], None]]:
        """Keep one line current; yields `show(counts, elapsed_ms, run_ms)`."""
        with Live(console=self._console, refresh_per_second=4, transient=True) as live:

            def show(counts: DemoCounts, elapsed_ms: float, run_ms: int | None) -> None:
                limit = f" of {run_ms // 1000} s" if run_ms is not None else " s"
                live.update(
                    f"{elapsed_ms / 1000:.0f}{limit} · {len(counts.devices)} heat pumps · "
                    f"{counts.readings:,} readings stored · {counts.active_alerts} alerts active · "
                    f"{counts.tickets} tickets"
                )

            yield show

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Show a spinner while the processes end."""
        with self._console.status("ending all processes, gateways first"):
            yield

    def conclude(self, report: dict[str, Any], verification: Verification) -> None:
        """Show the figures of the report, and the details of every failure."""
        table = Table(title="what happened against what was seen", show_header=False)
        for key, value in report.items():
            if isinstance(value, int | float):
                table.add_row(key.replace("_", " "), f"{value:,}")
        self._console.print(table)
        if not verification.clean:
            Terminal(stderr=True).print(verification.to_text(), highlight=False, markup=False)
