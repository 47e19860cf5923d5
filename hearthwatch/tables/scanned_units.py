"""The heat pumps that `gateway scan` met on a bus: as lines of text, and as configuration."""

import json
from collections.abc import Sequence
from itertools import groupby

from gateway_agent.bus.address import LineAddress
from gateway_agent.polling.scan import FoundUnit

_NOBODY = (
    "nobody answers; check wiring, parity and stop bits, and that no other program uses the bus; "
    "--all tries every address"
)


def scan_text(units: Sequence[FoundUnit]) -> str:
    """Return one line for each unit: where it answers, and which register maps fit it."""
    return "\n".join(map(_unit_line, units)) if units else _NOBODY


def scan_toml(units: Sequence[FoundUnit]) -> str:
    """Return `units` as tables of gateway.toml; a unit without a clear fit is a comment."""
    if not units:
        return f"# {_NOBODY}"
    buses = groupby(units, key=lambda unit: unit.line)
    return "\n\n".join(_bus_table(line, list(found)) for line, found in buses)


def _unit_line(unit: FoundUnit) -> str:
    fits = ", ".join(
        f"{each.profile} {100 * each.score:.0f} %" for each in unit.candidates if each.score > 0
    )
    name = unit.profile or "no map fits clearly"
    where = f"{unit.line.name} {unit.line.baud} baud, address {unit.address}"
    return f"{where}: {name} ({fits or 'none'}){_still(unit)}"


def _still(unit: FoundUnit) -> str:
    if not unit.still:
        return ""
    names = ", ".join(unit.still)
    return f"; {names} never moves while its neighbours do: name another register in an overlay"


def _bus_table(line: LineAddress, units: Sequence[FoundUnit]) -> str:
    comment = "" if any(unit.profile for unit in units) else "# "
    head = [f"{comment}[[bus]]", f"{comment}url = {json.dumps(line.url)}"]
    return "\n".join([*head, *map(_device_table, units)])


def _device_table(unit: FoundUnit) -> str:
    if unit.profile is None:
        return f"# address {unit.address} answers, but no register map fits it clearly"
    lines = [
        "[[bus.device]]",
        f'id = "unit-{unit.address}"    # give it an id that is unique in the district',
        f"address = {unit.address}",
        f"profile = {json.dumps(unit.profile)}",
    ]
    still = [f"# {name} never moves while its neighbours do" for name in unit.still]
    return "\n".join([*lines, *still])
