"""A backup as text: its parts, and what is to be run for the parts that lie elsewhere."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Literal

from rich.table import Table

from hearthwatch.backup.manifest import CopiedPart, Manifest


def backup_table(manifest: Manifest, zone: tzinfo) -> Table:
    """Return the table of the parts; times are in `zone`."""
    table = Table(box=None, pad_edge=False)
    for heading in ("part", "copied at", "bytes", "rows"):
        table.add_column(heading, justify="left" if heading in ("part", "copied at") else "right")
    for part in manifest.parts:
        table.add_row(part.name, _time(part, zone), f"{part.size:,}", _rows(part))
    return table


def commands_elsewhere(
    manifest: Manifest, direction: Literal["back_up", "restore"]
) -> Iterator[str]:
    """Yield what was not copied, with the commands for databases with tools of their own."""
    if manifest.absent and direction == "back_up":
        yield f"not copied, because there is no such file: {', '.join(manifest.absent)}"
    for foreign in manifest.elsewhere:
        yield f"not copied: {foreign.name} is {foreign.address}; run the lines of its version:"
        commands = foreign.back_up if direction == "back_up" else foreign.restore
        yield from (f"  {command}" for command in commands)


def _time(part: CopiedPart, zone: tzinfo) -> str:
    return datetime.fromtimestamp(part.at / 1_000, zone).strftime("%Y-%m-%d %H:%M:%S")


def _rows(part: CopiedPart) -> str:
    return f"{sum(part.rows.values()):,}" if part.rows else ""
