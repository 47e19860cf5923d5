"""Rule test documents to tests, with every mistake named at once; `rules.rule_tests` shows the
notation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, get_args

from rules.document import parse
from rules.document.problems import RuleErrors, RuleProblem
from rules.forecast.forecast import Period, WeatherForecast
from rules.rule_tests.series import GAP, lists, numbers, states
from rules.transitions.transition import EdgeKind
from wire.durations import parse_duration
from wire.identifiers import is_identifier
from wire.messages import Reading
from wire.points import POINTS
from wire.units import HOUR_MS

EDGES: Final[tuple[EdgeKind, ...]] = get_args(EdgeKind)
_DEFAULT_START: Final = "2025-12-01T00:00:00+08:00"
_DEFAULT_DEVICE: Final = "device-1"
_DEFAULT_GATEWAY: Final = "gateway-1"
_DEFAULT_VILLAGE: Final = "village-1"
_ONE_DURATION: Final = re.compile(r"\d+(?:\.\d+)?(?:ms|s|m|h|d)")
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
_DISTRICT: Final = "district-1"
_FORECAST_HOUR_MS: Final = HOUR_MS
_PLACES: Final = {"village": _DEFAULT_VILLAGE, "gateway": _DEFAULT_GATEWAY}


@dataclass(frozen=True, slots=True)
class DeviceUnderTest:
    """A device with its readings in time order; `readings[i]` is None where there is a gap."""

    id: str
    village: str
    gateway: str
    readings: list[Reading | None]


@dataclass(frozen=True, slots=True)
class Expected:
    """A transition that must come; times are UTC ms. What is None is not looked at."""

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


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One test: devices read every `interval_ms` from `start` (UTC ms), and all transitions they
    must lead to.

    `forecasts` are known from when they are issued, in order of time.
    """

    name: str
    start: int
    interval_ms: int
    devices: list[DeviceUnderTest]
    expected: list[Expected]
    overrides: Mapping[str, Mapping[str, object]]
    forecasts: list[WeatherForecast] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RuleTestFile:
    """The paths of the rule files, as written, and the tests of them."""

    rules: list[str]
    tests: list[RuleTest]


def parse_tests(document: Mapping[str, Any]) -> RuleTestFile:
    """The tests in a document; raises RuleErrors with all its mistakes."""
    problems = _unknown(document, {"rules", "test"})
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
    problems = _unknown(table, _TEST_KEYS)
    name = _read(table, "name", _text, problems)
    interval_ms = _read(table, "interval", _interval, problems)
    start = _read({"start": _DEFAULT_START, **table}, "start", _moment, problems)
    if problems or start is None or interval_ms is None or name is None:
        raise RuleErrors(problems)
    devices = _devices(table, start, interval_ms, problems)
    expected = _expectations(table.get("expect", []), start, problems)
    forecasts = _forecasts(table.get("forecast", []), start, problems)
    overrides = table.get("override", {})
    if not isinstance(overrides, dict) or not all(
        isinstance(changes, dict) for changes in overrides.values()
    ):
        problems.append(("override", "write tables [test.override.RULE_ID]"))
    if problems:
        raise RuleErrors(problems)
    return RuleTest(name, start, interval_ms, devices, expected, overrides, forecasts)


def _unknown(table: Mapping[str, Any], known: set[str]) -> list[RuleProblem]:
    return [
        (name, f"unknown key; known are {', '.join(sorted(known))}")
        for name in sorted(table.keys() - known)
    ]


def _read(table: Mapping[str, Any], name: str, parse: Any, problems: list[RuleProblem]) -> Any:
    """The value under `name`, or None with a problem noted where it is missing or badly written."""
    try:
        return parse(table[name])
    except KeyError:
        problems.append((name, "missing"))
    except ValueError as error:
        problems.append((name, str(error)))
    return None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("write a text")
    return value


def _moment(value: object) -> int:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"write a time with its offset from UTC, like {_DEFAULT_START}")
    return round(moment.timestamp() * 1000)


def _interval(value: Any) -> int:
    if (interval_ms := parse_duration(value)) <= 0:
        raise ValueError("write a duration above 0, like 30s")
    return interval_ms


def _offset(value: object) -> int:
    """Milliseconds, also of several durations joined: `1h15m`."""
    text = _text(value)
    parts = _ONE_DURATION.findall(text)
    if "".join(parts) != text:
        raise ValueError(f"{text!r} is not a time after the start; write it like 90s or 1h15m")
    return sum(parse_duration(part) for part in parts)


# ---- devices


def _devices(
    table: Mapping[str, Any], start: int, interval_ms: int, problems: list[RuleProblem]
) -> list[DeviceUnderTest]:
    if ("series" in table) == ("device" in table):
        problems.append(("series", "write either [test.series] or [test.device.NAME] tables"))
        return []
    if "series" in table:
        found = {_DEFAULT_DEVICE: ("series", table["series"])}
    elif isinstance(table["device"], dict):
        found = {name: (f"device.{name}", series) for name, series in table["device"].items()}
    else:
        problems.append(("device", "write tables [test.device.NAME]"))
        return []
    devices: list[DeviceUnderTest] = []
    for name, (key, series) in found.items():
        try:
            devices.append(_device(name, series, start, interval_ms))
        except RuleErrors as error:
            problems += error.below(key)
    return devices


def _device(name: str, table: object, start: int, interval_ms: int) -> DeviceUnderTest:
    if not isinstance(table, dict) or not is_identifier(name):
        raise RuleErrors([("", "write a table of series, named by an identifier like device-1")])
    places = {place: table.get(place, default) for place, default in _PLACES.items()}
    problems = [
        (place, "write an identifier")
        for place, value in places.items()
        if not is_identifier(_as_text(value))
    ]
    series = _series({key: text for key, text in table.items() if key not in _PLACES}, problems)
    lengths = {key: len(values) for key, values in series.items()}
    longest = max(lengths.values(), default=0)
    problems += [
        (
            key,
            f"{length} values, but the longest series of this device has {longest}; write them all out",
        )
        for key, length in lengths.items()
        if length < longest
    ]
    if not longest:
        problems.append(("", "write at least one series"))
    if problems:
        raise RuleErrors(problems)
    readings = [_reading(name, start + row * interval_ms, series, row) for row in range(longest)]
    return DeviceUnderTest(name, places["village"], places["gateway"], readings)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _series(table: Mapping[str, object], problems: list[RuleProblem]) -> dict[str, list[Any]]:
    parsers: dict[str, Any] = {
        "state": states,
        "faults": lists,
        "bad": lists,
        **dict.fromkeys(POINTS, numbers),
    }
    found: dict[str, list[Any]] = {}
    for name, text in table.items():
        if name not in parsers:
            problems.append(
                (name, f"not a series; known are village, gateway, {', '.join(parsers)}")
            )
            continue
        try:
            found[name] = parsers[name](str(text))
        except ValueError as error:
            problems.append((name, str(error)))
    return found


def _reading(device: str, at: int, series: Mapping[str, list[Any]], row: int) -> Reading | None:
    state: Any = series["state"][row] if "state" in series else "heating"
    if state == GAP:
        return None
    faults = list(series["faults"][row]) if "faults" in series else []
    bad = list(series["bad"][row]) if "bad" in series else []
    values = {
        name: value[row]
        for name, value in series.items()
        if name in POINTS and value[row] is not None
    }
    return Reading(device, at, state, faults, values, bad)


# ---- forecasts


def _forecasts(tables: object, start: int, problems: list[RuleProblem]) -> list[WeatherForecast]:
    """`[[test.forecast]]` tables: `at` after the start, and `outdoor_c` by the hour from then
    on."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        problems.append(("forecast", "write [[test.forecast]] tables with at and outdoor_c"))
        return []
    found: list[WeatherForecast] = []
    for position, table in enumerate(tables):
        mistakes = _unknown(table, {"at", "outdoor_c"})
        at, values = (
            _read(table, "at", _offset, mistakes),
            _read(table, "outdoor_c", numbers, mistakes),
        )
        problems += [(f"forecast[{position}].{name}", message) for name, message in mistakes]
        if not mistakes:
            found.append(_forecast(start + at, values))
    return found


def _forecast(issued_at: int, values: list[float | None]) -> WeatherForecast:
    hours = ((issued_at + hour * _FORECAST_HOUR_MS, value) for hour, value in enumerate(values))
    periods = tuple(
        Period(at, at + _FORECAST_HOUR_MS, value) for at, value in hours if value is not None
    )
    return WeatherForecast(_DISTRICT, issued_at, periods)


# ---- expectations


def _expectations(tables: object, start: int, problems: list[RuleProblem]) -> list[Expected]:
    if not isinstance(tables, list):
        problems.append(("expect", "write [[test.expect]] tables, none where nothing may happen"))
        return []
    found: list[Expected] = []
    for position, table in enumerate(tables):
        try:
            found.append(_expected(table, start))
        except RuleErrors as error:
            problems += error.below(f"expect[{position}]")
    return found


def _expected(table: object, start: int) -> Expected:
    if not isinstance(table, dict):
        raise RuleErrors([("", "write a table")])
    problems = _unknown(table, {*_EXPECTED})
    needed = [name for name in _EXPECTED if name in table or name in ("at", "rule", "edge")]
    values = {name: _read(table, name, _EXPECTED[name], problems) for name in needed}
    if problems:
        raise RuleErrors(problems)
    values |= {name: start + values[name] for name in ("at", "onset") if name in values}
    return Expected(**values)


def _one_of(choices: tuple[str, ...]) -> Any:
    def parse(value: object) -> str:
        if value not in choices or not isinstance(value, str):
            raise ValueError(f"write one of {', '.join(choices)}")
        return value

    return parse


_EXPECTED: Final[dict[str, Any]] = {
    "at": _offset,
    "rule": _text,
    "edge": _one_of(EDGES),
    "subject": _text,
    "code": _text,
    "value": parse.number,
    "about": parse.number,
    "priority": _one_of(parse.PRIORITIES),
    "reason": _text,
    "onset": _offset,
}
