"""`hearthwatch rules …`: the rules as data."""

from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.cli.output import AsJson, print_json

app = typer.Typer(help="Alert rules as data: validate and test them.", no_args_is_help=True)


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


@app.command("test")
def run_tests(
    files: Annotated[list[Path] | None, typer.Argument(help="Rule test files; default: the shipped ones.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run rule tests given as data: input series, and exactly the transitions that must come of them.

    Of each test that fails, what was expected is shown after `-` and what came instead after `+`, with times after the
    test's start. Exits with 1 if a test failed, with 2 if a file cannot be used. The operator guide has the notation;
    config/rules/tests has an example for every rule.
    """
    from rich.console import Console
    from rich.progress import track

    from hearthwatch.errors import FAILED
    from hearthwatch.rule_files import shipped_rule_files
    from hearthwatch.rule_testing import run_files, to_document, to_text

    chosen = files or shipped_rule_files("tests/*.toml")
    shown = Console(stderr=True)
    results = list(track(run_files(chosen), "testing", total=len(chosen), console=shown, transient=True))
    if as_json:
        print_json(to_document(results))
    else:
        typer.echo("\n".join(to_text(result) for result in results))
    if not all(result.passed for result in results):
        raise typer.Exit(FAILED)
