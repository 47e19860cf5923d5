"""`hearthwatch gateway …`: the village box."""

from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.cli.output import AsJson, print_json

app = typer.Typer(
    help="The village box: poll heat pumps over Modbus and publish their readings.",
    no_args_is_help=True,
)

Config = Annotated[
    Path,
    typer.Option("--config", help="The gateway's TOML file (see config/examples/gateway.toml)."),
]


@app.command("run")
def run(config: Config = Path("gateway.toml")) -> None:
    """Poll all buses and publish until SIGTERM or Ctrl-C; SIGHUP reads the configuration again.

    A missing broker is waited for: readings are kept in the journal meanwhile. A configuration that
    is refused on SIGHUP is logged, and the last good one stays.
    """
    from configuration.load import load
    from gateway_agent.profile.loading import load_profiles
    from gateway_agent.settings import GatewaySettings
    from gateway_agent.status.systemd import Notifier
    from gateway_agent.supervise import Configuration, GatewaySupervisor, Signals
    from hearthwatch.base.resources import profile_folders
    from hearthwatch.base.signals import reload_on_hangup, stop_on_signals

    def read() -> Configuration:
        settings = load(config, GatewaySettings)
        return Configuration(
            settings, load_profiles(settings.profile_references(), profile_folders(), config)
        )

    GatewaySupervisor(read, Signals(stop_on_signals(), reload_on_hangup()), Notifier()).run()


@app.command("check")
def check(config: Config = Path("gateway.toml"), as_json: AsJson = False) -> None:
    """Validate the configuration and print each device's read plan and each line's bus-time budget.

    No bus is touched. Exits with 2 where a key is wrong or a line cannot be polled within its
    interval.
    """
    from configuration.load import ConfigurationError, load
    from gateway_agent.polling.bus_budget import check_gateway
    from gateway_agent.profile.loading import load_profiles
    from gateway_agent.settings import GatewaySettings
    from hearthwatch.base.resources import profile_folders

    settings = load(config, GatewaySettings)
    profiles = load_profiles(settings.profile_references(), profile_folders(), config)
    report = check_gateway(settings, profiles, config)
    if as_json:
        print_json(report.to_document())
    else:
        typer.echo(report.to_text())
    if report.problems:
        raise ConfigurationError(list(report.problems))


@app.command("scan")
def scan(
    url: Annotated[
        str,
        typer.Argument(
            help="The bus: serial:///dev/ttyS1, rtu+tcp://HOST:PORT or tcp://HOST:PORT."
        ),
    ],
    addresses: Annotated[
        str, typer.Option("--addresses", help="The Modbus addresses to try, as FIRST-LAST.")
    ] = "1-32",
    speeds: Annotated[
        str,
        typer.Option(
            "--speeds", help="Baud rates to try; the first that anybody answers at is kept."
        ),
    ] = "9600,19200,4800",
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.02, max=10, help="Seconds to wait for an answer.")
    ] = 0.3,
    as_json: AsJson = False,
) -> None:
    """Probe a bus and name the register map that fits each address. Only reads; stop the gateway
    first.

    Parity and stop bits are those of URL, whose baud, where it names one, is the only speed tried.
    Exits with 3 where the bus cannot be opened.
    """
    from gateway_agent.bus.address import parse_line
    from gateway_agent.bus.transport import LineDown
    from gateway_agent.profile.loading import shipped_profiles
    from hearthwatch.base.errors import UnreachableError, UsageError
    from hearthwatch.base.resources import profile_folders
    from hearthwatch.cli.scanning import addresses_of, run_scan, speeds_of

    try:
        line = parse_line(url)
        wanted = [line.baud] if "baud=" in url else speeds_of(speeds)
        found = run_scan(
            line, wanted, addresses_of(addresses), shipped_profiles(profile_folders()), timeout
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    except LineDown as error:
        raise UnreachableError(f"{url}: {error}") from error
    if as_json:
        print_json({"units": [unit.to_document() for unit in found]})
        return
    for unit in found:
        fits = ", ".join(
            f"{each.profile} {100 * each.score:.0f} %" for each in unit.candidates if each.score > 0
        )
        name = unit.profile or "no map fits clearly"
        typer.echo(
            f"{unit.line.name} {unit.line.baud} baud, address {unit.address}: {name} ({fits or 'none'})"
        )
    if not found:
        typer.echo(
            "nobody answers; check wiring, parity and stop bits, and that no other program uses the bus"
        )
