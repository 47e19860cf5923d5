"""The work of `gateway scan`: line settings one after the other, each with a progress bar on
standard error."""

import sys
from collections.abc import Mapping, Sequence

import typer

from gateway_agent.bus.address import LineAddress
from gateway_agent.bus.modbus import Bus
from gateway_agent.polling.scan import FoundUnit, scan_line, settings_to_try
from gateway_agent.profile.schema import Profile


def addresses_of(text: str) -> range:
    """`1-32` or `17` as the addresses it means; raises ValueError."""
    first, _, last = text.partition("-")
    if not all(part.isascii() and part.isdigit() for part in (first, last or first)):
        raise ValueError(f"{text!r}: addresses are FIRST-LAST, such as 1-32")
    addresses = range(int(first), int(last or first) + 1)
    if not addresses or addresses[0] < 1 or addresses[-1] > 247:
        raise ValueError(f"{text!r}: Modbus addresses go from 1 to 247, the first before the last")
    return addresses


def speeds_of(text: str) -> list[int]:
    """`9600,19200` as numbers; raises ValueError."""
    parts = [part.strip() for part in text.split(",")]
    if not all(
        part.isascii() and part.isdigit() and 300 <= int(part) <= 1_000_000 for part in parts
    ):
        raise ValueError(f"{text!r}: speeds are baud rates from 300 to 1000000, such as 9600,19200")
    return [int(part) for part in parts]


def run_scan(
    line: LineAddress,
    speeds: Sequence[int],
    addresses: range,
    profiles: Mapping[str, Profile],
    timeout_s: float,
) -> list[FoundUnit]:
    """The units found at the first of `speeds` at which anybody answers; raises LineDown."""
    for settings in settings_to_try(line, speeds):
        if found := _scan(settings, addresses, profiles, timeout_s):
            return found
    return []


def _scan(
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
