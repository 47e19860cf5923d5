"""The heat pumps that `gateway scan` met on a bus, as lines of text."""

from collections.abc import Sequence

from gateway_agent.polling.scan import FoundUnit

_NOBODY = (
    "nobody answers; check wiring, parity and stop bits, and that no other program uses the bus"
)


def scan_text(units: Sequence[FoundUnit]) -> str:
    """Return one line for each unit: where it answers, and which register maps fit it."""
    return "\n".join(map(_unit_line, units)) if units else _NOBODY


def _unit_line(unit: FoundUnit) -> str:
    fits = ", ".join(
        f"{each.profile} {100 * each.score:.0f} %" for each in unit.candidates if each.score > 0
    )
    name = unit.profile or "no map fits clearly"
    where = f"{unit.line.name} {unit.line.baud} baud, address {unit.address}"
    return f"{where}: {name} ({fits or 'none'})"
