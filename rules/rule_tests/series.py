"""The notation of series: `19*3 17.5 18>20*5 _*2`."""

from collections.abc import Callable, Iterator
from math import isfinite
from typing import Final, TypeVar

from rules.readings.batch import STATE_CODES

GAP: Final = "gap"
"""In a series of states: no reading."""

_MISSING: Final = "_"
_NONE: Final = "-"
_MOST: Final = 1_000_000
"""A year of readings every 30 s; a longer series is a typing mistake."""

Value = TypeVar("Value")


def numbers(text: str) -> list[float | None]:
    """Values of a point; None where it is missing. Raises ValueError."""
    values: list[float | None] = []
    for token, count in _tokens(text):
        start, is_line, end = token.partition(">")
        if is_line:
            values += _line(_number(start), _number(end), count)
        else:
            values += [None if token == _MISSING else _number(token)] * count
    return values


def states(text: str) -> list[str]:
    """Operating states (contract §3), or GAP. Raises ValueError."""
    return _repeated(text, _state)


def lists(text: str) -> list[tuple[str, ...]]:
    """Fault codes or point names: `-` for none, several joined by commas. Raises ValueError."""
    return _repeated(text, lambda token: () if token == _NONE else tuple(token.split(",")))


def _repeated(text: str, parse: Callable[[str], Value]) -> list[Value]:
    return [value for token, count in _tokens(text) for value in [parse(token)] * count]


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    for token in text.split():
        value, times, count = token.rpartition("*")
        if not times:
            yield token, 1
        elif count.isdecimal() and 0 < int(count) <= _MOST:
            yield value, int(count)
        else:
            raise ValueError(f"{token!r}: after * write how often, from 1 to {_MOST}")


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise ValueError(f"{text!r} is not a number; write one, or _ where the point is missing")
    return value


def _line(start: float, end: float, count: int) -> list[float]:
    if count < 2:
        raise ValueError(
            f"a line from {start:g} to {end:g} has at least 2 values: write {start:g}>{end:g}*COUNT"
        )
    return [start + (end - start) * position / (count - 1) for position in range(count)]


def _state(token: str) -> str:
    if token != GAP and token not in STATE_CODES:
        raise ValueError(
            f"{token!r} is not a state; write one of {', '.join(STATE_CODES)}, or {GAP}"
        )
    return token
