"""Results on standard output: one JSON document for programs, tables for people."""

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

_PLAIN_WIDTH: Final = 140  # columns where standard output is not a terminal


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON document on one line, flushed so that a reading program sees it at once."""
    typer.echo(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def print_tables(*tables: "RenderableType") -> None:
    """Print tables and lines of text, as wide as the terminal."""
    from rich.console import Console  # a gateway has no table to print and saves its memory

    console = Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
    for table in tables:
        console.print(table)
