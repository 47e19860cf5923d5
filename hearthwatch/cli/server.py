"""`hearthwatch alerts|server run`: the services, alone or together."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.cli.output import AsJson, print_json
from hearthwatch.errors import UnreachableError

alerts_app = typer.Typer(help="Rules, alerts, tickets, the HTTP API and the console.", no_args_is_help=True)
server_app = typer.Typer(help="All services of a district on one machine.", no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", help="The server's TOML file (see config/examples/server.toml).")]


@alerts_app.command("run")
def run_alerts(config: Config = Path("server.toml")) -> None:
    """Evaluate rules, keep alerts and tickets, serve the API and the console until SIGTERM or Ctrl-C."""
    from hearthwatch.alert_process import run_alert_process
    from hearthwatch.logs import configure_structured_logging
    from hearthwatch.server_settings import load_server_settings
    from hearthwatch.signals import stop_on_signals

    configure_structured_logging()
    run_alert_process(load_server_settings(config), stop_on_signals())


@server_app.command("run")
def run_server(config: Config = Path("server.toml")) -> None:
    """Run ingest and alerts as two processes, each started again if it dies, until SIGTERM or Ctrl-C.

    The broker runs apart (Mosquitto, EMQX or NATS); it is waited for, and /readyz says when it is missing.
    """
    from hearthwatch.logs import configure_structured_logging
    from hearthwatch.server_process import run_server_processes
    from hearthwatch.server_settings import load_server_settings
    from hearthwatch.signals import stop_on_signals

    configure_structured_logging()
    run_server_processes(config, load_server_settings(config), stop_on_signals())


@server_app.command("check")
def check_server(config: Config = Path("server.toml"), as_json: AsJson = False) -> None:
    """Try the reading store: make what is missing (file, bucket, retention), then write a point and read it back.

    Nothing is written among the readings. Exits with 3, and says what to do, where the store is not ready.
    """
    from rich.console import Console

    from hearthwatch.server_settings import load_server_settings
    from ingest.store.trial import try_store

    settings = load_server_settings(config).store
    findings = []
    with Console(stderr=True).status(f"trying {settings.url} …"):
        for one in try_store(settings):
            findings.append(one)
            if not as_json:
                typer.echo(f"{'ok' if one.good else 'NO':3} {one.name}: {one.text}")
    if as_json:
        print_json({"ready": findings[-1].good, "checks": [asdict(one) for one in findings]})
    if not findings[-1].good:
        raise UnreachableError(f"the reading store is not ready ({findings[-1].name})")
