"""Typed fields of a JSON object. Each reader raises PayloadError with the key as its detail."""

from math import isfinite
from typing import Any, Final

from wire.messages import VERSION
from wire.payload import PayloadError

MAX_INTEGER: Final = 2**63 - 1
"""The largest integer on the wire."""

_LONGEST_TEXT: Final = 64  # characters of a fault or of a name in `bad`


def required(document: dict[str, Any], key: str, kind: type) -> Any:
    """Return the value of `key`, of exactly the type `kind`."""
    if key not in document:
        raise PayloadError("missing_field", key)
    value = document[key]
    if type(value) is not kind:
        raise PayloadError("wrong_type", key)
    return value


def integer(document: dict[str, Any], key: str) -> int:
    """Return an integer from 0 to MAX_INTEGER."""
    _refuse_not_finite(document, key)
    value: int = required(document, key, int)
    if not 0 <= value <= MAX_INTEGER:
        raise PayloadError("out_of_range", key)
    return value


def number(document: dict[str, Any], key: str) -> float:
    """Return an integer or float as a float; an integer too large for a float becomes infinity."""
    if type(document.get(key)) is int:
        return as_float(document[key])
    _refuse_not_finite(document, key)
    value: float = required(document, key, float)
    return value


def texts(document: dict[str, Any], key: str) -> list[str]:
    """Return a list of short texts."""
    values: list[str] = required(document, key, list)
    if not all(isinstance(text, str) and len(text) <= _LONGEST_TEXT for text in values):
        raise PayloadError("wrong_type", key)
    return values


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
