"""`hearthwatch rules …`: the rules as data."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Alert rules as data: validate them.", no_args_is_help=True)


@app.command("check")
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Rule files; default: the shipped ones.")] = None,
) -> None:
    """Validate rule files; names every mistake with file and key, and exits with 2 on any."""
    from hearthwatch.resources import config_folder
    from hearthwatch.rule_files import load_rules

    paths = files or sorted((config_folder() / "rules").glob("*.toml"))
    for rule in load_rules(paths):
        typer.echo(f"{rule.id}: {rule.kind}, {rule.priority}")
