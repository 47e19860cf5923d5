"""What the units refuse now, as the page `/limits` and `gateway check --live` show it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from gateway_agent.limits.learnt import registers_text
from gateway_agent.polling.line import PolledLine


def limits_page(lines: Iterable[PolledLine]) -> str:
    """The page: one JSON object with every unit of `lines`, whether it refuses anything or not."""
    units = [
        {
            "device": unit.name,
            "bus": line.name,
            "given_up": [registers_text([key]) for key in sorted(unit.learnt.illegal)],
            "cut_before": [registers_text([key]) for key in sorted(unit.learnt.borders)],
        }
        for line in lines
        for unit in line.units
    ]
    return json.dumps({"units": units}) + "\n"


def limits_text(page: Mapping[str, Any]) -> str:
    """The units on `page` that refuse something, one line each, for a person."""
    refusing = [unit for unit in page["units"] if unit["given_up"] or unit["cut_before"]]
    if not refusing:
        return f"live: {len(page['units'])} units, none refuses a register"
    return "\n".join(["live:", *map(_unit_line, refusing)])


def _unit_line(unit: Mapping[str, Any]) -> str:
    given_up = ", ".join(unit["given_up"]) or "none"
    cut = f"; blocks cut before {', '.join(unit['cut_before'])}" if unit["cut_before"] else ""
    return f"  {unit['device']} on {unit['bus']}: registers given up: {given_up}{cut}"
