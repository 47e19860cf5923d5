"""`hearthwatch simulate …`: heat pumps, houses and weather that behave like the real thing."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Simulated heat pumps behind real Modbus.", no_args_is_help=True)


@app.command("bus")
def bus(
    config: Annotated[
        Path | None,
        typer.Option("--config", help="A TOML file that describes several lines; replaces the other options."),
    ] = None,
    tcp: Annotated[str | None, typer.Option("--tcp", help="Serve Modbus TCP on HOST:PORT.")] = None,
    pty: Annotated[
        Path | None, typer.Option("--pty", help="Serve Modbus RTU on a pseudo-terminal that appears at this path.")
    ] = None,
    profile: Annotated[str, typer.Option("--profile", help="The register map.")] = "midea-mthermal",
    units: Annotated[int, typer.Option("--units", min=1, max=247, help="How many heat pumps on the line.")] = 1,
    first_address: Annotated[int, typer.Option("--first-address", min=1, max=247, help="Address of the first.")] = 1,
    scenario: Annotated[
        str, typer.Option("--scenario", help="A name in config/scenarios or a TOML file: weather, houses, faults.")
    ] = "quiet",
    baud: Annotated[int, typer.Option("--baud", help="The line's speed, which paces RTU answers.")] = 9600,
    quirks: Annotated[str, typer.Option("--quirks", help="Line faults to reproduce, comma-separated.")] = "",
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same houses and weather.")] = 1,
    speed: Annotated[float, typer.Option("--speed", min=0.1, help="Simulated seconds per second.")] = 1.0,
    truth: Annotated[Path | None, typer.Option("--truth", help="Append the ground truth here, JSON lines.")] = None,
) -> None:
    """Serve heat pumps as Modbus slaves until SIGTERM or Ctrl-C; an address without a unit stays silent."""
    from hearthwatch.logs import configure_structured_logging
    from hearthwatch.signals import stop_on_signals
    from hearthwatch.simulation import run_bus, settings_for

    configure_structured_logging()
    flags = {
        "tcp": tcp,
        "pty": pty,
        "profile": profile,
        "units": units,
        "first_address": first_address,
        "scenario": scenario,
        "baud": baud,
        "quirks": quirks,
        "seed": seed,
        "speed": speed,
        "truth": truth,
    }
    run_bus(settings_for(config, flags), stop_on_signals())
