"""`hearthwatch alerts …` and `hearthwatch server …`: the services, alone or together."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.base.errors import UnreachableError
from hearthwatch.base.printing import print_json, print_tables, print_text
from hearthwatch.cli.options import AsJson, ServerConfig, Since, Until

alerts_app = typer.Typer(
    help="Rules, alerts, tickets, the HTTP API and the console.", no_args_is_help=True
)
server_app = typer.Typer(help="All services of a district on one machine.", no_args_is_help=True)


@alerts_app.command("run")
def run_alerts(config: ServerConfig = Path("server.toml")) -> None:
    """Evaluate rules, keep alerts and tickets, and serve the API and the console.

    Runs until SIGTERM or Ctrl-C.
    """
    from configuration.links import refuse_links_below
    from configuration.state_files import require_state_files
    from hearthwatch.base.logs import configure_structured_logging
    from hearthwatch.base.signals import stop_on_signals
    from hearthwatch.run.alert_process import run_alert_process
    from hearthwatch.run.server_settings import load_server_settings

    configure_structured_logging()
    settings = load_server_settings(config)
    require_state_files(config, settings.alert_files)
    refuse_links_below(settings.alerts.state)
    run_alert_process(settings, stop_on_signals())


@server_app.command("run")
def run_server(config: ServerConfig = Path("server.toml")) -> None:
    """Run ingest and alerts as two processes until SIGTERM or Ctrl-C.

    A process that dies is started again. The broker runs apart (Mosquitto, EMQX or NATS). While it
    is missing the services wait, and /readyz names it.
    """
    from configuration.exclusive import exclusive
    from configuration.links import refuse_links_below
    from configuration.state_files import require_state_files
    from hearthwatch.base.logs import configure_structured_logging
    from hearthwatch.base.signals import stop_on_signals
    from hearthwatch.run.server_process import run_server_processes
    from hearthwatch.run.server_settings import load_server_settings

    configure_structured_logging()
    settings = load_server_settings(config)
    require_state_files(config, settings.ingest_files | settings.alert_files)
    refuse_links_below(settings.alerts.state)
    with exclusive(settings.alerts.state / "server", "another server process is using it"):
        run_server_processes(config, settings, stop_on_signals())


@server_app.command("check")
def check_server(config: ServerConfig = Path("server.toml"), as_json: AsJson = False) -> None:
    """Try all that the services need, make what is missing, and say what to do for the rest.

    Tried are the files, the reading store, the ticket database, the broker (certificate, login,
    every right), the console's scripts and the port. The services may run meanwhile. A point is
    written to the store and read back, not among the readings. Missing files, buckets, retentions
    and tables are made. Exits with 3 if anything is not ready.
    """
    from hearthwatch.base.terminal import Terminal
    from hearthwatch.run.server_check import server_checks
    from hearthwatch.run.server_settings import load_server_settings

    settings = load_server_settings(config)
    checks = []
    with Terminal(stderr=True).status("trying what the services need …"):
        for check in server_checks(config, settings):
            checks.append(check)
            if not as_json:
                print_text(f"{'ok' if check.good else 'NO':3} {check.name}: {check.text}")
    failed = [check.name for check in checks if not check.good]
    if as_json:
        print_json({"ready": not failed, "checks": [asdict(check) for check in checks]})
    if failed:
        raise UnreachableError(f"not ready: {', '.join(failed)}")


@alerts_app.command("performance")
def performance(
    since: Since,
    until: Until = None,
    town: Annotated[str | None, typer.Option("--town", help="Only this town.")] = None,
    village: Annotated[str | None, typer.Option("--village", help="Only this village.")] = None,
    config: ServerConfig = Path("server.toml"),
    as_json: AsJson = False,
) -> None:
    """Measure how well the alarms serve the people on duty (ISA-18.2, IEC 62682).

    Shows alerts per operator and hour, floods, chattering, fleeting and stale alarms, the ten most
    frequent alarms, and the share of each priority. Each figure stands beside the recommended one.
    `[alerts] operators` is how many people are on duty at once. Times are in the time zone of
    `[season]`.
    """

    from hearthwatch.base.periods import parse_period
    from hearthwatch.run.server_settings import load_server_settings
    from hearthwatch.tables.alarm_performance import measure_performance, performance_tables
    from wire.wall_clock import wall_clock_ms

    settings = load_server_settings(config)
    zone = settings.season.zone
    figures = measure_performance(
        settings.tickets.address,
        parse_period(since, until, zone, wall_clock_ms()),
        settings.alerts.operators,
        town=town,
        village=village,
    )
    if as_json:
        print_json(figures.to_document())
    else:
        print_tables(*performance_tables(figures, zone))
