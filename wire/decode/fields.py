"""Typed fields of a JSON object. Each reader raises PayloadError with the key as its detail."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, Final, TypeVar

from wire.clocks import BEYOND_MS
from wire.identifiers import is_identifier, is_name
from wire.messages import INTERVAL_S, VERSION
from wire.payload import PayloadError
from wire.texts import LONGEST_LINE, is_line, is_token

MAX_INTEGER: Final = 2**63 - 1
"""The largest integer on the wire."""

_LONGEST_TEXT: Final = 64  # characters of a fault or of a name in `bad`

Value = TypeVar("Value")


def required(document: dict[str, Any], key: str, kind: type) -> Any:
    """Return the value of `key`, of exactly the type `kind`."""
    if key not in document:
        raise PayloadError("missing_field", key)
    value = document[key]
    if type(value) is not kind:
        raise PayloadError("wrong_type", key)
    return value


def integer(document: dict[str, Any], key: str, most: int = MAX_INTEGER) -> int:
    """Return an integer from 0 to `most`."""
    _refuse_not_finite(document, key)
    value: int = required(document, key, int)
    if not 0 <= value <= most:
        raise PayloadError("out_of_range", key)
    return value


def moment(document: dict[str, Any], key: str) -> int:
    """Return a time, UTC ms."""
    return integer(document, key, BEYOND_MS - 1)


def number(document: dict[str, Any], key: str) -> float:
    """Return an integer or float as a float; an integer too large for a float becomes infinity."""
    if type(document.get(key)) is int:
        return as_float(document[key])
    _refuse_not_finite(document, key)
    value: float = required(document, key, float)
    return value


def finite(document: dict[str, Any], key: str) -> float:
    """Return a number that fits a float."""
    value = number(document, key)
    if not isfinite(value):
        raise PayloadError("not_finite", key)
    return value


def interval(document: dict[str, Any]) -> float:
    """Return `interval_s`, in seconds."""
    value = number(document, "interval_s")
    if not INTERVAL_S[0] <= value <= INTERVAL_S[1]:
        raise PayloadError("out_of_range", "interval_s")
    return value


def identifier(document: dict[str, Any], key: str) -> str:
    """Return an identifier of contract §1."""
    text: str = required(document, key, str)
    if not is_identifier(text):
        raise PayloadError("bad_identifier", key)
    return text


def token(document: dict[str, Any], key: str) -> str:
    """Return 1 to 64 plain characters."""
    text: str = required(document, key, str)
    if not is_token(text):
        raise PayloadError("out_of_range", key)
    return text


def line(document: dict[str, Any], key: str, longest: int = LONGEST_LINE) -> str:
    """Return a printable text of one line."""
    text: str = required(document, key, str)
    if not is_line(text, longest):
        raise PayloadError("out_of_range", key)
    return text


def points(document: dict[str, Any], key: str, most: int) -> dict[str, float]:
    """Return finite numbers by the names of points, at most `most`."""
    values: dict[str, Any] = required(document, key, dict)
    if len(values) > most or not all(map(is_name, values)):
        raise PayloadError("out_of_range", key)
    return {name: finite(values, name) for name in values}


def texts(document: dict[str, Any], key: str) -> list[str]:
    """Return a list of short texts."""
    values: list[str] = required(document, key, list)
    if not all(isinstance(text, str) and len(text) <= _LONGEST_TEXT for text in values):
        raise PayloadError("wrong_type", key)
    return values


def name(document: dict[str, Any], key: str) -> str:
    """Return a name such as that of a rule; raises PayloadError."""
    text: str = required(document, key, str)
    if not is_name(text):
        raise PayloadError("bad_identifier", key)
    return text


def among(document: dict[str, Any], key: str, allowed: Sequence[str]) -> Any:
    """Return a text that is one of `allowed`; raises PayloadError."""
    text = required(document, key, str)
    if text not in allowed:
        raise PayloadError("out_of_range", key)
    return text


def optional(
    document: dict[str, Any], key: str, read: Callable[[dict[str, Any], str], Value]
) -> Value | None:
    """Return the field that `read` gives; None where it is null or absent."""
    return None if document.get(key) is None else read(document, key)


def check_version(version: int) -> None:
    """Raise PayloadError for any version but the one of this software."""
    if version != VERSION:
        raise PayloadError("unknown_version", f"{version}, this software reads {VERSION}")


def as_float(value: float) -> float:
    """Return `value` as a float, infinity where an integer is too large."""
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _refuse_not_finite(document: dict[str, Any], key: str) -> None:
    value = document.get(key)
    if isinstance(value, float) and not isfinite(value):
        raise PayloadError("not_finite", key)
