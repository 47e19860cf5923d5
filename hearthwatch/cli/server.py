"""`hearthwatch alerts …` and `hearthwatch server …`: the services, alone or together."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.base.errors import UnreachableError
from hearthwatch.cli.output import AsJson, print_json

alerts_app = typer.Typer(
    help="Rules, alerts, tickets, the HTTP API and the console.", no_args_is_help=True
)
server_app = typer.Typer(help="All services of a district on one machine.", no_args_is_help=True)

Config = Annotated[
    Path, typer.Option("--config", help="The server's TOML file (see config/examples/server.toml).")
]


@alerts_app.command("run")
def run_alerts(config: Config = Path("server.toml")) -> None:
    """Evaluate rules, keep alerts and tickets, serve the API and the console until SIGTERM or
    Ctrl-C."""
    from hearthwatch.base.logs import configure_structured_logging
    from hearthwatch.base.signals import stop_on_signals
    from hearthwatch.run.alert_process import run_alert_process
    from hearthwatch.run.server_settings import load_server_settings

    configure_structured_logging()
    run_alert_process(load_server_settings(config), stop_on_signals())


@server_app.command("run")
def run_server(config: Config = Path("server.toml")) -> None:
    """Run ingest and alerts as two processes, each started again if it dies, until SIGTERM or
    Ctrl-C.

    The broker runs apart (Mosquitto, EMQX or NATS); it is waited for, and /readyz says when it is
    missing.
    """
    from hearthwatch.base.logs import configure_structured_logging
    from hearthwatch.base.signals import stop_on_signals
    from hearthwatch.run.server_process import run_server_processes
    from hearthwatch.run.server_settings import load_server_settings

    configure_structured_logging()
    run_server_processes(config, load_server_settings(config), stop_on_signals())


@server_app.command("check")
def check_server(config: Config = Path("server.toml"), as_json: AsJson = False) -> None:
    """Try the reading store: make what is missing (file, bucket, retention), then write a point and
    read it back.

    Nothing is written among the readings. Exits with 3, and says what to do, where the store is not
    ready.
    """
    from rich.console import Console

    from hearthwatch.run.server_settings import load_server_settings
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


@alerts_app.command("performance")
def performance(
    since: Annotated[
        str, typer.Option("--from", help="First day or time, like 2025-11-01 or 2025-11-01T08:30.")
    ],
    until: Annotated[
        str | None, typer.Option("--to", help="End, not included; default now.")
    ] = None,
    town: Annotated[str | None, typer.Option("--town", help="Only this town.")] = None,
    village: Annotated[str | None, typer.Option("--village", help="Only this village.")] = None,
    config: Config = Path("server.toml"),
    as_json: AsJson = False,
) -> None:
    """How well the alarms serve those who answer them: the figures of ISA-18.2 and IEC 62682.

    Alerts per operator and hour, floods, chattering, fleeting and stale alarms, the ten most
    frequent ones, and the priorities, each beside what is recommended. `[alerts] operators` says
    how many are on duty at once. Times are local, in the time zone of `[season]`.
    """
    from zoneinfo import ZoneInfo

    from hearthwatch.run.server_settings import load_server_settings
    from hearthwatch.tables.alarm_performance import find_performance, print_performance

    settings = load_server_settings(config)
    found = find_performance(settings, since, until, town, village)
    if as_json:
        print_json(found.to_document())
    else:
        print_performance(found, ZoneInfo(settings.season.timezone))
