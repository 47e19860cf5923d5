"""How commands print a result: text for people, one JSON document for programs."""

import json
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


def print_json(document: dict[str, Any]) -> None:
    """One JSON document on one line of standard output, flushed so that a reading program sees it
    at once."""
    typer.echo(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
