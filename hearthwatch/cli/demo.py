"""`hearthwatch demo`: the whole system on one machine."""

from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.cli.options import AsJson, Seed, Speed


def demo(
    units: Annotated[
        int, typer.Option("--units", min=4, max=2000, help="How many simulated heat pumps.")
    ] = 60,
    speed: Speed = 1.0,
    seed: Seed = 1,
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65535, help="The console's port; 0 takes a free one."),
    ] = 8080,
    mqtt_port: Annotated[
        int,
        typer.Option(
            "--mqtt-port", min=0, max=65535, help="The broker's port; 0 takes a free one."
        ),
    ] = 1883,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="The folder for all files; default: a new temporary one."),
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option(
            "--for",
            help="Stop after this time, like 120s, counted from when the system is ready.",
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write a JSON report here at the end.")
    ] = None,
    quirks: Annotated[
        str,
        typer.Option(
            "--quirks",
            help="Bad habits of one line, like echo,noise or unplug; "
            "`simulate bus --quirks list` explains them.",
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Run the whole system on this machine.

    Starts simulated houses and heat pumps on real Modbus lines, village gateways, an MQTT broker,
    the reading store, alerts, tickets and the console. Within a minute a heat pump trips, a house
    falls below 18 °C and a gateway dies; their tickets appear on the page.

    Ctrl-C ends every process. With --for the demo stops after that time, compares what was
    injected with what was stored and ticketed, and exits with 1 if anything was lost, duplicated,
    missed or false.
    """
    from hearthwatch.base.errors import UsageError
    from hearthwatch.base.logs import configure_structured_logging
    from hearthwatch.base.periods import parse_length
    from hearthwatch.base.signals import stop_on_signals
    from hearthwatch.demo.options import DemoOptions, data_folder
    from hearthwatch.demo.ports import usable_port
    from hearthwatch.demo.run import run_demo
    from hearthwatch.run.simulated_bus import quirk_names
    from simulators.unit.quirks import parse_quirks

    configure_structured_logging()
    try:
        parse_quirks(awkward := quirk_names(quirks))
    except ValueError as error:
        raise UsageError(f"--quirks: {error}") from error
    options = DemoOptions(
        units=units,
        speed=speed,
        seed=seed,
        run_ms=None if duration is None else parse_length("--for", duration),
        port=usable_port(port, "--port"),
        mqtt_port=usable_port(mqtt_port, "--mqtt-port"),
        data=data_folder(data),
        report=report,
        as_json=as_json,
        quirks=awkward,
    )
    raise typer.Exit(run_demo(options, stop_on_signals()))
