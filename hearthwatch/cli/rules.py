"""`hearthwatch rules …`: the rules as data."""

from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.base.printing import print_json, print_tables, print_text
from hearthwatch.cli.options import AsJson, Since, Until

app = typer.Typer(help="Alert rules as data: validate, test and replay them.", no_args_is_help=True)


@app.command("check")
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Rule files; default: the shipped ones.")
    ] = None,
) -> None:
    """Validate rule files.

    Every mistake is named with its file and key. Exits with 2 if there is any.
    """
    from alerts.rulebook import load_rules
    from alerts.settings import RulesSettings
    from hearthwatch.base.resources import shipped_rule_files

    for rule in load_rules(RulesSettings(files=files or shipped_rule_files())):
        print_text(f"{rule.id}: {rule.kind}, {rule.priority}")


@app.command("test")
def run_tests(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Rule test files; default: the shipped ones.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run rule tests given as data: input series, and the exact transitions they must cause.

    For each test that fails, expected transitions are shown after `-` and actual ones after `+`,
    with times from the test's start. Exits with 1 if a test failed, and with 2 if a file has
    mistakes. The operator guide explains the notation; config/rules/tests has an example for every
    rule.
    """
    from rich.progress import track

    from hearthwatch.base.errors import FAILED
    from hearthwatch.base.resources import shipped_rule_files
    from hearthwatch.base.terminal import Terminal
    from hearthwatch.trials.rule_tests import run_files, to_document, to_text

    chosen = files or shipped_rule_files("tests/*.toml")
    shown = Terminal(stderr=True)
    results = list(
        track(run_files(chosen), "testing", total=len(chosen), console=shown, transient=True)
    )
    if as_json:
        print_json(to_document(results))
    else:
        print_text("\n".join(to_text(result) for result in results))
    if not all(result.passed for result in results):
        raise typer.Exit(FAILED)


@app.command("replay")
def replay_history(
    since: Since,
    until: Until = None,
    config: Annotated[
        Path, typer.Option("--config", help="The server's TOML file; it names the store.")
    ] = Path("server.toml"),
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", help="Rule files, instead of the server's rules and overrides."),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against", help="Rule files to compare with: each rule replaces that of its id."
        ),
    ] = None,
    villages: Annotated[
        list[str] | None,
        typer.Option("--village", help="Only this village: its id, or town/village."),
    ] = None,
    devices: Annotated[
        list[str] | None,
        typer.Option("--device", help="Only this device, without the rules over silence."),
    ] = None,
    warm_up: Annotated[
        str,
        typer.Option(
            "--warm-up", help="Readings evaluated before --from, so that rules know the past."
        ),
    ] = "1d",
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Processes; default: one for each processor."),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write every alert here, one line each.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Draw the alerts over time here, as a PNG.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the rules would have raised over stored readings, and what other limits change.

    No database is changed, and no ticket is opened. Alerts that were active between --from and
    --to count. With --against the same readings are evaluated twice: copy a rule file, change a
    limit, and see which alerts only the old rules, only the new rules, or both raise, and how much
    earlier or later.

    Rules that learn for weeks (low_cop, suspected_leak, implausible_heat) need as long a --warm-up.
    Silence is derived from gaps in the readings; readings that arrived late leave no gap.
    """

    from hearthwatch.run.server_settings import load_server_settings
    from hearthwatch.trials.replay.command import replay
    from hearthwatch.trials.replay.options import ReplayOptions

    settings = load_server_settings(config)
    options = ReplayOptions(
        since=since,
        until=until,
        warm_up=warm_up,
        rules=rules or [],
        against=against or [],
        villages=villages or [],
        devices=devices or [],
        workers=workers,
        csv=csv,
        picture=picture,
    )
    result = replay(options, settings)
    if as_json:
        print_json(result.to_document())
    else:
        print_tables(*result.to_tables(settings.season.zone))
