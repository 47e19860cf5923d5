"""`hearthwatch demo`: the whole system on one machine."""

from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.cli.output import AsJson


def demo(
    units: Annotated[
        int, typer.Option("--units", min=4, max=2000, help="Simulated heat pumps.")
    ] = 60,
    speed: Annotated[
        float, typer.Option("--speed", min=0.1, help="Simulated seconds per second.")
    ] = 1.0,
    seed: Annotated[
        int, typer.Option("--seed", help="The same seed gives the same houses and weather.")
    ] = 1,
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
        typer.Option("--data", help="Everything is written here; default: a new temporary folder."),
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option(
            "--for", help="Stop by itself after this long, like 120s, counted from ready."
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write a JSON report here at the end.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run everything here: simulated houses and heat pumps on real Modbus lines, village gateways,
    an MQTT broker, the reading store, alerts, tickets and the console.

    Within a minute of being ready a heat pump trips, a house falls below 18 °C and a gateway dies;
    their tickets appear on the page. Ctrl-C ends every process. With --for it stops by itself,
    compares what was injected with what was stored and ticketed, and exits with 1 if anything was
    lost, doubled, missed or false.
    """
    from hearthwatch.base.logs import configure_structured_logging
    from hearthwatch.base.signals import stop_on_signals
    from hearthwatch.demo.options import DemoOptions
    from hearthwatch.demo.run import run_demo

    configure_structured_logging()
    options = DemoOptions.checked(
        units, speed, seed, port, mqtt_port, data, duration, report, as_json
    )
    raise typer.Exit(run_demo(options, stop_on_signals()))
