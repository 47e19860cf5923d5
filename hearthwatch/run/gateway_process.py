"""The processes `gateway run`, `check` and `scan`; they need the edge's packages only."""

import json
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, Final
from urllib.request import urlopen

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
from gateway_agent.polling.scan import (
    FoundUnit,
    never_moves,
    read_once,
    scan_line,
    settings_to_try,
)
from gateway_agent.profile.loading import (
    check_roles,
    load_profile,
    load_profiles,
    shipped_profiles,
)
from gateway_agent.profile.schema import Profile
from gateway_agent.settings import GatewaySettings, references_in
from gateway_agent.status.systemd import Notifier
from gateway_agent.supervise import Configuration, GatewaySupervisor, Signals
from hearthwatch.base.errors import UnreachableError, UsageError
from hearthwatch.base.resources import profile_folders

_PAGE_S: Final = 5.0
"""How long the page of the running gateway may take."""
# Addresses of one step of a long scan: a minute with one question of 0.3 s to each map.
_SCAN_STEP: Final = 32
# A watched unit is read so often; a circuit at work moves by kelvins in minutes.
_WATCH_EVERY_S: Final = 2.0


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
    check_roles(settings.profile_roles(), profiles, config)
    return Configuration(settings, profiles)


def _ready_to_run(config: Path) -> Configuration:
    configuration = read_configuration(config)
    require_state_files(config, {"journal.path": configuration.settings.journal.path})
    return configuration


def live_limits(settings: GatewaySettings) -> dict[str, Any]:
    """Return what the units of the running gateway refuse, from its own page.

    Raises UsageError if `settings` have no page, UnreachableError if it does not answer.
    """
    if settings.metrics.listen is None:
        raise UsageError(
            "--live asks the running gateway; set `[metrics] listen` and reload the gateway"
        )
    url = f"http://{settings.metrics.listen}/limits"
    try:
        with urlopen(url, timeout=_PAGE_S) as answer:
            page: dict[str, Any] = json.load(answer)
    except (OSError, ValueError) as error:
        raise UnreachableError(f"{url}: {error}; is the gateway running?") from error
    return page


def parse_addresses(text: str, line: LineAddress) -> range:
    """Return the addresses on `line` that `1-32` or `17` means; raise ValueError."""
    first, _, last = text.partition("-")
    if not all(part.isascii() and part.isdigit() for part in (first, last or first)):
        raise ValueError(f"{text!r}: addresses are FIRST-LAST, such as 1-32")
    addresses, possible = range(int(first), int(last or first) + 1), line.addresses
    if not addresses or addresses[0] not in possible or addresses[-1] not in possible:
        raise ValueError(
            f"{text!r}: addresses on this line go from {possible[0]} to {possible[-1]}, "
            "the first before the last"
        )
    return addresses


def steps_of(addresses: range) -> list[range]:
    """Return `addresses` in steps that a person can wait for."""
    firsts = range(addresses.start, addresses.stop, _SCAN_STEP)
    return [range(first, min(first + _SCAN_STEP, addresses.stop)) for first in firsts]


def parse_speeds(text: str) -> list[int]:
    """Return the baud rates in a text like `9600,19200`; raise ValueError."""
    parts = [part.strip() for part in text.split(",")]
    if not all(
        part.isascii() and part.isdigit() and 300 <= int(part) <= 1_000_000 for part in parts
    ):
        raise ValueError(f"{text!r}: speeds are baud rates from 300 to 1000000, such as 9600,19200")
    return [int(part) for part in parts]


def profiles_to_try(folders: Sequence[Path]) -> dict[str, Profile]:
    """Return the shipped profiles by name, and those in `folders` by the path of their file.

    Raises ConfigurationError with the mistakes of a profile, and ValueError if a folder has none.
    """
    shipped = profile_folders()
    profiles = shipped_profiles(shipped)
    for folder in folders:
        files = sorted(folder.glob("*.toml"))
        if not files:
            raise ValueError(f"{folder} holds no profile; name the folder of your *.toml files")
        profiles |= {str(file): load_profile(str(file), [*shipped, folder]) for file in files}
    return {name: profile for name, profile in profiles.items() if not profile.meter}


@dataclass(frozen=True, slots=True)
class BusScan:
    """What a scan looks for, how long it waits for an answer, and how long it watches the found.

    `found` is called with the units of each step.
    """

    profiles: Mapping[str, Profile]
    timeout_s: float
    watch_s: float
    found: Callable[[Sequence[FoundUnit]], None]


def scan_bus(
    line: LineAddress, speeds: Sequence[int], steps: Sequence[range], scan: BusScan
) -> list[FoundUnit]:
    """Return the units found in all `steps`, at the first of `speeds` that gets an answer.

    Each step has a progress bar on standard error. Raises LineDown.
    """
    units: list[FoundUnit] = []
    settings = settings_to_try(line, speeds)
    for addresses in steps:
        new: list[FoundUnit] = []
        for each in settings:
            if new := _scan_line(each, addresses, scan):
                settings = [each]
                break
        scan.found(new)
        units += new
    return _watched(settings[0], units, scan) if units and scan.watch_s else units


def _scan_line(line: LineAddress, addresses: range, scan: BusScan) -> list[FoundUnit]:
    bus, label = Bus(line), f"{line.name} {line.baud} baud, {addresses[0]}-{addresses[-1]}"
    try:
        with typer.progressbar(length=len(addresses), label=label, file=sys.stderr) as progress:
            return list(
                scan_line(
                    bus, addresses, scan.profiles, scan.timeout_s, lambda _: progress.update(1)
                )
            )
    finally:
        bus.close()


def _watched(line: LineAddress, units: Sequence[FoundUnit], scan: BusScan) -> list[FoundUnit]:
    """`units`, read again and again for `watch_s`, with the points that never moved."""
    readings: list[list[Mapping[str, float]]] = [[] for _ in units]
    bus, until_s = Bus(line), monotonic() + scan.watch_s
    pause = threading.Event()
    try:
        while monotonic() < until_s:
            for values, unit in zip(readings, units, strict=True):
                if unit.profile is not None:
                    profile = scan.profiles[unit.profile]
                    values.append(read_once(bus, unit, profile, scan.timeout_s))
            pause.wait(min(_WATCH_EVERY_S, max(0.0, until_s - monotonic())))
    finally:
        bus.close()
    return [
        replace(unit, still=never_moves(values))
        for unit, values in zip(units, readings, strict=True)
    ]
