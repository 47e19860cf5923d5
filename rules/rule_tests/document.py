"""Rule test documents to tests, with every mistake named; `rules.rule_tests` shows the notation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rules.document.problems import RuleErrors, RuleProblem
from rules.forecast.forecast import WeatherForecast
from rules.rule_tests.devices import DeviceUnderTest, parse_devices
from rules.rule_tests.expectations import (
    ExpectedTransition,
    parse_expectations,
    parse_forecasts,
)
from rules.rule_tests.values import (
    DEFAULT_START,
    interval,
    moment,
    read_value,
    text,
    unknown_keys,
)

_TEST_KEYS: Final = {
    "name",
    "interval",
    "start",
    "series",
    "device",
    "forecast",
    "expect",
    "override",
}


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One test: devices read every `interval_ms` from `start` (UTC ms), and its transitions.

    `expected` are all transitions that must come. `forecasts` stand in order of time, and each is
    known from its issue on. `overrides` are changed keys by rule id.
    """

    name: str
    start: int
    interval_ms: int
    devices: list[DeviceUnderTest]
    expected: list[ExpectedTransition]
    overrides: Mapping[str, Mapping[str, object]]
    forecasts: list[WeatherForecast] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RuleTestFile:
    """The paths of the rule files, as written, and the tests of them."""

    rules: list[str]
    tests: list[RuleTest]


def parse_tests(document: Mapping[str, Any]) -> RuleTestFile:
    """The tests in a document; raises RuleErrors with all its mistakes."""
    problems = unknown_keys(document, {"rules", "test"})
    rules, tables = document.get("rules"), document.get("test")
    if not isinstance(rules, list) or not rules or not all(isinstance(path, str) for path in rules):
        problems.append(("rules", 'write the rule files to test, like ["../fault.toml"]'))
    if not isinstance(tables, list) or not tables:
        raise RuleErrors([*problems, ("test", "write at least one [[test]] table")])
    tests: list[RuleTest] = []
    for position, table in enumerate(tables):
        try:
            tests.append(_test(table))
        except RuleErrors as error:
            problems += error.below(_title(table, position))
    if problems:
        raise RuleErrors(problems)
    return RuleTestFile(list(rules or ()), tests)


def _title(table: object, position: int) -> str:
    name = table.get("name") if isinstance(table, dict) else None
    return f"test {name!r}" if isinstance(name, str) else f"test[{position}]"


def _test(table: object) -> RuleTest:
    if not isinstance(table, dict):
        raise RuleErrors([("", "write a table")])
    problems = unknown_keys(table, _TEST_KEYS)
    name = read_value(table, "name", text, problems)
    interval_ms = read_value(table, "interval", interval, problems)
    start = read_value({"start": DEFAULT_START, **table}, "start", moment, problems)
    if problems or start is None or interval_ms is None or name is None:
        raise RuleErrors(problems)
    devices = parse_devices(table, start, interval_ms, problems)
    expected = parse_expectations(table.get("expect", []), start, problems)
    forecasts = parse_forecasts(table.get("forecast", []), start, problems)
    overrides = _overrides(table, problems)
    if problems:
        raise RuleErrors(problems)
    return RuleTest(name, start, interval_ms, devices, expected, overrides, forecasts)


def _overrides(
    table: Mapping[str, Any], problems: list[RuleProblem]
) -> Mapping[str, Mapping[str, object]]:
    overrides = table.get("override", {})
    if not isinstance(overrides, dict) or not all(
        isinstance(changes, dict) for changes in overrides.values()
    ):
        problems.append(("override", "write tables [test.override.RULE_ID]"))
        return {}
    return overrides
