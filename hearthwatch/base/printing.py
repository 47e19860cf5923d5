"""Results on standard output: one JSON document for programs, tables and text for people."""

import sys
from typing import TYPE_CHECKING, Any, Final

import typer

from wire.plain_text import printable_json, printable_lines

if TYPE_CHECKING:
    from rich.console import RenderableType

_PLAIN_WIDTH: Final = 140  # columns where standard output is not a terminal


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON document on one line, flushed so that a reading program sees it at once."""
    typer.echo(printable_json(document))


def print_text(text: object, *, err: bool = False) -> None:
    """Print lines of text, to standard error if `err`; what could steer a terminal is escaped."""
    typer.echo(printable_lines(str(text)), err=err)


def print_tables(*tables: "RenderableType") -> None:
    """Print tables and lines of text, as wide as the terminal."""
    from hearthwatch.base.terminal import Terminal  # a gateway prints none and saves the memory

    terminal = Terminal(width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
    for table in tables:
        terminal.print(table)
