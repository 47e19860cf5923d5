"""The transitions that a rule test expects, and the forecasts that it issues."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from rules.document import parse
from rules.document.problems import RuleErrors, RuleProblem
from rules.forecast.forecast import Period, WeatherForecast
from rules.rule_tests.series import numbers
from rules.rule_tests.values import offset, one_of, read_value, text, unknown_keys
from rules.transitions.transition import EdgeKind
from wire.units import HOUR_MS

EDGES: Final[tuple[EdgeKind, ...]] = get_args(EdgeKind)
_DISTRICT: Final = "district-1"
_FORECAST_KEYS: Final = ("at", "outdoor_c")
_NEEDED: Final = ("at", "rule", "edge")
_PARSERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "at": offset,
    "rule": text,
    "edge": one_of(EDGES),
    "subject": text,
    "code": text,
    "value": parse.number,
    "about": parse.number,
    "priority": one_of(parse.PRIORITIES),
    "reason": text,
    "onset": offset,
}


@dataclass(frozen=True, slots=True)
class ExpectedTransition:
    """A transition that must come; times are UTC ms. A field that is None is not compared.

    `value` must agree within 0.05, `about` within 10 %.
    """

    at: int
    rule: str
    edge: EdgeKind
    subject: str | None = None
    code: str | None = None
    value: float | None = None
    about: float | None = None
    priority: str | None = None
    reason: str | None = None
    onset: int | None = None


def parse_expectations(
    tables: object, start: int, problems: list[RuleProblem]
) -> list[ExpectedTransition]:
    """The `[[test.expect]]` tables of a test starting at `start` (UTC ms); notes its mistakes."""
    if not isinstance(tables, list):
        problems.append(("expect", "write [[test.expect]] tables, none where nothing may happen"))
        return []
    expected: list[ExpectedTransition] = []
    for position, table in enumerate(tables):
        try:
            expected.append(_expected(table, start))
        except RuleErrors as error:
            problems += error.below(f"expect[{position}]")
    return expected


def _expected(table: object, start: int) -> ExpectedTransition:
    if not isinstance(table, dict):
        raise RuleErrors([("", "write a table")])
    problems = unknown_keys(table, _PARSERS)
    given = [name for name in _PARSERS if name in table or name in _NEEDED]
    values = {name: read_value(table, name, _PARSERS[name], problems) for name in given}
    if problems:
        raise RuleErrors(problems)
    values |= {name: start + values[name] for name in ("at", "onset") if name in values}
    return ExpectedTransition(**values)


def parse_forecasts(
    tables: object, start: int, problems: list[RuleProblem]
) -> list[WeatherForecast]:
    """The `[[test.forecast]]` tables: `at` after the start, `outdoor_c` by the hour from then."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        problems.append(("forecast", "write [[test.forecast]] tables with at and outdoor_c"))
        return []
    forecasts: list[WeatherForecast] = []
    for position, table in enumerate(tables):
        mistakes = unknown_keys(table, _FORECAST_KEYS)
        at = read_value(table, "at", offset, mistakes)
        outdoor_c = read_value(table, "outdoor_c", numbers, mistakes)
        problems += [(f"forecast[{position}].{name}", message) for name, message in mistakes]
        if not mistakes:
            forecasts.append(_forecast(start + at, outdoor_c))
    return forecasts


def _forecast(issued_at: int, outdoor_c: list[float | None]) -> WeatherForecast:
    hours = ((issued_at + hour * HOUR_MS, value) for hour, value in enumerate(outdoor_c))
    periods = tuple(Period(at, at + HOUR_MS, value) for at, value in hours if value is not None)
    return WeatherForecast(_DISTRICT, issued_at, periods)
