"""The processes `gateway run` and `gateway scan`; they need the edge's packages only."""

import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from configuration.load import (
    ConfigurationError,
    ConfigurationProblem,
    noting,
    read_document,
    validate,
)
from configuration.state_files import require_state_files
from gateway_agent.bus.address import LineAddress
from gateway_agent.bus.modbus import Bus
from gateway_agent.polling.scan import FoundUnit, scan_line, settings_to_try
from gateway_agent.profile.loading import load_profiles, shipped_profiles
from gateway_agent.profile.schema import Profile
from gateway_agent.settings import GatewaySettings, references_in
from gateway_agent.status.systemd import Notifier
from gateway_agent.supervise import Configuration, GatewaySupervisor, Signals
from hearthwatch.base.resources import profile_folders


def run_gateway(config: Path, stop: threading.Event, reload: threading.Event) -> None:
    """Run the gateway of `config` until `stop` is set; `reload` makes it read `config` again.

    Raises ConfigurationError if the configuration has mistakes at the start, or if the journal
    cannot be written.
    """
    GatewaySupervisor(lambda: _ready_to_run(config), Signals(stop, reload), Notifier()).run()


def read_configuration(config: Path) -> Configuration:
    """Return the settings in `config` and the profiles they name.

    Raises ConfigurationError with all mistakes of both.
    """
    problems: list[ConfigurationProblem] = []
    document = read_document(config, GatewaySettings)
    with noting(problems):
        settings = validate(document, GatewaySettings, config)
    with noting(problems):
        references = references_in(document, config.absolute().parent)
        profiles = load_profiles(references, profile_folders(), config)
    if problems:
        raise ConfigurationError(problems)
    return Configuration(settings, profiles)


def _ready_to_run(config: Path) -> Configuration:
    configuration = read_configuration(config)
    require_state_files(config, {"journal.path": configuration.settings.journal.path})
    return configuration


def parse_addresses(text: str) -> range:
    """Return the Modbus addresses that `1-32` or `17` means; raise ValueError."""
    first, _, last = text.partition("-")
    if not all(part.isascii() and part.isdigit() for part in (first, last or first)):
        raise ValueError(f"{text!r}: addresses are FIRST-LAST, such as 1-32")
    addresses = range(int(first), int(last or first) + 1)
    if not addresses or addresses[0] < 1 or addresses[-1] > 247:
        raise ValueError(f"{text!r}: Modbus addresses go from 1 to 247, the first before the last")
    return addresses


def parse_speeds(text: str) -> list[int]:
    """Return the baud rates in a text like `9600,19200`; raise ValueError."""
    parts = [part.strip() for part in text.split(",")]
    if not all(
        part.isascii() and part.isdigit() and 300 <= int(part) <= 1_000_000 for part in parts
    ):
        raise ValueError(f"{text!r}: speeds are baud rates from 300 to 1000000, such as 9600,19200")
    return [int(part) for part in parts]


def scan_bus(
    line: LineAddress, speeds: Sequence[int], addresses: range, timeout_s: float
) -> list[FoundUnit]:
    """Return the units found at the first of `speeds` that gets an answer; raise LineDown.

    Each speed has a progress bar on standard error.
    """
    profiles = shipped_profiles(profile_folders())
    for settings in settings_to_try(line, speeds):
        if units := _scan_line(settings, addresses, profiles, timeout_s):
            return units
    return []


def _scan_line(
    line: LineAddress, addresses: range, profiles: Mapping[str, Profile], timeout_s: float
) -> list[FoundUnit]:
    bus, label = Bus(line), f"{line.name} {line.baud} baud"
    try:
        with typer.progressbar(length=len(addresses), label=label, file=sys.stderr) as progress:
            return list(
                scan_line(bus, addresses, profiles, timeout_s, lambda _: progress.update(1))
            )
    finally:
        bus.close()
