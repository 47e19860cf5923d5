"""Parsers of single values of a rule test document; each raises ValueError with what to write."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final

from rules.document.problems import RuleProblem
from wire.durations import parse_duration
from wire.units import SECOND_MS

DEFAULT_START: Final = "2025-12-01T00:00:00+08:00"
_ONE_DURATION: Final = re.compile(r"\d+(?:\.\d+)?(?:ms|s|m|h|d)")


def unknown_keys(table: Mapping[str, Any], known: Collection[str]) -> list[RuleProblem]:
    """A problem for each key of `table` that is none of `known`."""
    return [
        (name, f"unknown key; known are {', '.join(sorted(known))}")
        for name in sorted(table.keys() - set(known))
    ]


def read_value(
    table: Mapping[str, Any],
    name: str,
    parser: Callable[[Any], Any],
    problems: list[RuleProblem],
) -> Any:
    """The value under `name`; None, with a problem noted, where it is missing or invalid."""
    try:
        return parser(table[name])
    except KeyError:
        problems.append((name, "missing"))
    except ValueError as error:
        problems.append((name, str(error)))
    return None


def text(value: object) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError("write a text")
    return value


def moment(value: object) -> int:
    """A time with its offset from UTC, as UTC ms."""
    try:
        parsed = value if isinstance(value, datetime) else datetime.fromisoformat(text(value))
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise ValueError(f"write a time with its offset from UTC, like {DEFAULT_START}")
    return round(parsed.timestamp() * SECOND_MS)


def interval(value: Any) -> int:
    """A duration above 0, in ms."""
    if (interval_ms := parse_duration(value)) <= 0:
        raise ValueError("write a duration above 0, like 30s")
    return interval_ms


def offset(value: object) -> int:
    """Milliseconds after the start; several durations may be joined, like `1h15m`."""
    written = text(value)
    parts = _ONE_DURATION.findall(written)
    if "".join(parts) != written:
        raise ValueError(f"{written!r} is not a time after the start; write it like 90s or 1h15m")
    return sum(parse_duration(part) for part in parts)


def one_of(choices: tuple[str, ...]) -> Callable[[object], str]:
    """A parser of one of these words."""

    def parser(value: object) -> str:
        if value not in choices or not isinstance(value, str):
            raise ValueError(f"write one of {', '.join(choices)}")
        return value

    return parser
