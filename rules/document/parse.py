"""Parsers of single values of a rule document; use them as `parse.count`, not by the bare name.

Each takes a value as TOML gives it, and raises ValueError with what to write instead. In a class a
field `count` would hide a function `count` from the fields below it; it cannot hide `parse.count`.
"""

from math import isfinite
from typing import Final, get_args

from rules.document.problems import RuleErrors
from rules.document.texts import LANGUAGES, Texts
from wire.durations import parse_duration
from wire.identifiers import is_name
from wire.messages import Priority
from wire.points import POINTS

PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)
TICKETS: Final = (
    "device_fault",
    "low_room_temperature",
    "defrost",
    "offline",
    "village_outage",
    "inspection",
)
"""Kinds of ticket (contract §8) that an alert may open; people open the others."""


def duration(value: object) -> int:
    """Milliseconds, from `500ms 30s 10m 2h 7d`."""
    if not isinstance(value, str):
        raise ValueError("write a duration in quotes, like 500ms 30s 10m 2h 7d")
    return parse_duration(value)


def flag(value: object) -> bool:
    """`true` or `false`."""
    if not isinstance(value, bool):
        raise ValueError("write true or false")
    return value


def number(value: object) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError("write a number")
    return float(value)


def positive(value: object) -> float:
    """A number above zero."""
    if (parsed := number(value)) <= 0:
        raise ValueError("write a number above 0")
    return parsed


def not_negative(value: object) -> float:
    """A number of zero or above."""
    if (parsed := number(value)) < 0:
        raise ValueError("write a number from 0")
    return parsed


def share(value: object) -> float:
    """A part of one, above 0 and at most 1."""
    if not 0 < (parsed := number(value)) <= 1:
        raise ValueError("write a part of one, above 0 and at most 1")
    return parsed


def count(value: object) -> int:
    """A whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("write a whole number from 1")
    return value


def point(value: object) -> str:
    """The name of a point of contract §4."""
    if not isinstance(value, str) or value not in POINTS:
        raise ValueError(f"{value!r} is not a point; known are {', '.join(POINTS)}")
    return value


def points(value: object) -> tuple[str, ...]:
    """Names of one or more points, none twice."""
    if not isinstance(value, list) or not value or len(set(map(str, value))) < len(value):
        raise ValueError('write a list of points like ["supply_c", "return_c"], none twice')
    return tuple(point(name) for name in value)


def priority(value: object) -> Priority:
    """`urgent`, `high`, `medium` or `low`."""
    for known in PRIORITIES:
        if value == known:
            return known
    raise ValueError(f"{value!r} is not a priority; write one of {', '.join(PRIORITIES)}")


def rule_id(value: object) -> str:
    """A rule id (contract §1)."""
    if not isinstance(value, str) or not is_name(value):
        raise ValueError(f"{value!r} is not a rule id; use 1 to 48 of a-z 0-9 _")
    return value


def ticket(value: object) -> str:
    """A kind of ticket in TICKETS."""
    if not isinstance(value, str) or value not in TICKETS:
        raise ValueError(f"{value!r} is not a kind of ticket; write one of {', '.join(TICKETS)}")
    return value


def rule_ids(value: object) -> tuple[str, ...]:
    """A list of rule ids (contract §1)."""
    if not isinstance(value, list):
        raise ValueError('write a list of rule ids like ["fault"]')
    return tuple(rule_id(name) for name in value)


def texts(value: object) -> Texts:
    """A sentence in every language of the console."""
    if not isinstance(value, dict):
        raise ValueError(f"write a table with {' and '.join(LANGUAGES)}")
    problems = [
        (name, f"unknown language; known are {', '.join(LANGUAGES)}")
        for name in value.keys() - {*LANGUAGES}
    ]
    problems += [
        (name, "write a sentence")
        for name in LANGUAGES
        if not isinstance(value.get(name), str) or not value[name]
    ]
    if problems:
        raise RuleErrors(sorted(problems))
    return {name: value[name] for name in LANGUAGES}
