"""The table of a benchmark: one row for each figure, with its aim."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure in `unit`; `aim` is text like `≤ 15`, `note` how it was measured."""

    name: str
    value: float
    unit: str
    aim: str = ""
    note: str = ""


def print_table(rows: Sequence[Row]) -> None:
    """Print `rows` as a table on standard output."""
    table = Table(box=None, pad_edge=False)
    for heading in ("figure", "value", "unit", "aim", "note"):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for row in rows:
        table.add_row(row.name, _significant(row.value), row.unit, row.aim, row.note)
    Console().print(table)


def _significant(value: float) -> str:
    """Return three significant digits in plain notation."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
