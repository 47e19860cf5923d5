"""`hearthwatch rules …`: the rules as data."""

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from hearthwatch.cli.output import AsJson, print_json

app = typer.Typer(help="Alert rules as data: validate, test and replay them.", no_args_is_help=True)


@app.command("check")
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Rule files; default: the shipped ones.")
    ] = None,
) -> None:
    """Validate rule files; names every mistake with file and key, and exits with 2 on any."""
    from alerts.rulebook import load_rules
    from alerts.settings import RulesSettings
    from hearthwatch.run.rule_files import shipped_rule_files

    for rule in load_rules(RulesSettings(files=files or shipped_rule_files())):
        typer.echo(f"{rule.id}: {rule.kind}, {rule.priority}")


@app.command("test")
def run_tests(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Rule test files; default: the shipped ones.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run rule tests given as data: input series, and exactly the transitions that must come of
    them.

    Of each test that fails, what was expected is shown after `-` and what came instead after `+`,
    with times after the test's start. Exits with 1 if a test failed, with 2 if a file cannot be
    used. The operator guide has the notation; config/rules/tests has an example for every rule.
    """
    from rich.console import Console
    from rich.progress import track

    from hearthwatch.base.errors import FAILED
    from hearthwatch.run.rule_files import shipped_rule_files
    from hearthwatch.trials.rule_tests import run_files, to_document, to_text

    chosen = files or shipped_rule_files("tests/*.toml")
    shown = Console(stderr=True)
    results = list(
        track(run_files(chosen), "testing", total=len(chosen), console=shown, transient=True)
    )
    if as_json:
        print_json(to_document(results))
    else:
        typer.echo("\n".join(to_text(result) for result in results))
    if not all(result.passed for result in results):
        raise typer.Exit(FAILED)


@app.command("replay")
def replay_history(
    since: Annotated[
        str, typer.Option("--from", help="First day or time, like 2025-11-01 or 2025-11-01T08:30.")
    ],
    until: Annotated[
        str | None, typer.Option("--to", help="End, not included; default now.")
    ] = None,
    config: Annotated[
        Path, typer.Option("--config", help="The server's TOML file, for its store.")
    ] = Path("server.toml"),
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", help="Rule files, instead of the server's rules and overrides."),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against", help="Rule files whose rules take the place of those of their id."
        ),
    ] = None,
    villages: Annotated[
        list[str] | None,
        typer.Option("--village", help="Only this village: its id, or town/village."),
    ] = None,
    devices: Annotated[
        list[str] | None, typer.Option("--device", help="Only this device; silence is left out.")
    ] = None,
    warm_up: Annotated[
        str,
        typer.Option(
            "--warm-up", help="Readings judged before --from, so that rules know the past."
        ),
    ] = "1d",
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Processes; default one for each processor."),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write every alert here, one line each.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Draw the alerts over time here, as a PNG.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What the rules would have raised over the readings of the store, and what other limits would
    change.

    Nothing is written to any database, and no ticket is opened. Counted are alerts that were active
    between --from and --to. With --against the same readings are judged twice: copy a rule file,
    change a limit, and see what only the one, only the other, or both would have raised, and how
    much earlier or later. Rules that learn for weeks (low_cop, suspected_leak, implausible_heat)
    need as long a --warm-up. Silence is taken from gaps in the readings; a backlog that came late
    leaves none.
    """
    import sys

    from rich.console import Console

    from hearthwatch.run.server_settings import load_server_settings
    from hearthwatch.trials.replay.command import ReplayOptions, replay

    settings = load_server_settings(config)
    asked = (rules or [], against or [], villages or [], devices or [])
    found = replay(ReplayOptions(since, until, warm_up, *asked, workers, csv, picture), settings)
    if as_json:
        print_json(found.to_document())
        return
    console = Console(width=None if sys.stdout.isatty() else 140)
    for table in found.tables(ZoneInfo(settings.season.timezone)):
        if table.row_count:
            console.print(table)
