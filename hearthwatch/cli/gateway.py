"""`hearthwatch gateway …`: the village box."""

from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.base.printing import print_json, print_text
from hearthwatch.cli.options import AsJson, GatewayConfig

app = typer.Typer(
    help="The village box: poll heat pumps over Modbus and publish their readings.",
    no_args_is_help=True,
)


@app.command("run")
def run(config: GatewayConfig = Path("gateway.toml")) -> None:
    """Poll all buses and publish the readings until SIGTERM or Ctrl-C.

    While the broker is missing, the journal keeps the readings. SIGHUP reads the configuration
    again; a configuration with mistakes is logged, and the gateway continues with the last good
    one.
    """
    from hearthwatch.base.signals import reload_on_hangup, stop_on_signals
    from hearthwatch.run.gateway_process import run_gateway

    run_gateway(config, stop_on_signals(), reload_on_hangup())


@app.command("check")
def check(
    config: GatewayConfig = Path("gateway.toml"),
    live: Annotated[
        bool,
        typer.Option("--live", help="Also ask the running gateway what its units refuse now."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the configuration; print the read plan of each device and the bus time of each line.

    No bus is opened. Exits with 2 if a key is wrong, or if a line cannot be polled within its
    interval; with 3 if --live cannot reach the gateway.
    """
    from configuration.load import ConfigurationError
    from gateway_agent.polling.bus_budget import check_gateway
    from gateway_agent.status.limits import limits_text
    from hearthwatch.run.gateway_process import live_limits, read_configuration

    configuration = read_configuration(config)
    report = check_gateway(configuration.settings, configuration.profiles, config)
    limits = live_limits(configuration.settings) if live else None
    if as_json:
        print_json(report.to_document() | ({} if limits is None else {"live": limits}))
    else:
        print_text(
            "\n".join([report.to_text(), *([] if limits is None else [limits_text(limits)])])
        )
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
            "--speeds", help="Baud rates to try; the scan ends at the first that gets an answer."
        ),
    ] = "9600,19200,4800",
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.02, max=10, help="Seconds to wait for an answer.")
    ] = 0.3,
    profiles: Annotated[
        list[Path] | None,
        typer.Option("--profiles", help="A folder of your own profiles, tried with the shipped."),
    ] = None,
    every_address: Annotated[
        bool, typer.Option("--all", help="Try every address of the line, in steps of 32.")
    ] = False,
    watch: Annotated[
        str,
        typer.Option(
            "--watch", help="Read the found units for so long; name what never moves, as in 10m."
        ),
    ] = "0s",
    as_toml: Annotated[
        bool, typer.Option("--toml", help="Print [[bus]] and [[bus.device]] for gateway.toml.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Probe a bus and name the register map that fits each address.

    Stop the gateway first: two masters on one bus disturb each other. The scan only reads. Parity
    and stop bits come from URL. If URL names a baud rate, that is the only speed tried. Exits with
    2 if a profile in --profiles has mistakes, and with 3 if the bus cannot be opened.
    """
    from gateway_agent.bus.address import parse_line
    from gateway_agent.bus.transport import LineDown
    from hearthwatch.base.errors import UnreachableError, UsageError
    from hearthwatch.run import gateway_process as process
    from hearthwatch.tables.scanned_units import scan_text, scan_toml
    from wire.durations import parse_duration

    try:
        line = parse_line(url)
        wanted = [line.baud] if "baud=" in url else process.parse_speeds(speeds)
        chosen = process.parse_addresses(addresses, line)
        steps = process.steps_of(line.addresses) if every_address else [chosen]
        tried = process.profiles_to_try(profiles or [])
        report = process.BusScan(
            tried,
            timeout,
            parse_duration(watch) / 1_000,
            lambda found: print_text(scan_text(found), err=True) if found and steps[1:] else None,
        )
        units = process.scan_bus(line, wanted, steps, report)
    except ValueError as error:
        raise UsageError(str(error)) from error
    except LineDown as error:
        raise UnreachableError(f"{url}: {error}") from error
    if as_json:
        print_json({"units": [unit.to_document() for unit in units]})
    else:
        print_text(scan_toml(units) if as_toml else scan_text(units))
