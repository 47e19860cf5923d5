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
    from alerts.rulebook import load_rules
    from alerts.settings import RulesSettings
    from hearthwatch.rule_files import shipped_rule_files

    for rule in load_rules(RulesSettings(files=files or shipped_rule_files())):
        typer.echo(f"{rule.id}: {rule.kind}, {rule.priority}")
