"""A district's weather forecast, and the cold spells in it. The document is JSON:

    {"v": 1, "district": "mentougou", "issued_at": 1766620800000,
     "periods": [{"from": 1766620800000, "to": 1766624400000, "outdoor_c": -12.5}, …]}

Times are UTC ms. A period is an hour, or a day with its lowest temperature, as the weather service
gives it. Periods stand in order of time and do not overlap.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from wire.identifiers import is_identifier
from wire.points import POINTS

VERSION: Final = 1
MOST_PERIODS: Final = 10_000
"""More than a year of hours."""


@dataclass(frozen=True, slots=True)
class Period:
    """`outdoor_c` in °C from `since` until `until`, UTC ms, the end excluded."""

    since: int
    until: int
    outdoor_c: float


@dataclass(frozen=True, slots=True)
class WeatherForecast:
    """The periods expected in a district, in order of time; `issued_at` in UTC ms."""

    district: str
    issued_at: int
    periods: tuple[Period, ...]

    def spells(self, at_most_c: float) -> list[Period]:
        """Unbroken spells never warmer than `at_most_c`, each with its lowest temperature."""
        spells: list[Period] = []
        for period in self.periods:
            if period.outdoor_c > at_most_c:
                continue
            if spells and spells[-1].until == period.since:
                last = spells.pop()
                period = Period(last.since, period.until, min(last.outdoor_c, period.outdoor_c))
            spells.append(period)
        return spells


def parse_forecast(document: object) -> WeatherForecast:
    """The forecast in a parsed JSON document; raises ValueError with what to write."""
    if not isinstance(document, dict) or document.get("v") != VERSION:
        raise ValueError(f'write an object with "v": {VERSION}')
    district, periods = document.get("district"), document.get("periods")
    if not isinstance(district, str) or not is_identifier(district):
        raise ValueError("district: write the identifier of a district")
    if not isinstance(periods, list) or not 0 < len(periods) <= MOST_PERIODS:
        raise ValueError(f"periods: write a list of 1 to {MOST_PERIODS} periods")
    parsed = tuple(_period(period, position) for position, period in enumerate(periods))
    for position, (before, after) in enumerate(pairwise(parsed), 1):
        if after.since < before.until:
            raise ValueError(f"periods[{position}]: begins before the one in front of it ends")
    return WeatherForecast(district, _time(document, "issued_at"), parsed)


def _period(table: object, position: int) -> Period:
    try:
        if not isinstance(table, dict):
            raise ValueError("write an object with from, to and outdoor_c")
        since, until, outdoor_c = _time(table, "from"), _time(table, "to"), table.get("outdoor_c")
        if until <= since:
            raise ValueError("to: write a time after from")
        if isinstance(outdoor_c, bool) or not isinstance(outdoor_c, int | float):
            raise ValueError("outdoor_c: write a number of °C")
        if not POINTS["outdoor_c"].plausible(outdoor_c):
            raise ValueError(f"outdoor_c: {outdoor_c} °C is not plausible")
    except ValueError as error:
        raise ValueError(f"periods[{position}].{error}") from error
    return Period(since, until, float(outdoor_c))


def _time(table: Mapping[str, Any], name: str) -> int:
    value = table.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise ValueError(f"{name}: write a time in UTC milliseconds")
    return value
