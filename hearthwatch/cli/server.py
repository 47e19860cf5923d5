"""`hearthwatch alerts|server run`: the services, alone or together."""

from pathlib import Path
from typing import Annotated

import typer

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
