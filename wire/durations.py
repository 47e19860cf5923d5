"""Durations in configuration files: `500ms 30s 10m 2h 7d` (contract §11)."""

import re
from typing import Final

from wire.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

_UNITS_MS: Final = {"ms": 1, "s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def parse_duration(text: str) -> int:
    """Return the milliseconds of a duration such as `30s`; raises ValueError with advice."""
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(
            f"{text!r} is not a duration; write a number and a unit, like 500ms 30s 10m 2h 7d"
        )
    return round(float(match[1]) * _UNITS_MS[match[2]])


def format_duration(milliseconds: int) -> str:
    """Return the shortest text that `parse_duration` reads back as exactly `milliseconds`."""
    for unit in ("d", "h", "m", "s"):
        if milliseconds and milliseconds % _UNITS_MS[unit] == 0:
            return f"{milliseconds // _UNITS_MS[unit]}{unit}"
    return f"{milliseconds}ms"
