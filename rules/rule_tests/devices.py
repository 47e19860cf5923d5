"""The devices of a rule test, and their readings out of series."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rules.document.problems import RuleErrors, RuleProblem
from rules.rule_tests.series import GAP, lists, numbers, states
from wire.identifiers import is_identifier
from wire.messages import Reading
from wire.points import POINTS

_DEFAULT_DEVICE: Final = "device-1"
_DEFAULT_PATH: Final = {"village": "village-1", "gateway": "gateway-1"}
_SERIES: Final[dict[str, Any]] = {
    "state": states,
    "faults": lists,
    "bad": lists,
    "claimed_by": lists,
    "held_back": numbers,
    **dict.fromkeys(POINTS, numbers),
}
"""The parser of each series."""


@dataclass(frozen=True, slots=True)
class DeviceUnderTest:
    """A device with its readings in time order; `readings[i]` is None in a gap.

    `claimed_by[i]` holds the other gateways that announce it then, `held_back[i]` how many alerts
    of its gateway are held back.
    """

    id: str
    village: str
    gateway: str
    readings: list[Reading | None]
    claimed_by: list[tuple[str, ...]] = field(default_factory=list)
    held_back: list[float | None] = field(default_factory=list)


def parse_devices(
    table: Mapping[str, Any], start: int, interval_ms: int, problems: list[RuleProblem]
) -> list[DeviceUnderTest]:
    """The devices of a test read every `interval_ms` from `start` (UTC ms); notes its mistakes."""
    devices: list[DeviceUnderTest] = []
    for name, (key, series) in _tables(table, problems).items():
        try:
            devices.append(_device(name, series, start, interval_ms))
        except RuleErrors as error:
            problems += error.below(key)
    return devices


def _tables(table: Mapping[str, Any], problems: list[RuleProblem]) -> dict[str, tuple[str, object]]:
    """By device name, the key of its table of series and the table."""
    if ("series" in table) == ("device" in table):
        problems.append(("series", "write either [test.series] or [test.device.NAME] tables"))
        return {}
    if "series" in table:
        return {_DEFAULT_DEVICE: ("series", table["series"])}
    if isinstance(table["device"], dict):
        return {name: (f"device.{name}", series) for name, series in table["device"].items()}
    problems.append(("device", "write tables [test.device.NAME]"))
    return {}


def _device(name: str, table: object, start: int, interval_ms: int) -> DeviceUnderTest:
    if not isinstance(table, dict) or not is_identifier(name):
        raise RuleErrors([("", "write a table of series, named by an identifier like device-1")])
    path = {level: table.get(level, default) for level, default in _DEFAULT_PATH.items()}
    problems = [
        (level, "write an identifier")
        for level, value in path.items()
        if not isinstance(value, str) or not is_identifier(value)
    ]
    series = _series({key: text for key, text in table.items() if key not in path}, problems)
    length = max(map(len, series.values()), default=0)
    problems += _length_problems(series, length)
    if problems:
        raise RuleErrors(problems)
    readings = [_reading(name, start + row * interval_ms, series, row) for row in range(length)]
    beside = series.get("claimed_by", []), series.get("held_back", [])
    return DeviceUnderTest(name, path["village"], path["gateway"], readings, *beside)


def _series(table: Mapping[str, object], problems: list[RuleProblem]) -> dict[str, list[Any]]:
    series: dict[str, list[Any]] = {}
    for name, text in table.items():
        if name not in _SERIES:
            known = ", ".join(_SERIES)
            problems.append((name, f"not a series; known are village, gateway, {known}"))
            continue
        try:
            series[name] = _SERIES[name](str(text))
        except ValueError as error:
            problems.append((name, str(error)))
    return series


def _length_problems(series: Mapping[str, list[Any]], longest: int) -> list[RuleProblem]:
    if not longest:
        return [("", "write at least one series")]
    advice = f"but the longest series of this device has {longest}; write them all out"
    return [
        (key, f"{len(values)} values, {advice}")
        for key, values in series.items()
        if len(values) < longest
    ]


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
