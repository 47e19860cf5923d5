"""Writes values and times for the page: with unit, and in the time of the district."""

from datetime import datetime, tzinfo
from typing import Final

# A rule's unit is the suffix of its point (contract §4) or `percent`: factor, decimals, and the
# sign shown.
_UNITS: Final = {
    "c": (1.0, 1, " °C"),
    "w": (0.001, 2, " kW"),
    "kwh": (1.0, 1, " kWh"),
    "percent": (1.0, 1, " %"),
    "bar": (1.0, 1, " bar"),
    "lpm": (1.0, 1, " L/min"),
    "v": (1.0, 0, " V"),
    "a": (1.0, 1, " A"),
    "hz": (1.0, 0, " Hz"),
    "rpm": (1.0, 0, " rpm"),
}


def measured(value: float, unit: str | None) -> str:
    """`value` with its unit, as people read it: `16.4 °C`."""
    factor, decimals, text = _UNITS.get(unit or "", (1.0, 1, f" {unit}" if unit else ""))
    return f"{value * factor:.{decimals}f}{text}".replace("-", "\N{MINUS SIGN}")


def date_and_time(at: int, zone: tzinfo) -> str:
    """A UTC ms time as month, day and time of day in `zone`."""
    return f"{datetime.fromtimestamp(at / 1_000, zone):%m-%d %H:%M:%S}"


def date_and_minute(at: int, zone: tzinfo) -> str:
    """A UTC ms time as month, day, hour and minute in `zone`."""
    return f"{datetime.fromtimestamp(at / 1_000, zone):%m-%d %H:%M}"


def iso(at: int, zone: tzinfo) -> str:
    """A UTC ms time as ISO 8601, for machines."""
    return datetime.fromtimestamp(at / 1_000, zone).isoformat(timespec="seconds")
