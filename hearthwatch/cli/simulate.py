"""`hearthwatch simulate …`: heat pumps, houses and weather that behave like the real thing."""

from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.base.periods import parse_length
from hearthwatch.base.printing import print_json, print_tables, print_text
from hearthwatch.cli.options import AsJson, BrokerConfig, BrokerUrl, ScenarioName, Seed, Speed

app = typer.Typer(
    help="Simulated heat pumps: behind real Modbus, or a whole heating season of a district.",
    no_args_is_help=True,
)


@app.command("bus")
def bus(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", help="A TOML file that describes several lines; replaces the other options."
        ),
    ] = None,
    tcp: Annotated[str | None, typer.Option("--tcp", help="Serve Modbus TCP on HOST:PORT.")] = None,
    rtu_tcp: Annotated[
        str | None,
        typer.Option(
            "--rtu-tcp", help="Serve RTU frames on HOST:PORT, as a transparent serial server does."
        ),
    ] = None,
    pty: Annotated[
        Path | None,
        typer.Option(
            "--pty", help="Serve Modbus RTU on a pseudo-terminal that appears at this path."
        ),
    ] = None,
    profile: Annotated[
        str, typer.Option("--profile", help="The brand: a name in config/profiles.")
    ] = "midea-mthermal",
    units: Annotated[
        int, typer.Option("--units", min=1, max=247, help="How many heat pumps on the line.")
    ] = 1,
    first_address: Annotated[
        int, typer.Option("--first-address", min=1, max=247, help="Address of the first.")
    ] = 1,
    scenario: ScenarioName = "quiet",
    baud: Annotated[
        int | None,
        typer.Option(
            "--baud",
            help="The line's speed, which paces answers; default: the brand's, for RTU.",
        ),
    ] = None,
    parity: Annotated[
        str | None, typer.Option("--parity", help="N, E or O; default: the brand's.")
    ] = None,
    stop: Annotated[
        int | None, typer.Option("--stop", help="Stop bits, 1 or 2; default: the brand's.")
    ] = None,
    quirks: Annotated[
        str,
        typer.Option(
            "--quirks",
            help="Misbehaviour of real units and lines, such as late:0.02,silence; "
            "`list` explains all.",
        ),
    ] = "",
    seed: Seed = 1,
    speed: Speed = 1.0,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="Append the ground truth here, JSON lines.")
    ] = None,
) -> None:
    """Serve heat pumps as Modbus slaves until SIGTERM or Ctrl-C.

    Each brand refuses, limits and obeys as its own controller does. `--quirks` adds misbehaviour
    seen on other units. An address without a unit stays silent.
    """
    from configuration.load import load
    from hearthwatch.base.logs import configure_structured_logging
    from hearthwatch.base.resources import find_scenario
    from hearthwatch.base.signals import stop_on_signals
    from hearthwatch.run.simulated_bus import mistakes_by_option, quirk_list, quirk_names, run_bus
    from simulators.live.settings import SimulationSettings, settings_from_flags

    if quirks == "list":
        print_text(quirk_list())
        return
    configure_structured_logging()
    if config is not None:
        run_bus(load(config, SimulationSettings), stop_on_signals())
        return
    with mistakes_by_option():
        settings = settings_from_flags(
            tcp=tcp,
            rtu_tcp=rtu_tcp,
            pty=pty,
            profile=profile,
            units=units,
            first_address=first_address,
            scenario=find_scenario(scenario),
            baud=baud,
            parity=parity,
            stop=stop,
            quirks=quirk_names(quirks),
            seed=seed,
            speed=speed,
            truth=truth,
        )
    run_bus(settings, stop_on_signals())


@app.command("fleet")
def fleet(
    config: BrokerConfig = None,
    url: BrokerUrl = None,
    units: Annotated[int, typer.Option("--units", min=1, help="How many heat pumps.")] = 57_000,
    gateways: Annotated[
        int, typer.Option("--gateways", min=1, help="How many gateways they stand behind.")
    ] = 1_900,
    interval: Annotated[
        str, typer.Option("--interval", help="The time between two polls of a unit.")
    ] = "30s",
    speed: Annotated[
        float,
        typer.Option(
            "--speed",
            min=0.1,
            help="Poll this many times faster; readings carry the time of the wall clock.",
        ),
    ] = 1.0,
    scenario: ScenarioName = "quiet",
    seed: Seed = 1,
    lasts: Annotated[
        str | None, typer.Option("--for", help="Stop after this time, like 10m; default: never.")
    ] = None,
    drops_per_hour: Annotated[
        float,
        typer.Option(
            "--drops-per-hour", min=0.0, help="How often each gateway's connection is cut."
        ),
    ] = 0.0,
    journal_messages: Annotated[
        int,
        typer.Option(
            "--journal", min=10, help="Messages a gateway keeps until the store has them."
        ),
    ] = 240,
    as_json: AsJson = False,
) -> None:
    """Send a whole district's telemetry to a broker, for load tests.

    Each gateway has its own MQTT session, journal and last will. A reading counts as delivered
    when the watermark of `ingest run` covers it. Exits with 1 if readings still waited for the
    watermark at the end, and with 3 if there is no broker.
    """
    from hearthwatch.base.signals import stop_on_signals
    from hearthwatch.run.server_settings import load_broker_settings
    from hearthwatch.run.simulated_fleet import FleetOptions, run_fleet
    from hearthwatch.tables.fleet_counts import live_counts

    options = FleetOptions(
        units=units,
        gateways=gateways,
        interval_s=parse_length("--interval", interval) / 1000.0,
        speed=speed,
        scenario=scenario,
        seed=seed,
        drops_per_hour=drops_per_hour,
        journal_messages=journal_messages,
        lasts_s=None if lasts is None else parse_length("--for", lasts) / 1000.0,
    )
    mqtt = load_broker_settings(config, url).mqtt
    with live_counts() as show:
        result = run_fleet(options, mqtt, stop_on_signals(), show)
    if as_json:
        print_json(result)
    else:
        print_text("\n".join(f"{name:16} {value:>12,}" for name, value in result.items()))
    raise typer.Exit(1 if result["waiting"] else 0)


@app.command("season")
def season(
    scenario: ScenarioName = "season-of-a-township",
    units: Annotated[
        int, typer.Option("--units", min=1, max=200_000, help="How many heat pumps.")
    ] = 2_000,
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How many days.")] = 151,
    start: Annotated[
        str, typer.Option("--start", help="The first day, YYYY-MM-DD in Asia/Shanghai.")
    ] = "2025-11-01",
    step: Annotated[
        str, typer.Option("--step", help="The time between two readings of a unit.")
    ] = "5m",
    seed: Annotated[
        int, typer.Option("--seed", help="The same seed gives the same season, byte for byte.")
    ] = 1,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=64, help="Processes; default: one for each core."),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="Write what really happened here, JSON lines.")
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="Draw the most eventful unit and the fleet here, as a PNG."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a simulated season through all shipped rules and compare the alerts with the truth.

    No network is used. The output shows for each class of fault how many were injected and how
    many were detected, how many alerts were false, and how long detection took. A whole district
    is --units 57000. The result depends on scenario, units, days, start, step and seed alone, not
    on the number of processes.
    """
    from hearthwatch.base.signals import stop_on_signals
    from hearthwatch.trials.season.command import run_season
    from hearthwatch.trials.season.options import SeasonOptions

    options = SeasonOptions(
        scenario=scenario,
        units=units,
        days=days,
        start=start,
        step=step,
        seed=seed,
        workers=workers,
        truth=truth,
        picture=picture,
    )
    result, seconds = run_season(options, stop_on_signals())
    if as_json:
        print_json(result.to_document(seconds))
    else:
        print_tables(*result.to_tables(seconds))
