"""`hearthwatch gateway …`: the village box."""

from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.cli.output import AsJson, print_json

app = typer.Typer(help="The village box: poll heat pumps over Modbus and publish their readings.", no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", help="The gateway's TOML file (see config/examples/gateway.toml).")]


@app.command("run")
def run(config: Config = Path("gateway.toml")) -> None:
    """Poll all buses and publish until SIGTERM or Ctrl-C.

    A missing broker is waited for: readings are kept in the journal meanwhile.
    """
    from configuration.load import load
    from gateway_agent.profiles import load_profiles
    from gateway_agent.service import GatewayService
    from gateway_agent.settings import GatewaySettings
    from hearthwatch.resources import profile_folders
    from hearthwatch.signals import stop_on_signals

    settings = load(config, GatewaySettings)
    profiles = load_profiles(settings, profile_folders(), config)
    GatewayService(settings, profiles).run(stop_on_signals())


@app.command("check")
def check(config: Config = Path("gateway.toml"), as_json: AsJson = False) -> None:
    """Validate the configuration and print each device's read plan and each line's bus-time budget.

    No bus is touched. Exits with 2 where a key is wrong or a line cannot be polled within its interval.
    """
    from configuration.load import ConfigurationError, load
    from gateway_agent.check import check_gateway
    from gateway_agent.profiles import load_profiles
    from gateway_agent.settings import GatewaySettings
    from hearthwatch.resources import profile_folders

    settings = load(config, GatewaySettings)
    profiles = load_profiles(settings, profile_folders(), config)
    report = check_gateway(settings, profiles, config)
    if as_json:
        print_json(report.to_document())
    else:
        typer.echo(report.to_text())
    if report.problems:
        raise ConfigurationError(list(report.problems))
