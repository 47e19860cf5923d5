"""`simulate bus`: settings from a file or from flags, and the service that runs them."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError

from configuration.load import load
from hearthwatch.base.errors import UsageError
from hearthwatch.base.resources import config_folder
from simulators.live.service import SimulatorService
from simulators.live.settings import SimulationSettings, settings_from_flags
from simulators.unit.quirks import CATALOGUE, Quirk

log = structlog.get_logger()


def find_scenario(name: str) -> Path:
    """The file of a scenario given by name (in config/scenarios) or by path; raises UsageError."""
    shipped = config_folder() / "scenarios" / f"{name}.toml"
    path = shipped if shipped.exists() else Path(name)
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in shipped.parent.glob("*.toml")))
        raise UsageError(f"--scenario: {name!r} is neither a file nor one of {names}")
    return path


def settings_for(config: Path | None, flags: Mapping[str, Any]) -> SimulationSettings:
    """The settings in `config`, or one line from command-line flags; raises ConfigurationError or
    UsageError."""
    if config is not None:
        return load(config, SimulationSettings)
    quirks = tuple(quirk.strip() for quirk in flags["quirks"].split(",") if quirk.strip())
    try:
        return settings_from_flags(
            **{**flags, "quirks": quirks, "scenario": find_scenario(flags["scenario"])}
        )
    except ValidationError as error:
        messages = (
            f"{_option(e['loc'])}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()
        )
        raise UsageError("; ".join(messages)) from error


def _option(location: tuple[int | str, ...]) -> str:
    """The command-line option that a place in the settings came from."""
    names = [str(part) for part in location if isinstance(part, str) and part != "line"]
    if not names:
        return "--pty, --tcp, --rtu-tcp"
    return "--units, --first-address" if names[0] == "unit" else f"--{names[0].replace('_', '-')}"


def quirk_list() -> str:
    """Every quirk of `simulate bus`: name, number that holds where none is given, and what it does;
    one a line."""
    rows = [(_with_number(quirk), quirk.help) for quirk in CATALOGUE.values()]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {explanation}" for name, explanation in rows)


def _with_number(quirk: Quirk) -> str:
    return f"{quirk.name}:{quirk.number:g} {quirk.measure}" if quirk.measure else quirk.name


def run_bus(settings: SimulationSettings, stop: threading.Event) -> None:
    """Serve until `stop`; says where once the lines answer. Raises UsageError for a line that
    cannot be opened."""
    try:
        service = SimulatorService(settings)
    except OSError as error:
        raise UsageError(f"cannot open the line: {error}") from error
    service.run(stop, on_ready=lambda: _say_where(settings, service.tcp_ports))


def _say_where(settings: SimulationSettings, tcp_ports: list[int]) -> None:
    ports = iter(tcp_ports)
    for line in settings.line:
        where = str(line.pty) if line.pty is not None else f"port {next(ports)}"
        log.info(
            "line_answers",
            where=where,
            profile=line.profile,
            addresses=[unit.address for unit in line.unit],
        )
