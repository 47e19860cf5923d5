"""The tree of commands."""

from typing import Annotated

import typer

from hearthwatch import __version__
from hearthwatch.base.logs import configure_logging
from hearthwatch.base.printing import print_text
from hearthwatch.cli import (
    accounts,
    audit,
    backup,
    boxes,
    configuration,
    demo,
    gateway,
    ingest,
    rules,
    server,
    simulate,
    verify,
    watch,
)

app = typer.Typer(
    name="hearthwatch",
    help="Telemetry, fault detection and repair dispatch for fleets of air-source heat pumps.\n\n"
    "Start with `hearthwatch demo`: the whole system on this machine, with simulated houses.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.add_typer(gateway.app, name="gateway")
app.add_typer(ingest.app, name="ingest")
app.add_typer(server.alerts_app, name="alerts")
app.add_typer(server.server_app, name="server")
app.add_typer(rules.app, name="rules")
app.add_typer(simulate.app, name="simulate")
app.command("verify")(verify.verify)
app.command("watch")(watch.watch)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(accounts.user_app, name="user")
app.add_typer(accounts.token_app, name="token")
app.add_typer(audit.app, name="audit")
app.add_typer(boxes.box_app, name="box")
app.add_typer(configuration.app, name="config")


def _show_version(wanted: bool) -> None:
    if wanted:
        print_text(f"hearthwatch {__version__}")
        raise typer.Exit


@app.callback()
def _start(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    log_level: Annotated[
        str | None, typer.Option("--log-level", help="debug, info, warning or error; default info.")
    ] = None,
) -> None:
    configure_logging(log_level)
